package mirror

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/sink"
)

// tolerateAll is the errors.tolerance that skips what cannot be sent.
const tolerateAll = "all"

// refusal is why the target takes a record never, and what a person can do.
type refusal struct {
	what string
	fix  string
	err  error // beneath; may be nil
}

func (r *refusal) Error() string { return r.what }
func (r *refusal) Unwrap() error { return r.err }

func (s *session) tolerant() bool { return s.flow.def().ErrorsTolerance == tolerateAll }

// replace answers the sink when the target refuses a batch. One that is too
// large is split, to what the target takes now, or else ever smaller. Records
// that cannot arrive as they are stop the lane, or with errors_tolerance "all"
// are skipped, as MirrorMaker 2 does.
func (s *session) replace(l *lane, b sink.Batch, code int16, message string) ([]sink.Batch, error) {
	var made *recoded
	var err error
	if code == kerr.MessageTooLarge.Code || code == kerr.RecordListTooLarge.Code {
		s.flow.countRecoded(batch.TooLarge)
		made, err = s.split(l, b)
	} else {
		made, err = s.without(l, b, code, message)
	}
	if err != nil {
		return nil, err
	}
	defer made.free()
	s.skipped(l, made.Dropped, code, message)
	// The batch was stamped, its offsets are not the source's any more: only the
	// end of the last part is a place to go on from. Until then the place is where
	// the lane was when it came to this batch, which is at its head.
	before := l.acknowledged()
	out := make([]sink.Batch, 0, len(made.Parts))
	for i, p := range made.Parts {
		owned := s.own(p, nil, before.SourceEpoch)
		owned.SourceNext = before.SourceNext
		if i == len(made.Parts)-1 {
			owned.SourceNext, owned.SourceEpoch, owned.Owner = b.SourceNext, b.SourceEpoch, b.Owner
		}
		out = append(out, owned)
	}
	if b.Buffer != nil {
		b.Buffer.Release()
	}
	if len(out) == 0 && b.Owner != nil {
		b.Owner.Release()
	}
	return out, nil
}

// skipped counts and logs records that were let go.
func (s *session) skipped(l *lane, n int, code int16, message string) {
	if n == 0 {
		return
	}
	f := s.flow
	f.skipped.Add(int64(n))
	if message == "" {
		message = kerr.ErrorForCode(code).Error()
	}
	if f.reports.again("skipped " + l.source.Topic + message) {
		f.p.Log.Error("records skipped, since errors_tolerance is \"all\"; status counts them from here on",
			"topic", l.source.Topic, "partition", l.source.Partition, "records", n, "err", message)
	}
}

// split makes smaller batches of b.
func (s *session) split(l *lane, b sink.Batch) (*recoded, error) {
	most, known := len(b.Data)/2, false
	if limit := int(l.topic.limits().MaxMessageBytes); limit > 0 && limit < len(b.Data) {
		most, known = limit, true
	}
	for {
		made, err := s.fit(b.Data, batch.Edit{MaxBytes: most}, known || b.Records == 1)
		alone, tooLarge := errors.AsType[*batch.RecordTooLargeError](err)
		switch {
		case !tooLarge:
			if err == nil && !known {
				l.topic.lower(int32(most))
			}
			return made, err
		case !known && b.Records > 1:
			most = max(most+1, alone.Size) // the target may well take it by itself
		default:
			return nil, l.tooLarge(alone, known, fmt.Sprintf("a record before offset %d", b.SourceNext))
		}
	}
}

