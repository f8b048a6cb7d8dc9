package mirror

import (
	"sync/atomic"

	"github.com/strait-mirror/strait/config/model"
)

// live is what of a flow may be changed while it runs: its definition, and the
// rules that were made of it. A value is never changed, only replaced.
type live struct {
	def *model.Flow
	*rules
}

// present is the rules of the moment for those who keep them: topicsync's
// Selector, Namer, Layout and Matcher.
type present struct{ of *atomic.Pointer[live] }

func (p present) Selected(topic string) bool           { return p.of.Load().Selected(topic) }
func (p present) RemoteTopic(topic string) string      { return p.of.Load().RemoteTopic(topic) }
func (p present) Merged(names []string) (string, bool) { return p.of.Load().Merged(names) }
func (p present) Partitions(most, existing int32) int32 {
	return p.of.Load().Partitions(most, existing)
}
func (p present) Unnamed(topic string) error { return p.of.Load().Unnamed(topic) }
func (p present) Match(name string) bool     { return p.of.Load().Match(name) }

// def is the definition of the moment.
func (f *Flow) def() *model.Flow { return f.live.Load().def }

// Update makes the flow what def says, of which model.WithoutLive says that it differs in
// nothing else. Nothing that both want is touched: the next look at the topics,
// which is at once, ends the partitions of topics that are no longer selected,
// stores where they came to, and starts those of topics that are. It may be called
// at any time, and does not wait; an error says that nothing was changed.
func (f *Flow) Update(def *model.Flow) error {
	r, err := newRules(def, f.p.Taken)
	if err != nil {
		return err
	}
	f.next.Store(&live{def, r})
	select {
	case f.updated <- struct{}{}:
	default: // it is to look already
	}
	return nil
}

// adopt takes what Update has left, between two looks at the topics. What was found
// under former rules is found anew.
func (s *session) adopt() {
	f := s.flow
	next := f.next.Swap(nil)
	if next == nil {
		return
	}
	was := f.live.Swap(next)
	if f.unlike == nil && f.initial != nil {
		f.unlike = was.rules
	}
	s.early = nil
	f.limit.set(next.def)
	s.topics.SetNamed(namedBy(next.def))
	f.forgetGone(next.rules)
	f.p.Log.Info("flow updated while it runs")
}

// forgetGone ends noteGone for topics that are not wanted any more.
func (f *Flow) forgetGone(r *rules) {
	f.mu.Lock()
	var keys []noteKey
	for key := range f.notes {
		if key.kind == noteGone && !r.Selected(key.topic) {
			keys = append(keys, key)
		}
	}
	f.mu.Unlock()
	for _, key := range keys {
		f.clearNote(key)
	}
}
