package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/pipeline/plan"
)

type planOnlineJSON struct {
	Summary  map[string]int    `json:"summary"` // writes by kind; what several flows would write counts once
	Writes   []planWriteJSON   `json:"writes"`
	Problems []planTroubleJSON `json:"problems"`
	Missing  []planMissingJSON `json:"missing_permissions"`
	Silent   []string          `json:"not_known"` // flows a cluster of which could not be asked
}

type planWriteJSON struct {
	Flow    string      `json:"flow"`
	Action  plan.Action `json:"action"`
	Kind    string      `json:"kind"` // as strait events has it
	Cluster string      `json:"cluster"`
	Object  string      `json:"object"`
	Before  string      `json:"before"`
	After   string      `json:"after"`
}

type planTroubleJSON struct {
	Flow    string `json:"flow"`
	Topic   string `json:"topic,omitempty"`
	Summary string `json:"summary"`
	Fix     string `json:"fix,omitempty"`
}

type planMissingJSON struct {
	Cluster   string `json:"cluster"`
	Principal string `json:"principal"`
	Operation string `json:"operation"`
	Object    string `json:"object"`
	Command   string `json:"command"` // that grants it
}

// online shows what flows would create and change on their clusters.
func (v *View) online(o *plan.Online) {
	for _, f := range o.Flows {
		if len(f.Writes)+len(f.Problems) == 0 {
			continue
		}
		v.Print("")
		v.Print("flow %q, on its clusters:", f.Flow)
		for _, w := range f.Writes {
			v.Print("    %s %s", v.planMark(w.Action()), writeText(w))
		}
		for _, t := range f.Problems {
			v.Print("    %s %s", v.Bad("!"), troubleText(t))
		}
	}
	if len(o.Missing) > 0 {
		v.Print("")
		v.Print("permissions that are missing:")
	}
	for _, m := range o.Missing {
		v.Print("    %s %s on %s of cluster %q, for %s", v.Bad("!"), m.Operation, m.Object, m.Cluster, m.Principal)
		v.Print("      %s", v.Faint(m.Command))
	}
	v.Print("%s", v.Strong("On the clusters: ")+onlineSummary(o))
}

func writeText(w plan.Write) string {
	text := fmt.Sprintf("cluster %q %s", w.Cluster, w.Object)
	switch w.Action() {
	case plan.Add:
		text += " " + w.After
	case plan.Remove:
		text += fmt.Sprintf(" %q", w.Before)
	default:
		text += fmt.Sprintf(" %q -> %q", w.Before, w.After)
	}
	return text + ": " + w.Kind
}

func troubleText(t plan.Trouble) string {
	text := t.Summary
	if t.Topic != "" {
		text = t.Topic + ": " + text
	}
	if t.Fix != "" {
		text += "; " + t.Fix
	}
	return text
}

func onlineSummary(o *plan.Online) string {
	var parts []string
	kinds := o.Kinds()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, fmt.Sprintf("%s: %d", kind, kinds[kind]))
	}
	if len(parts) == 0 && len(o.Silent) == 0 {
		parts = append(parts, "nothing to create or change")
	}
	if n := len(o.Silent); n > 0 {
		parts = append(parts, "not known of "+counted(n, "flow", "flows")+", see the errors")
	}
	if n := len(o.Missing); n > 0 {
		parts = append(parts, counted(n, "permission is", "permissions are")+" missing")
	}
	return strings.Join(parts, ", ") + "."
}

func onlineDocument(o *plan.Online) *planOnlineJSON {
	out := &planOnlineJSON{Summary: o.Kinds(), Writes: []planWriteJSON{}, Problems: []planTroubleJSON{}, Missing: []planMissingJSON{}, Silent: append([]string{}, o.Silent...)}
	for _, f := range o.Flows {
		for _, w := range f.Writes {
			out.Writes = append(out.Writes, planWriteJSON{f.Flow, w.Action(), w.Kind, w.Cluster, w.Object, w.Before, w.After})
		}
		for _, t := range f.Problems {
			out.Problems = append(out.Problems, planTroubleJSON{f.Flow, t.Topic, t.Summary, t.Fix})
		}
	}
	for _, m := range o.Missing {
		out.Missing = append(out.Missing, planMissingJSON{m.Cluster, m.Principal, m.Operation, m.Object, m.Command})
	}
	return out
}
