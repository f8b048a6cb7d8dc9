// Package events remembers what lately happened in a running Strait: what the log
// was told, since that is told every change of state, of a cluster and of the
// topology, and nothing per record. Who shows it is package httpapi.
package events

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Event is one thing that happened.
type Event struct {
	ID      int64             `json:"id"` // grows by one
	Time    time.Time         `json:"time"`
	Level   string            `json:"level"` // info, warn or error
	Message string            `json:"message"`
	Flow    string            `json:"flow,omitempty"`
	Attrs   map[string]string `json:"attrs,omitempty"` // what else the log says, as text
}

// Bounds of what is remembered.
const (
	most     = 1000 // events
	mostText = 1000 // bytes of one value
)

// Ring holds the last events. The zero Ring is empty; its methods are safe for
// concurrent use.
type Ring struct {
	mu   sync.Mutex // guards the rest
	list []Event    // oldest first, at most
	next int64      // id
}

// Since returns the events after an id, oldest first, and the last of them where
// there are more than limit.
func (r *Ring) Since(id int64, limit int) []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, _ := slices.BinarySearchFunc(r.list, id+1, func(e Event, id int64) int { return int(e.ID - id) })
	list := r.list[from:]
	return slices.Clone(list[max(0, len(list)-limit):])
}

func (r *Ring) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	e.ID = r.next
	if len(r.list) >= most+most/4 { // moved seldom
		r.list = append(r.list[:0:0], r.list[len(r.list)-most+1:]...)
	}
	r.list = append(r.list, e)
}

// Handler returns a handler that remembers what is worth telling and hands
// everything on to next.
func (r *Ring) Handler(next slog.Handler) slog.Handler { return &handler{ring: r, next: next} }

type handler struct {
	ring   *Ring
	next   slog.Handler
	attrs  []slog.Attr // of all records, prefixed
	prefix string      // of the groups that are open
}

// Enabled reports whether anybody wants records of a level.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.next.Enabled(ctx, level)
}

// Handle remembers a record and hands it on.
func (h *handler) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level >= slog.LevelInfo {
		e := Event{Time: rec.Time, Level: levelName(rec.Level), Message: rec.Message}
		for _, a := range h.attrs {
			e.set("", a)
		}
		rec.Attrs(func(a slog.Attr) bool {
			e.set(h.prefix, a)
			return true
		})
		h.ring.add(e)
	}
	if !h.next.Enabled(ctx, rec.Level) {
		return nil
	}
	if err := h.next.Handle(ctx, rec); err != nil {
		return fmt.Errorf("writing to the log: %w", err)
	}
	return nil
}

// WithAttrs returns a handler with attributes for every record.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next, c.attrs = h.next.WithAttrs(attrs), slices.Clip(h.attrs)
	for _, a := range attrs {
		a.Key = h.prefix + a.Key
		c.attrs = append(c.attrs, a)
	}
	return &c
}

// WithGroup returns a handler that puts a name before all further attributes.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.next, c.prefix = h.next.WithGroup(name), h.prefix+name+"."
	return &c
}

func (e *Event) set(prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			e.set(prefix, inner)
		}
		return
	}
	text := v.String()
	if v.Kind() == slog.KindTime {
		text = v.Time().UTC().Format(time.RFC3339)
	}
	if len(text) > mostText {
		text = text[:mostText] + "…"
	}
	if key := prefix + a.Key; key == "flow" {
		e.Flow = text
	} else if key != "" {
		if e.Attrs == nil {
			e.Attrs = map[string]string{}
		}
		e.Attrs[key] = text
	}
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	}
	return "info"
}
