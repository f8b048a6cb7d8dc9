package view

import (
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/pipeline/preview"
)

// Topics is the result of the command topics.
type Topics struct{ Flows []preview.Flow }

type topicsJSON struct {
	FormatVersion int              `json:"format_version"`
	Flows         []topicsFlowJSON `json:"flows"`
}

type topicsFlowJSON struct {
	Flow    string      `json:"flow"`
	From    string      `json:"from"`
	To      string      `json:"to"`
	Enabled bool        `json:"enabled"`
	Copied  int         `json:"copied"`
	Topics  []topicJSON `json:"topics"`
}

type topicJSON struct {
	Topic   string   `json:"topic"`
	Copied  bool     `json:"copied"`
	Target  string   `json:"target,omitempty"`
	Rule    string   `json:"rule"`
	Pattern string   `json:"pattern,omitempty"`
	At      string   `json:"at,omitempty"` // file:line:column of the pattern
	Why     string   `json:"why"`
	Shares  []string `json:"shares_target_with,omitempty"`
	Merge   string   `json:"stage_without_merge,omitempty"` // that keeps them from sharing it
}

// Topics shows what flows do with topics.
func (v *View) Topics(t Topics, asJSON bool) error {
	if asJSON {
		return v.JSON(topicsDocument(t))
	}
	for i, f := range t.Flows {
		if i > 0 {
			v.Print("")
		}
		state := ""
		if !f.Enabled {
			state = ", which is not enabled,"
		}
		v.Print("flow %s%s copies %d of %d topics", v.Strong(f.Name), state, f.Copied(), len(f.Topics))
		rows := [][]string{{"TOPIC", "ON " + strings.ToUpper(f.To), "WHY"}}
		for _, topic := range f.Topics {
			rows = append(rows, topicRow(topic))
		}
		if len(f.Topics) > 0 {
			v.Table(rows)
		}
	}
	return nil
}

func topicRow(t preview.Topic) []string {
	target, why := t.Target, t.Why
	if target == "" {
		target = "-"
	}
	if at := t.At.String(); at != "" {
		why += " (" + at + ")"
	}
	if len(t.Shares) > 0 {
		why += "; " + together(t)
	}
	return []string{t.Name, target, why}
}

// together says what comes of topics that would have one name.
func together(t preview.Topic) string {
	others := strings.Join(t.Shares, ", ")
	switch {
	case !t.Refused:
		return "in one with " + others
	case t.Merge == "":
		return fmt.Sprintf("not mirrored, since %s would have the same name", others)
	}
	return fmt.Sprintf("not mirrored, since %s would have the same name and stage %q does not say merge = true", others, t.Merge)
}

func topicsDocument(t Topics) topicsJSON {
	out := topicsJSON{FormatVersion: 1, Flows: []topicsFlowJSON{}}
	for _, f := range t.Flows {
		flow := topicsFlowJSON{Flow: f.Name, From: f.From, To: f.To, Enabled: f.Enabled, Copied: f.Copied(), Topics: []topicJSON{}}
		for _, x := range f.Topics {
			flow.Topics = append(flow.Topics, topicJSON{
				Topic: x.Name, Copied: x.Copied(), Target: x.Target, Rule: x.Rule,
				Pattern: x.Pattern, At: x.At.String(), Why: x.Why, Shares: x.Shares, Merge: x.Merge,
			})
		}
		out.Flows = append(out.Flows, flow)
	}
	return out
}
