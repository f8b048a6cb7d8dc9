package program

import (
	"maps"
	"slices"
	"strconv"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/record"
)

// headers is a stage of kind headers.
type headers struct {
	*model.HeadersStage
	from           string // alias of the source
	copies, values []string
}

func newHeaders(s *model.Stage, from string) (*headers, diag.List) {
	h := s.Headers
	if len(h.Remove)+len(h.Rename)+len(h.Copy)+len(h.Add) == 0 && h.Provenance == "" {
		return nil, nothing(s, "remove, rename, copy, add or provenance")
	}
	return &headers{
		HeadersStage: h, from: from,
		copies: slices.Sorted(maps.Keys(h.Copy)), values: slices.Sorted(maps.Keys(h.Add)),
	}, nil
}

func (h *headers) apply(r *record.Record) error {
	out := make([]record.Header, 0, len(r.Headers)+len(h.copies)+len(h.values)+4)
	for _, one := range r.Headers {
		if slices.Contains(h.Remove, one.Key) {
			continue
		}
		if name, ok := h.Rename[one.Key]; ok {
			one.Key = name
		}
		out = append(out, one)
	}
	now := record.Record{Headers: out}
	for _, name := range h.copies {
		if value, ok := now.Header(h.Copy[name]); ok {
			out = append(out, record.Header{Key: name, Value: value})
		}
	}
	for _, name := range h.values {
		out = append(out, record.Header{Key: name, Value: []byte(h.Add[name])})
	}
	if p := h.Provenance; p != "" {
		out = append(out,
			record.Header{Key: p + "cluster", Value: []byte(h.from)},
			record.Header{Key: p + "topic", Value: []byte(r.Topic)},
			record.Header{Key: p + "partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
			record.Header{Key: p + "offset", Value: strconv.AppendInt(nil, r.Offset, 10)})
	}
	if !slices.EqualFunc(out, r.Headers, func(a, b record.Header) bool {
		return a.Key == b.Key && (a.Value == nil) == (b.Value == nil) && string(a.Value) == string(b.Value)
	}) {
		r.Headers, r.Changed = out, true
	}
	return nil
}
