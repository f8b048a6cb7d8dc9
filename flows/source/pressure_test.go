package source

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// fill appends bytes in batches of a size to every partition of a model.
func fill(m *model, bytes, size int, names ...nameKey) {
	for range bytes / size {
		for _, name := range names {
			m.append(name, 0, size)
		}
	}
}

func TestAStalledTargetStopsFetching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 4 << 20
		m := newModel(2)
		r := run(t, m, limit, nil)
		defer r.stop()
		var list []*taker
		for i := range int32(4) {
			h := r.add(m.create("t", i, i%2))
			h.excess = 10_000
			h.stall(true)
			list = append(list, h)
			fill(m, 8<<20, 10_000, h.name)
		}
		time.Sleep(10 * time.Second)
		before := len(m.since(0))
		time.Sleep(10 * time.Second)
		if n := len(m.since(before)); n > 0 {
			t.Errorf("%d requests while nobody takes anything", n)
		}
		if free := r.budget.Free(); free < limit/16 { // limit/5 if they grew in infinitely small steps
			t.Errorf("stalled partitions leave only %d bytes", free)
		}
		// Four queues that are treated alike, and one that moves beside them.
		well := r.add(m.create("t", 9, 0))
		fill(m, 8<<20, 10_000, well.name)
		r.caughtUp(30*time.Second, well)
		for _, h := range list {
			h.stall(false)
		}
		r.caughtUp(30*time.Second, list...)
	})
}

func TestOneStalledPartitionTakesHalfAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 8 << 20
		m := newModel(1)
		r := run(t, m, limit, func(p *Params) { p.MaxPartitionFetchBytes = 1 << 20 })
		defer r.stop()
		stalled, well := r.add(m.create("t", 0, 0)), r.add(m.create("t", 1, 0))
		stalled.stall(true)
		fill(m, 16<<20, 20_000, stalled.name, well.name)
		r.caughtUp(20*time.Second, well)
		if held := stalled.p.Status().Held; held > limit/2+20_000 || held < limit/4 {
			t.Errorf("a stalled partition holds %d bytes", held)
		}
		// What waits for nothing but the other is not slowed down.
		begin := time.Now()
		for range 50 {
			m.append(well.name, 0, 1000)
			r.caughtUp(100*time.Millisecond, well)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("50 round trips took %v", took)
		}
		stalled.stall(false)
		r.caughtUp(20*time.Second, stalled)
	})
}

func TestManyStalledPartitionsLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 8<<20, nil)
		defer r.stop()
		for i := range int32(200) {
			h := r.add(m.create("t", i, 0))
			h.stall(true)
			fill(m, 400_000, 5000, h.name)
		}
		time.Sleep(20 * time.Second)
		well := r.add(m.create("u", 0, 0))
		fill(m, 200_000, 5000, well.name)
		r.caughtUp(30*time.Second, well)
	})
}

func TestAPausedPartitionGoesOnAsSoonAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h, idle := r.add(m.create("t", 0, 0)), r.add(m.create("t", 1, 0))
		h.stall(true)
		fill(m, 2<<20, 10_000, h.name)
		time.Sleep(3 * time.Second)
		at := h.at()
		h.stall(false) // the loop waits for the idle one meanwhile
		r.within(510*time.Millisecond, "going on", func() bool { return h.at() > at })
		r.caughtUp(5*time.Second, h, idle)
	})
}

func TestANewPartitionWaitsForOneLongPollAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		r.caughtUp(time.Second, r.add(m.create("t", 0, 0)))
		time.Sleep(time.Second)
		h := r.add(m.create("t", 1, 0))
		m.append(h.name, 0, 100)
		r.caughtUp(520*time.Millisecond, h)
	})
}

func TestBatchesLargerThanEveryLimitPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 64<<10, func(p *Params) { p.MaxPartitionFetchBytes, p.FetchMaxBytes = 8<<10, 16<<10 })
		defer r.stop()
		var list []*taker
		for i := range int32(4) {
			h := r.add(m.create("t", i, 0))
			h.excess = 250_000
			list = append(list, h)
			for range 5 {
				m.append(h.name, 0, 1000)
				m.append(h.name, 4, 200_000)
				m.append(h.name, 0, 20_000)
			}
		}
		r.caughtUp(10*time.Second, list...)
	})
}

