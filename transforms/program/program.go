// Package program owns what becomes of a record on its way through a flow: the
// record stages of the flow in file order. It is pure, so that the same records
// are kept after a restart, which is what a position proven by counting rests on.
// What happens to names is the business of transforms/chain.
package program

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/expression"
	"github.com/strait-mirror/strait/transforms/record"
)

// Program is the record stages of a flow. It is immutable and safe for concurrent
// use. A nil Program keeps every record.
type Program struct {
	stages  []stage
	headers bool
	name    string
}

// stage drops records that its condition is not true of.
type stage struct {
	of   *model.Stage
	when *expression.Expression
}

// ForFlow compiles the record stages of a flow; nil where it has none. With an
// Error in the list the Program must not be used.
func ForFlow(f *model.Flow) (*Program, diag.List) {
	var p *Program
	var problems diag.List
	said := sha256.New()
	for _, s := range f.Stages {
		if s.Needs() != model.NeedsRecords {
			continue
		}
		if p == nil {
			p = &Program{}
		}
		at := s.Ranges.Of("when")
		if at.IsZero() {
			at = s.Range
		}
		when, bad := expression.Condition(s.Filter.When, at)
		if problems.Add(bad...); bad.HasErrors() {
			continue
		}
		said.Write(fmt.Appendf(nil, "%q %q\n", s.Filter.When, s.OnError))
		p.stages = append(p.stages, stage{of: s, when: when})
		p.headers = p.headers || when.Headers()
	}
	if p != nil {
		p.name = hex.EncodeToString(said.Sum(nil)[:8])
	}
	return p, problems
}

// Headers reports whether a stage looks at headers: others need not be given
// them.
func (p *Program) Headers() bool { return p.headers }

// Name stands for what the stages say, without spaces: sequence numbers that were
// counted under one name mean nothing under another.
func (p *Program) Name() string { return p.name }

// Error says that a stage could not be applied to a record, and that it is to
// stop the partition for that.
type Error struct {
	Stage  string
	Offset int64 // of the record on the source
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("stage %q cannot judge the record at offset %d: %v", e.Stage, e.Offset, e.Err)
}

// Unwrap returns what is wrong with the record.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *Error) Hint() string {
	return `change the stage so that it takes such records, or write on_error = "drop" or "pass" in it, and restart`
}

// Keep reports whether a record is copied. The error is an *Error.
func (p *Program) Keep(r *record.Record) (bool, error) {
	for _, s := range p.stages {
		is, err := s.when.True(r)
		switch {
		case err == nil && is:
		case err == nil, s.of.OnError == model.OnErrorDrop:
			return false, nil
		case s.of.OnError == model.OnErrorPass:
		default:
			return false, &Error{Stage: s.of.Name, Offset: r.Offset, Err: err}
		}
	}
	return true, nil
}
