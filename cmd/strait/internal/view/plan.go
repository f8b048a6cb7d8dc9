package view

import (
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/plan"
)

type planJSON struct {
	FormatVersion int              `json:"format_version"`
	Summary       map[string]int   `json:"summary"` // clusters, flows and changes of the process by action
	Changes       []planChangeJSON `json:"changes"` // of the process
	Clusters      []planPartJSON   `json:"clusters"`
	Flows         []planFlowJSON   `json:"flows"`
	Online        *planOnlineJSON  `json:"online,omitempty"` // with --online
}

type planFlowJSON struct {
	Flow    string           `json:"flow"`
	Action  plan.Action      `json:"action"`
	Changes []planChangeJSON `json:"changes"`
	Nodes   []planPartJSON   `json:"nodes"`
}

type planPartJSON struct {
	ID      string           `json:"id"`
	Kind    string           `json:"kind"`
	Name    string           `json:"name"`
	Action  plan.Action      `json:"action"`
	Changes []planChangeJSON `json:"changes"`
}

type planChangeJSON struct {
	Property string      `json:"property"`
	Before   string      `json:"before"`
	After    string      `json:"after"`
	Action   plan.Action `json:"action"`
	Note     string      `json:"note,omitempty"`
	At       string      `json:"at,omitempty"` // file:line:column in the new topology
}

// Plan shows what must change to get from one topology to another.
func (v *View) Plan(p *plan.Plan, asJSON bool) error {
	if asJSON {
		return v.JSON(planDocument(p))
	}
	if len(p.Changes) > 0 {
		v.Print("process:")
		v.planChanges("", p.Changes)
	}
	for _, c := range p.Clusters {
		if c.Action != plan.Keep {
			v.planHead(c.Action, fmt.Sprintf("cluster %q", c.Name))
			v.planChanges("", c.Changes)
		}
	}
	for _, f := range p.Flows {
		if f.Action == plan.Keep {
			continue
		}
		v.planHead(f.Action, fmt.Sprintf("flow %q", f.Name))
		v.planChanges("", f.Changes)
		for _, n := range f.Nodes {
			v.planChanges(n.Kind, n.Changes)
		}
	}
	v.Print("%s", v.Strong("Plan: ")+summary(p))
	if n := p.Count(plan.Destructive); n > 0 {
		v.Print("%s", v.Bad("Destructive changes")+" rename live data or read it again; a running Strait asks for consent.")
	}
	if p.Online != nil {
		v.online(p.Online)
	}
	return nil
}

// planHead is the line of a cluster or flow.
func (v *View) planHead(a plan.Action, what string) {
	v.Print("%s %s: %s", v.planMark(a), what, a)
}

// planMark is the sign in front of a line, as those who know Terraform read it.
func (v *View) planMark(a plan.Action) string {
	switch a {
	case plan.Add:
		return v.Good("+")
	case plan.Remove:
		return v.Bad("-")
	case plan.Destructive:
		return v.Bad("!")
	case plan.Keep:
		return " "
	default:
		return v.paint(yellow, "~")
	}
}

func (v *View) planChanges(of string, list []plan.Change) {
	for _, c := range list {
		line := "    " + v.planMark(c.Action) + " "
		if of != "" {
			line += of + " "
		}
		line += c.Property
		if c.Before != c.After {
			line += fmt.Sprintf(" %q -> %q", c.Before, c.After)
		}
		line += ": " + string(c.Action)
		if c.Note != "" {
			line += ", " + c.Note
		}
		if !c.At.IsZero() {
			line += v.Faint(" (" + position(c.At) + ")")
		}
		v.Print("%s", line)
	}
}

func position(r diag.Range) string { return r.String() }

// summary counts, Terraform's way.
func summary(p *plan.Plan) string {
	if p.Empty() {
		return "nothing to do, " + counted(p.Count(plan.Keep), "part is", "parts are") + " what they were."
	}
	change := p.Count(plan.UpdateLive) + p.Count(plan.AtBoundary) + p.Count(plan.Restart) + p.Count(plan.RestartFlow)
	parts := []string{
		fmt.Sprintf("%d to add", p.Count(plan.Add)),
		fmt.Sprintf("%d to change", change),
		fmt.Sprintf("%d to remove", p.Count(plan.Remove)),
	}
	if n := p.Count(plan.Destructive); n > 0 {
		parts = append(parts, fmt.Sprintf("%d destructive", n))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(", %d to keep.", p.Count(plan.Keep))
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func planDocument(p *plan.Plan) planJSON {
	out := planJSON{FormatVersion: 1, Summary: map[string]int{}, Changes: planChangeList(p.Changes), Clusters: []planPartJSON{}, Flows: []planFlowJSON{}}
	for _, c := range p.Changes {
		out.Summary[string(c.Action)]++
	}
	for _, c := range p.Clusters {
		out.Clusters = append(out.Clusters, planPart(c))
		out.Summary[string(c.Action)]++
	}
	for _, f := range p.Flows {
		flow := planFlowJSON{Flow: f.Name, Action: f.Action, Changes: planChangeList(f.Changes), Nodes: []planPartJSON{}}
		for _, n := range f.Nodes {
			flow.Nodes = append(flow.Nodes, planPart(n))
		}
		out.Flows = append(out.Flows, flow)
		out.Summary[string(f.Action)]++
	}
	if p.Online != nil {
		out.Online = onlineDocument(p.Online)
	}
	return out
}

func planPart(p plan.Part) planPartJSON {
	return planPartJSON{ID: p.ID, Kind: p.Kind, Name: p.Name, Action: p.Action, Changes: planChangeList(p.Changes)}
}

func planChangeList(list []plan.Change) []planChangeJSON {
	out := []planChangeJSON{}
	for _, c := range list {
		j := planChangeJSON{Property: c.Property, Before: c.Before, After: c.After, Action: c.Action, Note: c.Note}
		if !c.At.IsZero() {
			j.At = position(c.At)
		}
		out = append(out, j)
	}
	return out
}
