package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// median is the middle of some figures, or the mean of the two in the middle.
func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	if len(s) == 0 {
		return math.NaN()
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// percentile is the smallest figure that at least p percent are not above.
func percentile(all []float64, p float64) float64 {
	s := slices.Sorted(slices.Values(all))
	if len(s) == 0 {
		return math.NaN()
	}
	n := int(math.Ceil(p / 100 * float64(len(s))))
	return s[min(max(n, 1), len(s))-1]
}

// pairwise divides two rows of figures run by run.
func pairwise(a, b []float64) []float64 {
	var all []float64
	for i := range min(len(a), len(b)) {
		if b[i] == 0 {
			return nil // below what the clock can show
		}
		all = append(all, a[i]/b[i])
	}
	return all
}

// number writes a figure with three significant digits.
func number(f float64) string {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "–"
	case f == 0:
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(f))))
	return strconv.FormatFloat(f, 'f', min(max(decimals, 0), 4), 64)
}

// count writes a whole number in groups of three digits.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText writes an amount of data in decimal units.
func bytesText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// span writes a range.
func span(from, to int) string {
	if from == to {
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

// plural writes a count of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// goal is one sentence of what must be shown, and what was.
type goal struct {
	text     string
	got      string
	measured bool
	met      bool
}

// atMost judges figures that may not be above a limit.
func atMost(text string, all []float64, pick func([]float64) float64, limit float64, unit string) goal {
	return judge(fmt.Sprintf("%s ≤ %s", text, number(limit)), all, pick, func(f float64) bool { return f <= limit }, unit)
}

// atLeast judges figures that may not be below a limit.
func atLeast(text string, all []float64, pick func([]float64) float64, limit float64) goal {
	return judge(fmt.Sprintf("%s ≥ %s", text, number(limit)), all, pick, func(f float64) bool { return f >= limit }, "")
}

func judge(text string, all []float64, pick func([]float64) float64, met func(float64) bool, unit string) goal {
	if len(all) == 0 {
		return goal{text: text, got: "not measured"}
	}
	f := pick(all)
	return goal{text: text, got: number(f) + unit, measured: !math.IsNaN(f), met: met(f)}
}

// verdict is the goal's outcome in a word.
func (g goal) verdict() string {
	switch {
	case !g.measured:
		return "–"
	case g.met:
		return "yes"
	}
	return "**no**"
}
