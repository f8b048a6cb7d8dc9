package source

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// metronome lets one fetch begin in a second.
type metronome struct {
	waits, bytes atomic.Int64
}

func (m *metronome) Wait(ctx context.Context) error {
	m.waits.Add(1)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Second):
		return nil
	}
}

func (m *metronome) Most() int32         { return 5000 }
func (m *metronome) Fetched(bytes int64) { m.bytes.Add(bytes) }

// TestPacer holds fetches back, asks for no more than it may, and counts what
// they bring; stopping does not wait for a turn.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		pace := &metronome{}
		r := run(t, m, 1<<20, func(p *Params) { p.Pacer = pace })
		h := r.add(m.create("t", 0, 0))
		for range 100 {
			m.append(h.name, 1, 1000)
		}
		begun := time.Now()
		r.caughtUp(time.Minute, h)
		if took, least := time.Since(begun), 100*1000/5000*time.Second; took < least-2*time.Second {
			t.Errorf("%d bytes took %v, want %v", pace.bytes.Load(), took, least)
		}
		if n := pace.bytes.Load(); n < 100*1000 {
			t.Errorf("%d bytes were counted", n)
		}
		r.stop()
	})
}
