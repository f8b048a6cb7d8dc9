package view

import (
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/offsets"
)

// Translation is the result of offsets translate.
type Translation struct {
	Group string // empty: it is about one offset
	Flows []FlowTranslation
}

// FlowTranslation is what one flow makes of offsets.
type FlowTranslation struct {
	Flow     *model.Flow
	From, To string // aliases
	Group    string // what the group is called on To
	Offsets  []offsets.Translated
	Moved    int // offsets that were written
}

type translationJSON struct {
	FormatVersion int                   `json:"format_version"`
	Group         string                `json:"group,omitempty"`
	Flows         []flowTranslationJSON `json:"flows"`
}

type flowTranslationJSON struct {
	Flow    string           `json:"flow"`
	From    string           `json:"from"`
	To      string           `json:"to"`
	Group   string           `json:"to_group,omitempty"`
	Written int              `json:"written"`
	Offsets []translatedJSON `json:"offsets"`
}

type translatedJSON struct {
	Topic           string `json:"topic"`
	Partition       int32  `json:"partition"`
	Offset          int64  `json:"offset"`
	TargetTopic     string `json:"to_topic,omitempty"`
	TargetPartition int32  `json:"to_partition"`
	TargetOffset    *int64 `json:"to_offset"` // null: not known
	Exact           bool   `json:"exact"`
	Behind          bool   `json:"mirror_behind"`
	Now             *int64 `json:"to_offset_now"` // null: the group has none
}

// Translation shows what offsets are on another cluster.
func (v *View) Translation(t Translation, written, asJSON bool) error {
	if asJSON {
		return v.JSON(translationDocument(t))
	}
	for i, f := range t.Flows {
		if i > 0 {
			v.Print("")
		}
		if len(f.Offsets) == 0 {
			v.Print("flow %s: group %q has no offset on %s in what is mirrored", v.Strong(f.Flow.Name), t.Group, f.From)
			continue
		}
		v.Print("flow %s: from %s to %s", v.Strong(f.Flow.Name), f.From, f.To)
		rows := [][]string{{"ON " + strings.ToUpper(f.From), "OFFSET", "ON " + strings.ToUpper(f.To), "OFFSET", "NOW", ""}}
		for _, o := range f.Offsets {
			rows = append(rows, []string{
				o.From.Topic + "/" + strconv.Itoa(int(o.From.Partition)), strconv.FormatInt(o.Offset, 10),
				there(o), known(o.At), known(o.Now), remark(o),
			})
		}
		v.Table(rows)
		switch {
		case t.Group == "":
		case written:
			v.Print("%d offsets of group %q written on %s", f.Moved, f.Group, f.To)
		default:
			v.Print("nothing was written; --yes sets the offsets of group %q on %s", f.Group, f.To)
		}
	}
	return nil
}

func there(o offsets.Translated) string {
	if o.To.Topic == "" {
		return "-"
	}
	return o.To.Topic + "/" + strconv.Itoa(int(o.To.Partition))
}

func known(offset int64) string {
	if offset < 0 {
		return "-"
	}
	return strconv.FormatInt(offset, 10)
}

// remark says how good a translation is.
func remark(o offsets.Translated) string {
	switch {
	case o.To.Topic == "":
		return "several partitions are mirrored into this one"
	case o.At < 0:
		return "not known: it is from before what the flow knows, or nothing was mirrored yet"
	case o.Behind:
		return "the mirror has not got there: this is where it is"
	case !o.Exact:
		return "approximate: some records are read again"
	}
	return "exact"
}

func translationDocument(t Translation) translationJSON {
	out := translationJSON{FormatVersion: 1, Group: t.Group, Flows: []flowTranslationJSON{}}
	for _, f := range t.Flows {
		doc := flowTranslationJSON{Flow: f.Flow.Name, From: f.From, To: f.To, Group: f.Group, Written: f.Moved, Offsets: []translatedJSON{}}
		for _, o := range f.Offsets {
			one := translatedJSON{
				Topic: o.From.Topic, Partition: o.From.Partition, Offset: o.Offset,
				TargetTopic: o.To.Topic, TargetPartition: o.To.Partition, Exact: o.Exact && o.Known(), Behind: o.Behind,
			}
			if o.Known() {
				one.TargetOffset = new(o.At)
			}
			if o.Now >= 0 {
				one.Now = new(o.Now)
			}
			doc.Offsets = append(doc.Offsets, one)
		}
		out.Flows = append(out.Flows, doc)
	}
	return out
}
