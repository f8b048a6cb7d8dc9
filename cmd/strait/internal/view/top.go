package view

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Top is one reading of flows or topics, sorted.
type Top struct {
	FormatVersion int       `json:"format_version"`
	Time          time.Time `json:"time"`
	Sort          string    `json:"sort"`
	RecordRate    float64   `json:"record_rate"` // of all flows, per second
	ByteRate      float64   `json:"byte_rate"`
	Rows          []TopRow  `json:"rows"`
}

// TopRow is one flow, or one topic of a flow.
type TopRow struct {
	Flow       string   `json:"flow"`
	Topic      string   `json:"topic,omitempty"` // empty: all of the flow
	State      string   `json:"state"`
	Cause      string   `json:"cause,omitempty"`
	LagRecords int64    `json:"lag_records"` // -1: not known
	LagSeconds float64  `json:"lag_seconds"`
	Estimated  bool     `json:"lag_seconds_estimated,omitempty"`
	RecordRate *float64 `json:"record_rate"` // null: not known yet
	ByteRate   *float64 `json:"byte_rate"`
	Problems   int      `json:"problems"` // of a topic: unhealthy partitions
}

// Terminal reports whether results are shown on a terminal, where they may be drawn
// anew.
func (v *View) Terminal() bool { return v.p.OutTerminal }

// Top shows one reading.
func (v *View) Top(t Top, asJSON bool) error {
	if asJSON {
		return v.JSON(t)
	}
	v.Lines(v.topLines(t, unbounded, unbounded))
	return nil
}

// Top shows a reading instead of what was shown before, as far as it fits.
func (l *Live) Top(t Top) {
	width, height := l.v.p.Size()
	l.v.redraw(l.v.topLines(t, width, max(height-1, 4)))
}

// unbounded is the size of an output that is no terminal.
const unbounded = 1 << 30

// topLines is a reading in at most height lines of at most width characters.
func (v *View) topLines(t Top, width, height int) []string {
	lines := []string{cut(fmt.Sprintf("%s  %s records/s  %s/s  by %s", t.Time.UTC().Format(time.RFC3339),
		short(int64(t.RecordRate)), Bytes(t.ByteRate), t.Sort), width)}
	names := 16
	for _, r := range t.Rows {
		names = max(names, utf8.RuneCountInString(r.name()))
	}
	const columns = 58 // of what is beside the name
	names = min(names, max(16, width-columns))
	lines = append(lines, v.Faint(cut(fmt.Sprintf("%-*s %-9s %8s %10s %8s %9s %8s", names, "NAME", "STATE", "LAG", "BEHIND", "REC/S", "BYTES/S", "PROBLEMS"), width)))
	for i, r := range t.Rows {
		if len(lines) == height-1 && i < len(t.Rows)-1 {
			return append(lines, v.Faint(cut(fmt.Sprintf("and %s more", Count(int64(len(t.Rows)-i))), width)))
		}
		line := cut(strings.TrimRight(fmt.Sprintf("%-*s %-9s %8s %10s %8s %9s %8s  %s", names, cut(r.name(), names), cut(r.State, 9),
			lagOf(r.LagRecords), behind(r.LagRecords, r.LagSeconds, r.Estimated), rateOf(r.RecordRate, func(n float64) string { return short(int64(n)) }),
			rateOf(r.ByteRate, Bytes), Count(int64(r.Problems)), r.Cause), " "), width)
		lines = append(lines, v.paintState(line, r.State))
	}
	return lines
}

func (r TopRow) name() string {
	if r.Topic == "" {
		return r.Flow
	}
	return r.Flow + " " + r.Topic
}

func lagOf(n int64) string {
	if n < 0 {
		return "-"
	}
	return short(n)
}

func rateOf(n *float64, text func(float64) string) string {
	if n == nil {
		return "-"
	}
	return text(*n)
}
