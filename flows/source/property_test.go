package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

const largestOfStorm = 20_000 // bytes of a batch

// TestEveryScheduleDeliversTheLog runs random schedules of appends, leader moves,
// broker failures, lost sessions and answers, stalled handlers, seeks, removals
// and additions. Handlers compare every batch with the log as it comes; in the
// end, a second after the last trouble, they must have all of it.
func TestEveryScheduleDeliversTheLog(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 10
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newStorm(t, seed).run() })
		})
	}
}

// storm is one random schedule.
type storm struct {
	*rig
	rng     *rand.Rand
	brokers int32
	live    map[nameKey]*taker
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	s := &storm{rng: rng, brokers: 1 + rng.Int32N(4), live: map[nameKey]*taker{}}
	m := newModel(int(s.brokers))
	m.noSessions, m.byID, m.noHints = rng.IntN(4) == 0, rng.IntN(2) == 0, rng.IntN(2) == 0
	m.cuts = rng.IntN(4) == 0
	lanes := 1 + rng.IntN(2)
	limit := int64(100_000 + rng.IntN(1_000_000))
	s.rig = run(t, m, limit, func(p *Params) {
		for range lanes - 1 {
			p.Clients = append(p.Clients, m)
		}
		p.MaxPartitionFetchBytes = int32(1000 + rng.IntN(100_000))
		p.FetchMaxBytes = int32(1000 + rng.IntN(500_000))
		if rng.IntN(3) == 0 {
			p.Rack = "here"
		}
	})
	// Each loop may overdraw the budget by one batch (KIP-74 has brokers answer
	// a whole one whatever the limit) and the overhead of its small buffers.
	s.excess = int64(int(s.brokers)*lanes) * (largestOfStorm*5/4 + 20*smallestBuffer)
	for i := range 1 + rng.Int32N(20) {
		name := m.create("t", i, rng.Int32N(s.brokers))
		s.start(name, 0)
	}
	return s
}

func (s *storm) start(name nameKey, offset int64) {
	s.live[name] = s.addAt(name, offset, wire.NoEpoch)
}

func (s *storm) any() *taker {
	names := s.m.names()
	return s.live[names[s.rng.IntN(len(names))]]
}

func (s *storm) run() {
	defer s.stop()
	for range 300 {
		s.step()
		if s.rng.IntN(3) > 0 {
			time.Sleep(time.Duration(s.rng.ExpFloat64() * float64(20*time.Millisecond)))
		}
	}
	s.m.update(func() {
		for _, b := range s.m.brokers {
			b.down = false
		}
		for _, l := range s.m.logs {
			l.fault, l.missing, l.leader = 0, false, max(l.leader, 0)
		}
		s.m.refreshErr = nil
		clear(s.m.failNext)
		s.m.latency = time.Millisecond
	})
	var list []*taker
	for _, h := range s.live {
		h.stall(false)
		list = append(list, h)
	}
	// A second for the slowest retry, the rest to fetch what has piled up.
	s.caughtUp(6*time.Second, list...)
	for _, h := range list {
		for _, err := range h.trouble() {
			_, passing := errors.AsType[*UnavailableError](err)
			_, gone := errors.AsType[*GoneError](err)
			if !passing && !gone {
				s.t.Errorf("%v: %v", h.name, err)
			}
		}
	}
}

// step does one random thing.
func (s *storm) step() {
	m, rng, h := s.m, s.rng, s.any()
	broker := rng.Int32N(s.brokers)
	switch rng.IntN(20) {
	default:
		for range rng.IntN(20) {
			m.append(s.any().name, rng.Int32N(5), 61+rng.IntN(3000))
		}
	case 0:
		m.append(h.name, 0, rng.IntN(largestOfStorm))
	case 1:
		m.move(h.name, broker)
	case 2:
		m.update(func() { m.logs[h.name].leader = -1 })
	case 3:
		m.update(func() { m.brokers[broker].down = true })
	case 4, 5:
		m.update(func() { m.brokers[broker].down = false })
	case 6:
		m.update(func() { m.brokers[broker].sessions = map[int32]*modelSession{} })
	case 7:
		m.update(func() { m.failNext[broker]++ })
	case 8, 9:
		h.stall(true)
	case 10, 11, 12:
		h.stall(false)
	case 13:
		s.replace(h)
	case 14:
		m.update(func() {
			m.logs[h.name].fault = []int16{0, kerr.NotLeaderForPartition.Code, kerr.KafkaStorageError.Code, kerr.OffsetOutOfRange.Code}[rng.IntN(4)]
		})
	case 15:
		m.update(func() { m.logs[h.name].replica = broker - 1 })
	case 16:
		m.update(func() { m.refreshErr = nil })
		if rng.IntN(3) == 0 {
			m.update(func() { m.refreshErr = errors.New("no broker answers") })
		}
	case 17:
		m.update(func() { m.latency = time.Duration(rng.IntN(30)) * time.Millisecond })
	}
}

// replace removes a partition, or two of its kind at once, and goes on with a new
// one where the old one ended.
func (s *storm) replace(h *taker) {
	h.p.Remove()
	h.mu.Lock()
	h.removed = true
	h.keep = false
	h.dropLocked()
	next := h.next
	h.mu.Unlock()
	s.start(h.name, next)
}

// TestRemoveWaitsForTheHandler races Remove, SeekTo and Done with deliveries on
// real threads.
func TestRemoveWaitsForTheHandler(t *testing.T) {
	m := newModel(2)
	m.latency = 0
	r := run(t, m, 1<<20, func(p *Params) { p.FetchMaxWait = 2 * time.Millisecond })
	defer r.stop()
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for i := range int32(4) {
		name := m.create("t", i, i%2)
		group.Go(func() {
			next := int64(0)
			for ctx.Err() == nil {
				m.append(name, 1, 500)
				h := &taker{t: t, m: m, name: name, budget: r.budget, excess: 1 << 20, next: next}
				h.mu.Lock()
				h.p = r.f.Add(PartitionParams{
					Key: wire.PartitionKey{Topic: name.topic, Partition: name.partition}, Offset: next,
					LeaderEpoch: wire.NoEpoch, Handler: h,
				})
				h.mu.Unlock()
				for h.at() == next && ctx.Err() == nil {
					m.move(name, (i+1)%2)
				}
				h.p.Remove()
				h.mu.Lock()
				h.removed = true
				h.mu.Unlock()
				next = h.at()
			}
		})
	}
}

func TestNewChecksItsParams(t *testing.T) {
	m := newModel(1)
	for name, p := range map[string]Params{
		"nothing":  {},
		"negative": {Clients: []Client{m}, Leaders: m, Offsets: m, Budget: memory.NewBudget(1), Log: nil},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
