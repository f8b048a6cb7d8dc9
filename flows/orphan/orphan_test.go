package orphan

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// lab is a source with the topics "left" and "t", and a target with their copies.
type lab struct {
	source, target *kadm.Client
	produce        *kgo.Client // to the target
	copies         []Copy
	s              *Syncer
	loop           *reconcile.Loop
	leads          bool
	log            strings.Builder
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{leads: true}
	log := slog.New(slog.NewTextHandler(&l.log, nil))
	start := func(alias string) (*cluster.Cluster, *kgo.Client) {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		def := model.NewCluster(field.HCL)
		def.Alias, def.BootstrapServers = alias, fake.ListenAddrs()
		c, err := cluster.New(cluster.Params{Config: def, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		cl, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return c, cl
	}
	a, from := start("a")
	b, to := start("b")
	l.source, l.target, l.produce = kadm.NewClient(from), kadm.NewClient(to), to
	for _, topic := range []string{"left", "t"} {
		if _, err := l.source.CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
		made, err := l.target.CreateTopic(t.Context(), 2, 1, nil, "a."+topic)
		if err != nil {
			t.Fatal(err)
		}
		l.write(t, "a."+topic, 0)
		l.copies = append(l.copies, Copy{Topic: topic, Target: "a." + topic, TargetID: made.ID, TargetEnd: 1})
	}
	var err error
	l.s, err = New(Params{Source: a, Target: b, Copies: func(context.Context) ([]Copy, error) { return l.copies, nil }, After: time.Hour, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l.loop, err = reconcile.New(reconcile.Params{Name: "deletion", Interval: time.Second, Log: log, Do: l.s.Sync, Leads: func() bool { return l.leads }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) write(t *testing.T, topic string, partition int32) {
	t.Helper()
	if err := l.produce.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: partition}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) remove(t *testing.T, topic string) {
	t.Helper()
	if _, err := l.source.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
}

// pass makes a pass, and returns what it says is wrong.
func (l *lab) pass(t *testing.T) string {
	t.Helper()
	if err := l.loop.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, p := range l.loop.Problems() {
		said = append(said, p.Err.Error())
	}
	return strings.Join(said, "\n")
}

func (l *lab) there(t *testing.T, topic string) bool {
	t.Helper()
	names, err := l.s.p.Target.TopicNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(names, topic)
}

// late has the time of every topic be over.
func (l *lab) late() {
	for topic := range l.s.gone {
		l.s.gone[topic] = time.Now().Add(-time.Hour)
	}
}

// TestCopyIsDeletedWhenItsTimeIsOver waits for it, begins anew where the topic comes
// back, and writes nothing where another process leads.
func TestCopyIsDeletedWhenItsTimeIsOver(t *testing.T) {
	l := newLab(t)
	if said := l.pass(t); said != "" {
		t.Errorf("nothing is gone, and it says %s", said)
	}
	l.remove(t, "t")
	const waits = `source topic "t" is gone: its copy "a.t" is deleted at `
	if said := l.pass(t); !strings.HasPrefix(said, waits) {
		t.Errorf("it says %s", said)
	}
	l.late()
	if _, err := l.source.CreateTopic(t.Context(), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	if said := l.pass(t); said != "" {
		t.Errorf("the topic is back, and it says %s", said)
	}
	l.remove(t, "t")
	if said := l.pass(t); !strings.HasPrefix(said, waits) || !l.there(t, "a.t") {
		t.Errorf("the time did not begin anew, it says %s", said)
	}
	l.late()
	l.leads = false
	if said := l.pass(t); !strings.HasPrefix(said, waits) || !l.there(t, "a.t") {
		t.Errorf("another process leads, and it says %s", said)
	}
	l.leads = true
	if said := l.pass(t); said != "" || l.there(t, "a.t") || !l.there(t, "a.left") {
		t.Errorf("the copy should be deleted, it says %s", said)
	}
	if !strings.Contains(l.log.String(), `kind="topic deleted" cluster=b object="topic \"a.t\"" before="partitions=2 offsets=1" after=""`) {
		t.Errorf("the log is\n%s", &l.log)
	}
	if said := l.pass(t); said != "" {
		t.Errorf("afterwards it says %s", said)
	}
}

// TestWhatIsMoreThanACopyIsKept has copies of which one thing is not certain.
func TestWhatIsMoreThanACopyIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, l *lab)
		says   string
	}{
		"somebody wrote to it": {
			func(t *testing.T, l *lab) {
				t.Helper()
				l.write(t, "a.t", 0)
			},
			"partition 0 ends at 2, the flow has written up to 1: somebody else may have written to it",
		},
		"somebody wrote to another partition": {
			func(t *testing.T, l *lab) {
				t.Helper()
				l.write(t, "a.t", 1)
			},
			"partition 1 ends at 1, the flow has written up to 0",
		},
		"it is another topic": {
			func(_ *testing.T, l *lab) { l.copies[1].TargetID[3]++ },
			"it is not certain that it is the topic which was written to",
		},
		"a position of MirrorMaker 2": {
			func(_ *testing.T, l *lab) { l.copies[1].TargetID = [16]byte{} },
			"it is not certain that it is the topic which was written to",
		},
		"its end is not known": {
			func(_ *testing.T, l *lab) { l.copies[1].TargetEnd = -1 },
			"somebody else may have written to it",
		},
		"nothing is left": {
			func(t *testing.T, l *lab) {
				t.Helper()
				l.remove(t, "left")
			},
			`cluster "a" has none of the topics that were mirrored`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.remove(t, "t")
			l.pass(t)
			tt.change(t, l)
			l.late()
			for range 2 {
				if said := l.pass(t); !strings.Contains(said, `source topic "t" is gone, its copy "a.t" is kept: `) || !strings.Contains(said, tt.says) {
					t.Errorf("it says %s", said)
				}
				l.late()
			}
			if !l.there(t, "a.t") {
				t.Error("the copy is deleted")
			}
		})
	}
}
