package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Count is n with a comma between thousands.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	out := make([]byte, 0, len(digits)+len(digits)/3)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, digits[i])
	}
	return sign + string(out)
}

// short is n in at most six characters.
func short(n int64) string {
	if n < 100_000 {
		return Count(n)
	}
	return scaled(float64(n), "", "k", "M", "G", "T")
}

// Bytes is a number of bytes in decimal units, in at most eight characters.
func Bytes(n float64) string { return scaled(n, " B", " kB", " MB", " GB", " TB") }

// scaled is n with three digits or so and the unit that fits.
func scaled(n float64, units ...string) string {
	i := 0
	for n >= 1000 && i < len(units)-1 {
		n /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f%s", n, units[i])
	}
	return fmt.Sprintf("%.1f%s", n, units[i])
}

// Seconds is d to a tenth of a second.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// wrapLines is how many lines one message may take in a table.
const wrapLines = 3

// wrap breaks text at blanks into lines of at most width characters. The first
// begins with prefix, the others with as many blanks.
func wrap(prefix, text string, width int) []string {
	var lines []string
	line := prefix
	for word := range strings.FieldsSeq(text) {
		switch {
		case len(lines) < wrapLines-1 && len(line) > len(prefix) && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, cut(line, width))
			line = strings.Repeat(" ", len(prefix)) + word
		case len(line) > len(prefix):
			line += " " + word
		default:
			line += word
		}
	}
	if len(line) > len(prefix) {
		lines = append(lines, cut(line, width))
	}
	return lines
}

// cut shortens text to at most width characters and marks that it did.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(width-1, 0)]) + "…"
}
