package topicsync

import (
	"errors"
	"slices"
	"testing"

	"github.com/strait-mirror/strait/flows/reconcile"
)

// shared is a layout in which topics may share a target, of which modulo
// partitions are wanted; 0: as many as the largest source has.
type shared struct {
	stage  string // that forbids to share; empty: allowed
	modulo int32
}

func (s shared) Merged([]string) (string, bool) { return s.stage, s.stage == "" }

func (s shared) Partitions(most, _ int32) int32 {
	if s.modulo > 0 {
		return s.modulo
	}
	return most
}

func (s shared) Unnamed(string) error { return errors.New("a stage took its name") }

// whole names every topic "whole", but for one without a name.
func whole(topic string) string {
	if topic == "tnone" {
		return ""
	}
	return "whole"
}

func TestSyncMerges(t *testing.T) {
	var events []string
	b := newBench(t, func(p *Params) {
		p.Namer, p.Layout = namer(whole), shared{}
		p.Changed = func(e reconcile.Event) { events = append(events, e.Kind) }
	})
	b.create(b.source, "ta", 2, "max.message.bytes", "2000000")
	b.create(b.source, "tb", 5, "max.message.bytes", "9000000", "retention.ms", "5")
	b.create(b.source, "tc", 3)
	b.wantSync([]string{"ta->whole 5/2", "tb->whole 5/5", "tc->whole 5/3"})
	b.wantConfigs("whole", map[string]string{"max.message.bytes": "9000000"})

	// What is set on the target is nobody's to change, for a source that came later either.
	b.create(b.source, "td", 7, "max.message.bytes", "12000000")
	b.wantSync([]string{"ta->whole 7/2", "tb->whole 7/5", "tc->whole 7/3", "td->whole 7/7"},
		`td: target topic "whole" has max.message.bytes=9000000, data pass unchanged with 12000000`)
	if want := []string{"topic created", "partitions added"}; !slices.Equal(events, want) {
		t.Errorf("told of %q, not of %q", events, want)
	}
}

func TestSyncReportsMergesThatAreNotAllowed(t *testing.T) {
	b := newBench(t, func(p *Params) { p.Namer, p.Layout = namer(whole), shared{stage: "cut"} })
	b.create(b.source, "ta", 1)
	b.wantSync([]string{"ta->whole 1/1"})
	b.create(b.source, "tb", 1)
	b.create(b.source, "tnone", 1)
	b.wantSync(nil, `ta isolated: source topics ["ta" "tb"]`, `tb isolated: would all be mirrored to target topic "whole"`,
		`tnone isolated: a stage took its name`)
	_, problems := b.sync()
	const hint = `give them different names in stage "cut", or write merge = true in it to have one topic of them`
	if problems[0].Hint != hint {
		t.Errorf("hint is %q", problems[0].Hint)
	}
}

func TestSyncMakesAsManyPartitionsAsTheLayoutSays(t *testing.T) {
	b := newBench(t, func(p *Params) { p.Layout = shared{modulo: 4} })
	b.create(b.source, "t0", 6)
	b.create(b.source, "t1", 2)
	b.create(b.source, "t2", 6)
	b.create(b.source, "t3", 6)
	b.create(b.target, "A.t2", 3)
	b.create(b.target, "A.t3", 5)
	b.wantSync([]string{"t0->A.t0 4/6", "t1->A.t1 4/2", "t2->A.t2 4/6", "t3->A.t3 5/6"})
}