// fit recodes b; with errors_tolerance "all", and where the limit is certain,
// without the records that are too large by themselves.
func (s *session) fit(b batch.Batch, e batch.Edit, certain bool) (made *recoded, err error) {
	refused, err := s.tolerating(e, certain, func(e batch.Edit) (err error) {
		made, err = s.recode(b, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	made.refused = refused
	return made, nil
}

// tolerating tries an edit; with errors_tolerance "all", and where the limit is certain,
// without the records that are too large by themselves, of which it returns the number.
func (s *session) tolerating(e batch.Edit, certain bool, try func(batch.Edit) error) (refused int, err error) {
	drop := map[int64]bool{}
	keep := e.Keep
	for {
		if len(drop) > 0 {
			e.Keep = func(r *batch.Record) bool { return !drop[r.Offset] && (keep == nil || keep(r)) }
		}
		err := try(e)
		alone, tooLarge := errors.AsType[*batch.RecordTooLargeError](err)
		if !tooLarge || !certain || !s.tolerant() || drop[alone.Offset] {
			return len(drop), err
		}
		drop[alone.Offset] = true
	}
}

// tooLarge says that a record is too large for the target.
func (l *lane) tooLarge(e *batch.RecordTooLargeError, known bool, which string) error {
	target := l.session.flow.p.Target
	r := &refusal{err: e, what: fmt.Sprintf("cluster %q: %s needs a batch of %d bytes, topic %q takes at most %d (max.message.bytes)",
		target.Alias(), which, e.Size, l.target.Topic, e.Max)}
	if !known {
		r.what = fmt.Sprintf("cluster %q: %s needs a batch of %d bytes, more than max.message.bytes of topic %q",
			target.Alias(), which, e.Size, l.target.Topic)
	}
	r.fix = target.AlterCommand(l.target.Topic, fmt.Sprintf("max.message.bytes=%d", e.Size)) + skipHint
	return r
}

const skipHint = `; or set errors_tolerance = "all" to skip and count such records`

// without makes b without the records that the target refuses, or says what a
// person can do.
func (s *session) without(l *lane, b sink.Batch, code int16, message string) (*recoded, error) {
	keep, r := s.judge(l, code, message)
	if !s.tolerant() {
		return nil, r
	}
	made, err := s.recode(b.Data, batch.Edit{Keep: keep})
	if err == nil && made.Dropped == 0 { // it was for another reason
		made.free()
		made, err = s.recode(b.Data, batch.Edit{Keep: func(*batch.Record) bool { return false }})
	}
	return made, err
}

// judge returns which records the target may take, and the refusal of the
// others.
func (s *session) judge(l *lane, code int16, message string) (keep func(*batch.Record) bool, r *refusal) {
	target, topic, facts := s.flow.p.Target, l.target.Topic, l.topic.pair().TargetFacts
	r = &refusal{err: kerr.ErrorForCode(code)}
	refused := func(why string) string {
		return fmt.Sprintf("cluster %q: topic %q refuses %s", target.Alias(), topic, why)
	}
	switch {
	case code == kerr.InvalidTimestamp.Code:
		now := time.Now().UnixMilli()
		r.what = refused("records whose time is too far from now")
		if facts.Known {
			r.what = refused(fmt.Sprintf("records whose time is too far from now: it takes %s back and %s ahead",
				span(facts.TimestampBefore), span(facts.TimestampAfter)))
		}
		var lift []string
		for name, limit := range map[string]int64{"before": facts.TimestampBefore, "after": facts.TimestampAfter} {
			if !facts.Known || limit < math.MaxInt64 {
				lift = append(lift, fmt.Sprintf("message.timestamp.%s.max.ms=%d", name, int64(math.MaxInt64)))
			}
		}
		slices.Sort(lift)
		r.fix = target.AlterCommand(topic, strings.Join(lift, ",")) + skipHint
		return func(r *batch.Record) bool {
			return now-r.Timestamp < facts.TimestampBefore && r.Timestamp-now < facts.TimestampAfter
		}, r
	case code == kerr.MessageTooLarge.Code && l.session.spread != nil:
		r.what = refused("a record that is larger than its max.message.bytes")
		r.fix = "raise max.message.bytes of the topic: " + target.AlterCommand(topic, "max.message.bytes=BYTES") + skipHint
		return nil, r
	case code == kerr.InvalidRecord.Code && facts.Compacted:
		r.what = refused("records without a key, since it is compacted")
		r.fix = target.AlterCommand(topic, "cleanup.policy=delete") + skipHint
		return func(r *batch.Record) bool { return r.Key != nil }, r
	}
	why := "a batch: " + kerr.ErrorForCode(code).Error()
	if message != "" {
		why += " (" + message + ")"
	}
	r.what, r.fix = refused(why), `set errors_tolerance = "all" to skip and count such records`
	return func(*batch.Record) bool { return false }, r
}

// span writes milliseconds as a person does.
func span(ms int64) string {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return "any time"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
