package view

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

// Status shows one snapshot.
func (v *View) Status(s status.Snapshot) {
	v.Lines(v.statusTable(s)[1:])
	if s.Reload == nil {
		return
	}
	v.Print("")
	v.revision(*s.Reload)
}

func (v *View) revision(r status.Reload) {
	if r.Successful {
		v.Print("revision %d, applied %s", r.Revision, r.Applied.UTC().Format(time.RFC3339))
		return
	}
	v.Print("revision %d runs on: the edit of %s was %s: %s", r.Revision, r.Tried.UTC().Format(time.RFC3339), v.Bad("refused"), r.Error)
}

// Reloaded shows what became of reading the topology again.
func (v *View) Reloaded(r httpapi.Reloaded, asJSON bool) error {
	if asJSON {
		return v.JSON(r)
	}
	v.revision(r.Reload)
	return nil
}

// Steered shows what a flow does since it was told something.
func (v *View) Steered(told httpapi.Steered, asJSON bool) error {
	if asJSON {
		return v.JSON(told)
	}
	f := told.Flow
	v.Print("%s %s", f.Name, strings.TrimSuffix(f.State+": "+f.Cause, ": "))
	return nil
}

// PartitionLag shows where partitions are.
func (v *View) PartitionLag(list httpapi.Partitions, asJSON bool) error {
	if asJSON {
		return v.JSON(list)
	}
	rows := [][]string{{"FLOW", "TOPIC", "PARTITION", "POSITION", "END", "LAG", "BEHIND", "HEADROOM", "STATE"}}
	for _, p := range list.Partitions {
		rows = append(rows, []string{
			p.Flow, p.Topic, strconv.Itoa(int(p.Partition)), orDash(p.Position), orDash(p.End), orDash(p.LagRecords),
			behind(p.LagRecords, p.LagSeconds, p.LagSecondsEstimated), orDash(p.Headroom), strings.TrimSuffix(p.State+": "+p.Cause, ": "),
		})
	}
	v.Table(rows)
	v.more(len(list.Partitions), list.Total, "partitions")
	return nil
}

// TopicLag shows where topics are.
func (v *View) TopicLag(list httpapi.Topics, asJSON bool) error {
	if asJSON {
		return v.JSON(list)
	}
	rows := [][]string{{"FLOW", "TOPIC", "TARGET", "PARTITIONS", "UNHEALTHY", "LAG", "BEHIND", "HEADROOM"}}
	for _, t := range list.Topics {
		rows = append(rows, []string{
			t.Flow, t.Topic, t.Target, strconv.Itoa(t.Partitions), strconv.Itoa(t.Unhealthy), orDash(t.LagRecords),
			behind(t.LagRecords, t.LagSeconds, false), orDash(t.Headroom),
		})
	}
	v.Table(rows)
	v.more(len(list.Topics), list.Total, "topics")
	return nil
}

// Events shows what happened, a line each.
func (v *View) Events(list httpapi.Events, asJSON bool) error {
	if asJSON {
		return v.JSON(list)
	}
	for _, e := range list.Events {
		v.Print("%s", v.eventLine(e))
	}
	return nil
}

func (v *View) eventLine(e events.Event) string {
	level := "info "
	switch e.Level {
	case "error":
		level = v.paint(red, "error")
	case "warn":
		level = v.paint(yellow, "warn ")
	}
	words := []string{e.Time.UTC().Format(time.RFC3339), level}
	if e.Flow != "" {
		words = append(words, e.Flow+":")
	}
	words = append(words, v.Strong(e.Message))
	for _, name := range slices.Sorted(maps.Keys(e.Attrs)) {
		words = append(words, fmt.Sprintf("%s=%q", name, e.Attrs[name]))
	}
	return strings.Join(words, " ")
}

// more says that there is more than what is shown.
func (v *View) more(shown, total int, what string) {
	if shown < total {
		v.Print("%s", v.Faint(fmt.Sprintf("  %s of %s %s; --limit shows more", Count(int64(shown)), Count(int64(total)), what)))
	}
}

func orDash(n int64) string {
	if n < 0 {
		return "-"
	}
	return Count(n)
}

func behind(records int64, seconds float64, estimated bool) string {
	switch {
	case records < 0:
		return "-"
	case estimated:
		return "about " + Seconds(time.Duration(seconds*float64(time.Second)))
	}
	return Seconds(time.Duration(seconds * float64(time.Second)))
}
