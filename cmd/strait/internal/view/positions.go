package view

import (
	"strconv"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/pipeline/offsets"
)

// Positions is the result of offsets show.
type Positions struct{ Flows []FlowPositions }

// FlowPositions are the positions of one flow.
type FlowPositions struct {
	Flow      *model.Flow
	Positions []offsets.Position
}

type positionsJSON struct {
	FormatVersion int                 `json:"format_version"`
	Flows         []flowPositionsJSON `json:"flows"`
}

type flowPositionsJSON struct {
	Flow      string         `json:"flow"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	Positions []positionJSON `json:"positions"`
}

type positionJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`     // last mirrored; -1: none
	TargetEnd *int64 `json:"target_end"` // null: not known
	End       *int64 `json:"source_end"` // null: not known
	Left      *int64 `json:"left"`       // offsets
	Bare      bool   `json:"bare"`       // an offset and nothing else
}

// Positions shows how far flows are.
func (v *View) Positions(p Positions, asJSON bool) error {
	if asJSON {
		return v.JSON(positionsDocument(p))
	}
	for i, f := range p.Flows {
		if i > 0 {
			v.Print("")
		}
		if len(f.Positions) == 0 {
			v.Print("flow %s has no positions", v.Strong(f.Flow.Name))
			continue
		}
		v.Print("flow %s", v.Strong(f.Flow.Name))
		rows := [][]string{{"PARTITION", "OFFSET", "COPIED TO", "LEFT", "KIND"}}
		for _, o := range f.Positions {
			kind := "exact"
			if o.Bare {
				kind = "an offset only, as MirrorMaker 2 writes it"
			}
			rows = append(rows, []string{partitionOf(o.At), known(o.Offset), known(o.TargetEnd), known(left(o)), kind})
		}
		v.Table(rows)
	}
	return nil
}

func partitionOf(at cluster.TopicPartition) string {
	return at.Topic + "/" + strconv.Itoa(int(at.Partition))
}

// left is how many offsets of the source are behind a position; -1: not known.
func left(p offsets.Position) int64 {
	if p.End < 0 {
		return -1
	}
	return max(0, p.End-p.Offset-1)
}

func positionsDocument(p Positions) positionsJSON {
	out := positionsJSON{FormatVersion: 1, Flows: []flowPositionsJSON{}}
	for _, f := range p.Flows {
		doc := flowPositionsJSON{Flow: f.Flow.Name, From: f.Flow.From, To: f.Flow.To, Positions: []positionJSON{}}
		for _, o := range f.Positions {
			one := positionJSON{Topic: o.At.Topic, Partition: o.At.Partition, Offset: o.Offset, Bare: o.Bare}
			one.TargetEnd, one.End, one.Left = orNull(o.TargetEnd), orNull(o.End), orNull(left(o))
			doc.Positions = append(doc.Positions, one)
		}
		out.Flows = append(out.Flows, doc)
	}
	return out
}

// orNull is nil for what is not known, which is below 0.
func orNull(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// Edits is the result of commands that set positions.
type Edits struct {
	Flow    string
	Edits   []offsets.Edit
	Written bool
}

type editsJSON struct {
	FormatVersion int        `json:"format_version"`
	Flow          string     `json:"flow"`
	Written       bool       `json:"written"`
	Changes       []editJSON `json:"changes"`
}

type editJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Before    *int64 `json:"before"` // null: no position
	After     *int64 `json:"after"`  // null: no position
}

// Edits shows positions that were set, or would be.
func (v *View) Edits(e Edits, asJSON bool) error {
	if asJSON {
		out := editsJSON{FormatVersion: 1, Flow: e.Flow, Written: e.Written, Changes: []editJSON{}}
		for _, c := range e.Edits {
			out.Changes = append(out.Changes, editJSON{c.At.Topic, c.At.Partition, orNull(c.Now), orNull(c.Offset)})
		}
		return v.JSON(out)
	}
	if len(e.Edits) == 0 {
		v.Print("flow %s: nothing to change", v.Strong(e.Flow))
		return nil
	}
	v.Print("flow %s", v.Strong(e.Flow))
	rows := [][]string{{"PARTITION", "BEFORE", "AFTER"}}
	for _, c := range e.Edits {
		rows = append(rows, []string{partitionOf(c.At), known(c.Now), known(c.Offset)})
	}
	v.Table(rows)
	if e.Written {
		v.Print("%d positions written", len(e.Edits))
	} else {
		v.Print("nothing was written; --yes changes it")
	}
	return nil
}
