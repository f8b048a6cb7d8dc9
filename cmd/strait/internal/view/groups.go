package view

import (
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/groupsync"
)

// Groups is the result of the command groups.
type Groups struct{ Flows []FlowGroups }

// FlowGroups are the groups of one flow's source.
type FlowGroups struct {
	Flow   *model.Flow
	Groups []groupsync.Seen
}

type groupsJSON struct {
	FormatVersion int              `json:"format_version"`
	Flows         []flowGroupsJSON `json:"flows"`
}

type flowGroupsJSON struct {
	Flow        string      `json:"flow"`
	From        string      `json:"from"`
	To          string      `json:"to"`
	Checkpoints bool        `json:"checkpoints"`
	Offsets     bool        `json:"offsets"`
	Groups      []groupJSON `json:"groups"`
}

type groupJSON struct {
	Group      string `json:"group"`
	Called     string `json:"target_group,omitempty"` // none where it is not taken along
	Type       string `json:"type,omitempty"`         // none where brokers do not say
	Protocol   string `json:"protocol,omitempty"`
	Source     string `json:"source_state"`
	Target     string `json:"target_state,omitempty"` // none where there is no such group
	Partitions int    `json:"partitions"`
	Translated int    `json:"translated"`
	Exact      int    `json:"exact"`
	Waiting    int    `json:"waiting"`
	Reason     string `json:"reason,omitempty"` // why it is not taken along, or not in full
}

// Groups shows what becomes of consumer groups.
func (v *View) Groups(g Groups, asJSON bool) error {
	if asJSON {
		return v.JSON(groupsDocument(g))
	}
	for i, f := range g.Flows {
		if i > 0 {
			v.Print("")
		}
		v.Print("flow %s: %s", v.Strong(f.Flow.Name), headline(f))
		rows := [][]string{{"GROUP", "TYPE", "ON " + strings.ToUpper(f.Flow.From), "ON " + strings.ToUpper(f.Flow.To), "PARTITIONS", "EXACT", "WAITING", "WHY NOT"}}
		for _, s := range f.Groups {
			rows = append(rows, []string{
				named(s), dashed(kind(s)), dashed(s.Source), dashed(s.Target), fraction(s.Translated, s.Partitions), strconv.Itoa(s.Exact),
				strconv.Itoa(s.Waiting), dashed(s.Reason),
			})
		}
		if len(f.Groups) > 0 {
			v.Table(rows)
		}
	}
	return nil
}

// headline says what the flow does for its groups.
func headline(f FlowGroups) string {
	along := 0
	for _, s := range f.Groups {
		if s.Reason == "" {
			along++
		}
	}
	text := strconv.Itoa(along) + " of " + strconv.Itoa(len(f.Groups)) + " groups are taken along in full"
	switch c := &f.Flow.Control; {
	case c.SyncGroupOffsetsEnabled && c.EmitCheckpointsEnabled:
		return text + ", by checkpoints and by their offsets"
	case c.SyncGroupOffsetsEnabled:
		return text + ", by their offsets"
	case c.EmitCheckpointsEnabled:
		return text + ", by checkpoints only (sync_group_offsets_enabled = false)"
	}
	return text + " where the flow does it, which it does not (emit_checkpoints_enabled and sync_group_offsets_enabled = false)"
}

// named is the name of a group, with that at the target where it is another.
func named(s groupsync.Seen) string {
	if s.Called == "" || s.Called == s.Name {
		return s.Name
	}
	return s.Name + " as " + s.Called
}

// kind is the type of a group, with the protocol of classic ones that are no
// consumers.
func kind(s groupsync.Seen) string {
	if s.Protocol != "" && s.Protocol != "consumer" && s.Protocol != s.Type {
		return strings.TrimPrefix(s.Type+" "+s.Protocol, " ")
	}
	return s.Type
}

func fraction(part, of int) string { return strconv.Itoa(part) + "/" + strconv.Itoa(of) }

func dashed(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func groupsDocument(g Groups) groupsJSON {
	out := groupsJSON{FormatVersion: 1, Flows: []flowGroupsJSON{}}
	for _, f := range g.Flows {
		doc := flowGroupsJSON{
			Flow: f.Flow.Name, From: f.Flow.From, To: f.Flow.To,
			Checkpoints: f.Flow.Control.EmitCheckpointsEnabled, Offsets: f.Flow.Control.SyncGroupOffsetsEnabled, Groups: []groupJSON{},
		}
		for _, s := range f.Groups {
			doc.Groups = append(doc.Groups, groupJSON{
				s.Name, s.Called, s.Type, s.Protocol, s.Source, s.Target, s.Partitions, s.Translated, s.Exact, s.Waiting, s.Reason,
			})
		}
		out.Flows = append(out.Flows, doc)
	}
	return out
}