// Brokers before KIP-74 cut off even the first batch, and others may.
func TestTheLimitGrowsToABatchThatWasCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		m.cuts = true
		r := run(t, m, 1<<20, func(p *Params) { p.MaxPartitionFetchBytes = 4 << 10 })
		defer r.stop()
		one, other := r.add(m.create("t", 0, 0)), r.add(m.create("t", 1, 0))
		m.append(one.name, 0, 100)
		m.append(one.name, 0, 100_000)
		m.append(one.name, 0, 100)
		m.append(one.name, 0, 5_000)
		m.append(other.name, 0, 3_000)
		r.caughtUp(3*time.Second, one, other)
		if got := append(one.trouble(), other.trouble()...); len(got) > 0 {
			t.Errorf("problems %v", got)
		}
	})
}

func TestAnAnswerInVainDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		m.hasty = true
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		time.Sleep(10 * time.Second)
		if n := len(m.since(0)); n > 40 {
			t.Errorf("%d requests in 10 s to a broker that does not wait", n)
		}
		m.append(h.name, 0, 100)
		r.caughtUp(510*time.Millisecond, h)
	})
}

func TestReadersWithARackReadFromTheirFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(2)
		r := run(t, m, 1<<20, func(p *Params) { p.Rack = "here" })
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		m.update(func() { m.logs[h.name].replica = 1 })
		m.append(h.name, 0, 100)
		r.caughtUp(time.Second, h)
		if b := h.p.Status().Broker; b != 1 {
			t.Fatalf("reads from broker %d, want 1", b)
		}
		// A follower that fails is left at once, although the leader names it.
		m.update(func() { m.brokers[1].down = true })
		m.append(h.name, 0, 100)
		r.caughtUp(100*time.Millisecond, h)
		if b := h.p.Status().Broker; b != 0 {
			t.Fatalf("reads from broker %d, want 0", b)
		}
		m.update(func() { m.brokers[1].down = false })
		time.Sleep(12 * time.Second)
		m.append(h.name, 0, 100)
		r.caughtUp(time.Second, h)
		if b := h.p.Status().Broker; b != 1 {
			t.Errorf("reads from broker %d, want 1 again", b)
		}
		// After five minutes the leader is asked again.
		before := len(m.since(0))
		m.update(func() { m.logs[h.name].replica = -1 })
		m.update(func() { m.logs[h.name].replica = 1 })
		time.Sleep(5*time.Minute + time.Second)
		asked := 0
		for _, req := range m.since(before) {
			for _, p := range req.Partitions {
				if p.Partition == 0 && req.SessionEpoch == 0 {
					asked++
				}
			}
		}
		if asked == 0 {
			t.Error("the leader was not asked again")
		}
		if len(h.trouble()) > 0 {
			t.Errorf("problems %v", h.trouble())
		}
	})
}

func TestSeveralLoopsPerBrokerShareItsPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, func(p *Params) { p.Clients = []Client{m, m, m} })
		defer r.stop()
		var list []*taker
		for i := range int32(12) {
			list = append(list, r.add(m.create("t", i, 0)))
		}
		fill(m, 100_000, 1000, m.names()...)
		r.caughtUp(5*time.Second, list...)
		if n := r.f.Stats().Loops; n != 3 {
			t.Errorf("%d loops, want 3", n)
		}
		for _, s := range m.brokers[0].sessions {
			if len(s.list) != 4 {
				t.Errorf("a session has %d partitions, want 4", len(s.list))
			}
		}
	})
}

func TestLoopsEndAndGiveTheirSessionsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(2)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		m.append(h.name, 0, 100)
		r.caughtUp(time.Second, h)
		h.p.Remove()
		h.p.Remove()
		h.mu.Lock()
		h.removed = true
		h.mu.Unlock()
		m.append(h.name, 0, 100)
		time.Sleep(3 * time.Second)
		if s := r.f.Stats(); s.Loops != 0 || s.Partitions != 0 {
			t.Errorf("stats %+v", s)
		}
		m.mu.Lock()
		left := len(m.brokers[0].sessions)
		m.mu.Unlock()
		if left != 0 {
			t.Errorf("%d sessions were left behind", left)
		}
		again := r.addAt(h.name, 1, wire.NoEpoch)
		r.caughtUp(time.Second, again)
	})
}
