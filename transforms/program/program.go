// Package program owns what becomes of a record on its way through a flow: the
// record stages of the flow in file order. It is pure, so that the same records
// are kept after a restart, which is what a position proven by counting rests on.
// What happens to names is the business of transforms/chain.
//
// A kind of stage is one file: a compiler of its settings into a step. Its settings
// are declared in config/model, from which documentation, lint and completion
// follow.
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

// stage is one record stage.
type stage struct {
	of     *model.Stage
	when   *expression.Expression // nil: for every record
	window *window                // nil: for every time
	step   step                   // nil: one that drops what when is not true of, or is outside the window
}

// step changes a record, all at once: where it returns an error, nothing has
// changed.
type step interface {
	apply(r *record.Record) error
}

// ForFlow compiles the record stages of a flow; nil where it has none. With an
// Error in the list the Program must not be used.
func ForFlow(f *model.Flow) (*Program, diag.List) {
	var p *Program
	var problems diag.List
	said := sha256.New()
	for _, s := range f.Stages {
		if s.Needs() == model.NeedsNames || s.Partition != nil {
			continue
		}
		if p == nil {
			p = &Program{}
		}
		one, bad := compile(s, f.From)
		if s.OnError == model.OnErrorDeadLetter && f.DeadLetterTopic == "" {
			bad.Add(diag.Errorf(diag.CodeMissing, placeOf(s, "on_error"), "stage %q: the flow has no topic for dead letters", s.Name).
				WithFix(`write dead_letter_topic = "NAME" in the flow`))
		}
		if problems.Add(bad...); bad.HasErrors() {
			continue
		}
		said.Write(fmt.Appendf(nil, "%q %q\n", s.When, s.OnError))
		if s.Edits() || s.Window != nil {
			said.Write([]byte(text(s)))
		}
		p.stages = append(p.stages, one)
		p.headers = p.headers || one.step != nil || one.when != nil && one.when.Headers()
	}
	if p != nil {
		p.name = hex.EncodeToString(said.Sum(nil)[:8])
	}
	return p, problems
}

// compile compiles one stage.
func compile(s *model.Stage, from string) (stage, diag.List) {
	out := stage{of: s}
	var problems, more diag.List
	if s.When != "" {
		out.when, problems = expression.Condition(s.When, placeOf(s, "when"))
	}
	switch {
	case s.Window != nil:
		out.window, more = newWindow(s)
	case s.Headers != nil:
		out.step, more = newHeaders(s, from)
	case s.Mask != nil:
		out.step, more = newMask(s)
	case s.Set != nil:
		out.step, more = newSet(s)
	}
	problems.Add(more...)
	return out, problems
}

// text is what the settings of a stage say, but for secrets: they change nothing
// that is counted.
func text(s *model.Stage) string {
	var out []byte
	for _, d := range model.StageFields(s) {
		if !d.Secret() {
			out = fmt.Appendf(out, "%s=%q\n", d.Name, d.Text())
		}
	}
	return string(out)
}

// placeOf is where a setting of a stage is written, or else the stage.
func placeOf(s *model.Stage, name string) diag.Range {
	if at := s.Ranges.Of(name); !at.IsZero() {
		return at
	}
	return s.Range
}

// Headers reports whether a stage looks at headers or changes records: others need
// not be given them.
func (p *Program) Headers() bool { return p.headers }

// Name stands for what the stages say, without spaces: sequence numbers that were
// counted under one name mean nothing under another.
func (p *Program) Name() string { return p.name }

// Error says that a stage could not be applied to a record. Unless DeadLetter, it
// is to stop the partition for that.
type Error struct {
	Stage  string
	Offset int64 // of the record on the source
	Err    error
	// DeadLetter says that the record is to be written to the flow's topic for such
	// records instead, and that the partition goes on.
	DeadLetter bool
}

func (e *Error) Error() string {
	return fmt.Sprintf("stage %q cannot be applied to the record at offset %d: %v", e.Stage, e.Offset, e.Err)
}

// Unwrap returns what is wrong with the record.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *Error) Hint() string {
	return `change the stage so that it takes such records, or write on_error = "drop", "pass" or "dead_letter" in it, and restart`
}

// Stages returns the names of the stages, in their order.
func (p *Program) Stages() []string {
	names := make([]string, len(p.stages))
	for i, s := range p.stages {
		names[i] = s.of.Name
	}
	return names
}

// Count is what became of records at a stage.
type Count struct {
	Given   int64 // that came to it
	Dropped int64 // that went no further: it dropped them
	Failed  int64 // that it could not be applied to, whatever on_error made of them
}

// Apply reports whether a record is copied, and makes of it what the stages do. The
// error is an *Error. It counts the record in counts, which has one of each stage or
// is nil.
func (p *Program) Apply(r *record.Record, counts []Count) (keep bool, err error) {
	for i := range p.stages {
		s := &p.stages[i]
		keep, err := s.apply(r)
		if counts != nil {
			counts[i].add(keep, err, s.of.OnError)
		}
		switch {
		case err == nil && keep:
		case err == nil, s.of.OnError == model.OnErrorDrop:
			return false, nil
		case s.of.OnError == model.OnErrorPass:
		default:
			return false, &Error{Stage: s.of.Name, Offset: r.Offset, Err: err, DeadLetter: s.of.OnError == model.OnErrorDeadLetter}
		}
	}
	return true, nil
}

func (c *Count) add(keep bool, err error, onError model.OnError) {
	c.Given++
	if err != nil {
		c.Failed++
	}
	if err == nil && !keep || err != nil && onError == model.OnErrorDrop {
		c.Dropped++
	}
}

func (s *stage) apply(r *record.Record) (keep bool, err error) {
	if s.window != nil {
		return s.window.has(r.Timestamp), nil
	}
	is := true
	if s.when != nil {
		is, err = s.when.True(r)
	}
	if s.step == nil || err != nil {
		return is, err
	}
	if is {
		err = s.step.apply(r)
	}
	return true, err
}

// nothing says that a stage has nothing to do.
func nothing(s *model.Stage, write string) diag.List {
	return diag.List{diag.Errorf(diag.CodeMissing, s.Range, "stage %q does not say what to do", s.Name).WithFix("write %s", write)}
}
