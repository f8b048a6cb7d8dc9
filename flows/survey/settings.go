package survey

import (
	"context"
	"maps"
	"slices"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// settings asks for the settings of the wanted topics. Where there is none of
// them, any topic tells which settings there are.
func (s *surveyor) settings(ctx context.Context, wanted func(string) bool) {
	if wanted == nil {
		return
	}
	all := slices.Sorted(maps.Keys(s.facts.Topics))
	names := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !wanted(name) })
	if len(names) == 0 {
		names = all[:min(len(all), 1)]
	}
	names = names[:min(len(names), MaxTopics)]
	described := make(chan map[string]admin.Described, 1)
	if err := s.c.Await(ctx, func(ctx context.Context) error {
		d, err := admin.TopicSettings(ctx, s.c.Control(), names)
		described <- d
		return err //nolint:wrapcheck // only asked whether there is one
	}); err != nil {
		return
	}
	for name, d := range <-described {
		t, known := s.facts.Topics[name]
		if !known || d.Err != nil {
			continue
		}
		s.alterable(d.Settings)
		if !wanted(name) {
			continue
		}
		t.Settings = map[string]string{}
		for key, v := range d.Settings {
			if v.Null {
				continue
			}
			t.Settings[key] = v.Value
			if v.Explicit() {
				t.Own = append(t.Own, key)
			}
		}
		slices.Sort(t.Own)
		s.facts.Topics[name] = t
	}
}

// alterable keeps what one topic's settings say of all topics'.
func (s *surveyor) alterable(settings admin.Settings) {
	if s.facts.Alterable != nil || len(settings) == 0 {
		return
	}
	s.facts.Alterable = make(map[string]bool, len(settings))
	for key, v := range settings {
		s.facts.Alterable[key] = !v.ReadOnly
	}
}
