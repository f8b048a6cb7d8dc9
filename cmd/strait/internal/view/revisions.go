package view

import (
	"fmt"
	"time"

	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/status"
)

// Revisions shows the last edits of a topology, and what became of them.
func (v *View) Revisions(list httpapi.Revisions, asJSON bool) error {
	if asJSON {
		return v.JSON(list)
	}
	if len(list.Revisions) == 0 {
		v.Print("edits are not looked for: the topology is the one that the process began with")
	}
	for _, r := range list.Revisions {
		v.Print("%s", v.revisionLine(r))
		for _, c := range r.Changes {
			v.Print("%s", v.revisionChange(c))
		}
		if r.MoreChanges > 0 {
			v.Print("%s", v.Faint(fmt.Sprintf("    and %d more", r.MoreChanges)))
		}
	}
	return nil
}

func (v *View) revisionLine(r status.Revision) string {
	outcome := v.Good(r.Outcome)
	switch r.Outcome {
	case status.Refused:
		outcome = v.Bad(r.Outcome)
	case status.Unchanged:
		outcome = r.Outcome
	}
	line := fmt.Sprintf("%s  revision %d  %s (%s", r.Time.UTC().Format(time.RFC3339), r.Revision, outcome, r.Trigger)
	if r.Trigger != status.ByStart {
		line += ", took " + time.Duration(r.Seconds*float64(time.Second)).Round(time.Millisecond).String()
	}
	line += ")"
	if r.Error != "" {
		line += ": " + r.Error
	}
	return line
}

func (v *View) revisionChange(c status.RevisionChange) string {
	part := c.Part
	if part == "" {
		part = "process"
	}
	line := "    " + v.planMark(plan.Action(c.Action)) + " " + part
	if c.Property != "" {
		line += " " + c.Property
	}
	if c.Before != c.After {
		line += fmt.Sprintf(" %q -> %q", c.Before, c.After)
	}
	line += ": " + c.Action
	if c.Note != "" {
		line += ", " + c.Note
	}
	return line
}
