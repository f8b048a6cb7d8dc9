package program

import (
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/expression"
	"github.com/strait-mirror/strait/transforms/record"
)

// set is a stage of kind set. What it has no expression for stays.
type set struct {
	key, value, timestamp *expression.Expression
}

func newSet(s *model.Stage) (*set, diag.List) {
	out, w := &set{}, s.Set
	if w.Key == "" && w.Value == "" && w.Timestamp == "" {
		return nil, nothing(s, "key, value or timestamp")
	}
	var problems diag.List
	for _, one := range []struct {
		name, text string
		to         **expression.Expression
		compile    func(string, diag.Range) (*expression.Expression, diag.List)
	}{
		{"key", w.Key, &out.key, expression.Bytes},
		{"value", w.Value, &out.value, expression.Bytes},
		{"timestamp", w.Timestamp, &out.timestamp, expression.Time},
	} {
		if one.text == "" {
			continue
		}
		var bad diag.List
		*one.to, bad = one.compile(one.text, placeOf(s, one.name))
		problems.Add(bad...)
	}
	return out, problems
}

func (s *set) apply(r *record.Record) (err error) {
	key, value, timestamp := r.Key, r.Value, r.Timestamp
	if s.key != nil {
		if key, err = s.key.Bytes(r); err != nil {
			return err
		}
	}
	if s.value != nil {
		if value, err = s.value.Bytes(r); err != nil {
			return err
		}
	}
	if s.timestamp != nil {
		if timestamp, err = s.timestamp.Time(r); err != nil {
			return err
		}
	}
	r.Key, r.Value, r.Timestamp, r.Changed = key, value, timestamp, true
	return nil
}
