package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/strait-mirror/strait/pipeline/status"
)

// maxWidth is the width every line of status keeps to.
const maxWidth = 80

// maxProblems is how many problems of one flow a table shows.
const maxProblems = 3

// Live shows one snapshot after the other: in place on a terminal, otherwise as
// plain lines.
type Live struct {
	v          *View
	plainEvery time.Duration
	shown      map[string]shownFlow // flow name to what its last plain line said
}

type shownFlow struct {
	at       time.Time
	state    string // and share of the work
	cause    string
	problems string
}

// NewLive returns a Live. Where there is no terminal a flow gets a line when
// its state changes and every plainEvery, and soon after its problems changed. Its methods are called by one
// goroutine at a time.
func (v *View) NewLive(plainEvery time.Duration) *Live {
	return &Live{v: v, plainEvery: plainEvery, shown: map[string]shownFlow{}}
}

// Show shows s instead of what was shown before.
func (l *Live) Show(s status.Snapshot) {
	if l.v.p.OutTerminal {
		l.v.redraw(l.v.statusTable(s))
		return
	}
	for _, f := range s.Flows {
		last, seen := l.shown[f.Name]
		now := shownFlow{at: s.Time, state: f.State + shared(f.Group), cause: f.Cause, problems: fmt.Sprint(distinct(f))}
		since := s.Time.Sub(last.at)
		same := last.state == now.state && last.cause == now.cause && (last.problems == now.problems || since < l.plainEvery/12)
		if seen && same && since < l.plainEvery {
			continue
		}
		l.shown[f.Name] = now
		l.v.Lines(plainLines(s.Time, f))
	}
}

// End leaves the last snapshot where it is and lets lines follow it.
func (l *Live) End() { l.v.release() }

// Totals says in one line what was copied.
func (v *View) Totals(s status.Snapshot, took time.Duration) {
	var records, bytes, skipped int64
	for _, f := range s.Flows {
		records += f.Records
		bytes += f.Bytes
		skipped += f.Skipped
	}
	left := ""
	if skipped > 0 {
		left = fmt.Sprintf(", skipped %s that the target refused", Count(skipped))
	}
	v.Print("copied %s records (%s) in %s%s", Count(records), Bytes(float64(bytes)), Seconds(took), left)
}

// plainLines is one flow as lines that make sense in a file.
func plainLines(at time.Time, f status.Flow) []string {
	line := fmt.Sprintf("%s %s %s", at.Format(time.TimeOnly), f.Name, f.State)
	if f.Cause != "" {
		line += ": " + f.Cause
	}
	if f.State == status.Running || f.State == status.Paused || f.State == status.Draining || f.State == status.Stopped {
		line += fmt.Sprintf(" %s records %s/s %s/s lag %s", Count(f.Records),
			short(int64(f.RecordRate)), Bytes(f.ByteRate), lag(f)) + lagTime(f)
	}
	if f.Skipped > 0 {
		line += fmt.Sprintf(" skipped %s", Count(f.Skipped))
	}
	lines := []string{line}
	if part := shared(f.Group); part != "" {
		lines[0] += "; " + part
	}
	problems := distinct(f)
	for i, p := range problems {
		if i == maxProblems {
			lines = append(lines, fmt.Sprintf("  ! and %s more", Count(int64(len(problems)-i))))
			break
		}
		lines = append(lines, p.lines()...)
	}
	return lines
}

// shared says what part of a flow's work this process has; "" where it has all.
func shared(g *status.Group) string {
	switch {
	case g == nil || g.Alone || g.Member != "" && g.Members == 1:
		return ""
	case g.Member == "":
		return fmt.Sprintf("joins group %s, has no share of the work yet", g.Name)
	}
	leads := ""
	if g.Leader {
		leads = " and leads"
	}
	return fmt.Sprintf("has %.0f %% of the work%s: %d processes are in group %s", 100*g.Share, leads, g.Members, g.Name)
}

