package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// killable is a mirror that dies and comes back.
type killable interface {
	Start() error
	Kill() error
}

// mirrorMaker is the real MirrorMaker 2.
type mirrorMaker struct {
	t          *testing.T
	properties string
	running    *kafka.MirrorMaker
}

func (m *mirrorMaker) Start() error {
	running, err := kafka.NewMirrorMaker(m.t.Context(), m.t.TempDir(), kafka.MirrorMakerOptions{Properties: m.properties})
	m.running = running
	return err
}

func (m *mirrorMaker) Kill() error { return m.running.Kill() }

// TestKillsBesideMirrorMaker kills Strait and MirrorMaker 2 alike: the same load, each
// time as long after something arrived again.
func TestKillsBesideMirrorMaker(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_BESIDE_KILLS", 10)
	b := NewBed(t, 1, 3, nil)
	var lines []string
	for _, name := range []string{"strait", "mirrormaker"} {
		load := LoadParams{To: b.A, Topics: name + "-", Seed: s, Tx: -1}
		var m killable
		if name == "strait" {
			m = NewMirror(t, MirrorParams{Strait: BuildStrait(t), From: b.A, To: b.B, Topics: load.Topics + ".*"})
		} else {
			m = &mirrorMaker{t: t, properties: fmt.Sprintf(`
clusters = a, b
a.bootstrap.servers = %s
b.bootstrap.servers = %s
a->b.enabled = true
b->a.enabled = false
a->b.topics = %s.*
replication.factor = 3
tasks.max = 4
sync.topic.acls.enabled = false
`, strings.Join(b.A.Bootstrap(), ","), strings.Join(b.B.Bootstrap(), ","), load.Topics)}
		}
		v, idle := survive(t, b, m, load, kills, rand.New(rand.NewPCG(s, 15))) // not a secret
		lines = append(lines, fmt.Sprintf("%s: %d kills; %d records, none missing, %d copied twice or more; after a start the first record came within %s (median), %s at most",
			map[string]string{"strait": "Strait", "mirrormaker": "MirrorMaker 2"}[name], kills, v.Source, v.Duplicates,
			idle[len(idle)/2].Round(100*time.Millisecond), idle[len(idle)-1].Round(100*time.Millisecond)))
		if name == "strait" && v.Duplicates > 0 {
			t.Errorf("%d records are there twice", v.Duplicates)
		}
	}
	result(t, "The same kills, beside MirrorMaker 2", built, s, lines)
}

// survive mirrors a load by something that is killed again and again, and returns how
// long it copied nothing after each start, sorted.
func survive(t *testing.T, b *Bed, m killable, p LoadParams, kills int, rnd *rand.Rand) (Verdict, []time.Duration) {
	t.Helper()
	const patience = 15 * time.Minute // workers of MirrorMaker 2 leave the tasks of one that was lost alone for five
	l, err := NewLoad(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	loading, stop := context.WithCancel(t.Context())
	loaded := make(chan error, 1)
	go func() { loaded <- l.Run(loading) }()
	defer stop()
	remote := func(topic string) string { return b.A.Alias + "." + topic }
	var topics []string
	for _, topic := range l.Topics() {
		topics = append(topics, remote(topic))
	}
	held := func() (n int64) {
		if ends, err := b.B.Admin().ListEndOffsets(t.Context(), topics...); err == nil {
			for _, of := range ends {
				for _, o := range of {
					n += max(0, o.Offset)
				}
			}
		}
		return n
	}
	var idle []time.Duration
	for i := range kills + 1 {
		before, began := held(), time.Now()
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := poll(ctx, sampleEvery, func() (bool, error) { return held() > before, fmt.Errorf("nothing arrives after start %d", i+1) })
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, time.Since(began))
		if i == kills {
			break
		}
		if err := pause(t.Context(), between(rnd, 200, 8000)); err != nil {
			t.Fatal(err)
		}
		if err := m.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := pause(t.Context(), time.Second); err != nil { // what is under way arrives
			t.Fatal(err)
		}
	}
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if err := AwaitEnd(ctx, b.B, topics, l.p.Partitions); err != nil {
		t.Fatal(err)
	}
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	v, err := Judge(t.Context(), JudgeParams{From: b.A, To: b.B, Topics: l.Topics(), Name: remote, Repeats: true})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(idle)
	return v, idle
}
