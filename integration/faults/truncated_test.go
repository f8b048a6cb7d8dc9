package faults

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/position"
)

// testTruncated has the target lose the ends of its logs, as after a power cut or
// an unclean election: what it lost is copied again, and nothing twice.
func testTruncated(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.B, To: b.A, Load: LoadParams{Topics: "cut-", Seed: s}})
	const broker, enough = 1, 100
	tr.awaitAnchors(enough)
	if err := b.A.Crash(broker); err != nil {
		t.Fatal(err)
	}
	for _, topic := range tr.remotes() {
		for p := range tr.Load.p.Partitions {
			cut(t, b.A, topic, p)
		}
	}
	if err := b.A.Revive(t.Context(), broker); err != nil {
		t.Fatal(err)
	}
	tr.Verdict(false)
	if !strings.Contains(tr.Mirror.Output(), "target lost records") {
		t.Error("the log does not say that the target lost records")
	}
}

// cut takes a third of a partition's log away while its broker is down.
func cut(t *testing.T, s *Side, topic string, partition int) {
	t.Helper()
	path := filepath.Join(s.LogDir(1), fmt.Sprintf("%s-%d", topic, partition), "00000000000000000000.log")
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()*2/3)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// awaitAnchors waits until the position of every partition is stored so far on
// that an older one is kept beside it.
func (tr *Trial) awaitAnchors(least int64) {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), catchUp)
	defer cancel()
	cl, err := kgo.NewClient(tr.To.AdminOpts()...)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer cl.Close()
	store, err := position.NewStore(position.Params{Client: cl, SourceAlias: tr.From.Alias, Log: slog.New(slog.DiscardHandler), KeepSettings: true})
	if err != nil {
		tr.t.Fatal(err)
	}
	err = poll(ctx, sampleEvery, func() (bool, error) {
		if err := store.Open(ctx); err != nil {
			return false, err
		}
		for _, topic := range tr.Load.Topics() {
			for p := range int32(tr.Load.p.Partitions) {
				a, _ := store.Get(topic, p)
				if _, older := store.Previous(topic, p); !older || a.Offset < least {
					return false, fmt.Errorf("the position of %s/%d is %d", topic, p, a.Offset)
				}
			}
		}
		return true, nil
	})
	if err != nil {
		tr.t.Fatal(err)
	}
}