// statusTable is a snapshot as lines that fit the terminal.
func (v *View) statusTable(s status.Snapshot) []string {
	width, height := v.p.Size()
	width = min(width, maxWidth)
	lines := []string{"", v.Faint(cut(fmt.Sprintf("%-16s %-9s %6s %6s %11s %8s %9s %8s",
		"FLOW", "STATE", "TOPICS", "PARTS", "RECORDS", "REC/S", "BYTES/S", "LAG"), width))}
	for _, f := range s.Flows {
		row := cut(fmt.Sprintf("%-16s %-9s %6s %6s %11s %8s %9s %8s", cut(f.Name, 16), cut(f.State, 9),
			short(int64(f.Topics)), short(int64(f.Partitions)), Count(f.Records),
			short(int64(f.RecordRate)), Bytes(f.ByteRate), lag(f)), width)
		lines = append(lines, v.paintState(row, f.State))
		lines = append(lines, wrap("  ", f.Cause, width)...)
		lines = append(lines, wrap("  ", shared(f.Group), width)...)
		if f.Skipped > 0 {
			lines = append(lines, cut("  skipped "+Count(f.Skipped)+" records that the target refused", width))
		}
		problems := distinct(f)
		for i, p := range problems {
			if i == maxProblems {
				lines = append(lines, cut(fmt.Sprintf("  ! and %s more", Count(int64(len(problems)-i))), width))
				break
			}
			if p.text != "" {
				lines = append(lines, wrap("  ! ", p.text, width)...)
			}
			if p.fix != "" {
				lines = append(lines, wrap("    ", "fix: "+p.fix, width)...)
			}
		}
	}
	// A table higher than the terminal could not be drawn over.
	if most := max(height-1, 3); len(lines) > most {
		lines = append(lines[:most-1], cut("  (the terminal is too small for the rest)", width))
	}
	return lines
}

func (v *View) paintState(row, state string) string {
	c := yellow
	switch state {
	case status.Running:
		c = green
	case status.Unhealthy:
		c = red
	case status.Stopped:
		return row
	}
	return strings.Replace(row, " "+state+" ", " "+v.paint(c, state)+" ", 1)
}

// shownProblem is what is shown of all problems of a flow that have one text.
type shownProblem struct {
	text string // empty: the flow's cause says it
	fix  string
}

func (p shownProblem) lines() []string {
	var lines []string
	if p.text != "" {
		lines = append(lines, "  ! "+p.text)
	}
	if p.fix != "" {
		lines = append(lines, "    fix: "+p.fix)
	}
	return lines
}

// maxPlaces is how many places of one problem a table names.
const maxPlaces = 3

// distinct returns a flow's problems without repetitions: a thousand partitions
// of one broker have one problem.
func distinct(f status.Flow) []shownProblem {
	places := map[string][]string{}
	for _, p := range f.Problems {
		places[p.Summary] = append(places[p.Summary], place(p))
	}
	var all []shownProblem
	for _, p := range f.Problems {
		at, ok := places[p.Summary]
		if !ok {
			continue
		}
		delete(places, p.Summary)
		shown := shownProblem{text: p.Summary, fix: p.Fix}
		if p.Topic != "" {
			if more := len(at) - maxPlaces; more > 0 {
				at = append(at[:maxPlaces:maxPlaces], "and "+Count(int64(more))+" more")
			}
			shown.text = strings.Join(at, ", ") + ": " + p.Summary
		}
		if f.Cause == p.Summary {
			shown.text = ""
		}
		if shown.text != "" || shown.fix != "" {
			all = append(all, shown)
		}
	}
	return all
}

func place(p status.Problem) string {
	if p.Topic == "" || p.Partition == status.WholeTopic {
		return p.Topic
	}
	return fmt.Sprintf("%s[%d]", p.Topic, p.Partition)
}

// lagTime says for how long a flow has been behind, where that is a second or
// more.
func lagTime(f status.Flow) string {
	switch {
	case f.LagRecords <= 0 || f.LagSeconds < 1:
		return ""
	case f.LagSecondsEstimated:
		return " about " + Seconds(time.Duration(f.LagSeconds)*time.Second)
	}
	return " for " + Seconds(time.Duration(f.LagSeconds)*time.Second)
}

func lag(f status.Flow) string {
	if f.LagRecords < 0 {
		return "-"
	}
	return short(f.LagRecords)
}
