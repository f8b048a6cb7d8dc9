package source

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// rig is a running fetcher on a model cluster.
type rig struct {
	t      *testing.T
	m      *model
	f      *Fetcher
	budget *memory.Budget
	takers []*taker
	excess int64 // of new takers
	stop   func()
}

// run starts a fetcher within a bubble. The test ends it with rig.stop, or leaves
// that to rig's cleanup.
func run(t *testing.T, m *model, limit int64, adjust func(*Params)) *rig {
	t.Helper()
	r := &rig{t: t, m: m, budget: memory.NewBudget(limit), excess: limit}
	p := Params{Clients: []Client{m}, Leaders: m, Offsets: m, Budget: r.budget, Log: slog.New(slog.DiscardHandler)}
	if adjust != nil {
		adjust(&p)
	}
	var err error
	if r.f, err = New(p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.f.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		why := errors.New("test over")
		cancel(why)
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("Run returned %v", err)
		}
		for _, h := range r.takers {
			h.stall(false)
		}
		if free := r.budget.Free(); free != limit {
			t.Errorf("%d bytes of the budget were not given back", limit-free)
		}
	}
	return r
}

func (r *rig) add(name nameKey) *taker { return r.addAt(name, 0, wire.NoEpoch) }

func (r *rig) addAt(name nameKey, offset int64, epoch int32) *taker {
	h := &taker{t: r.t, m: r.m, name: name, budget: r.budget, excess: r.excess, next: offset}
	key := wire.PartitionKey{Topic: name.topic, Partition: name.partition}
	h.mu.Lock()
	h.p = r.f.Add(PartitionParams{Key: key, Offset: offset, LeaderEpoch: epoch, Handler: h})
	h.mu.Unlock()
	r.takers = append(r.takers, h)
	return h
}

// within fails the test unless done holds after a time at most.
func (r *rig) within(limit time.Duration, what string, done func() bool) {
	r.t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) { // the bubble's clock
		synctest.Wait()
		if done() {
			return
		}
		if time.Since(begin) > limit {
			for _, h := range r.takers {
				if s := h.p.Status(); s.State != "removed" {
					r.t.Logf("%v at %d: %+v, problems %v", h.name, h.at(), s, h.trouble())
				}
			}
			r.t.Logf("%+v, %d bytes free", r.f.Stats(), r.budget.Free())
			r.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// only returns the one problem a handler was told, which must be an E.
func only[E error](t *testing.T, h *taker) E {
	t.Helper()
	got := h.trouble()
	if len(got) != 1 {
		t.Fatalf("problems %v, want one", got)
	}
	e, ok := errors.AsType[E](got[0])
	if !ok {
		t.Fatalf("problem %T: %v", got[0], got[0])
	}
	return e
}

func (r *rig) caughtUp(limit time.Duration, list ...*taker) {
	r.t.Helper()
	r.within(limit, "all data delivered", func() bool {
		for _, h := range list {
			r.m.mu.Lock()
			end := r.m.logs[h.name].end
			r.m.mu.Unlock()
			if h.at() != end {
				return false
			}
		}
		return true
	})
}

func TestDataArrivesInOrderFromSeveralBrokers(t *testing.T) {
	for name, adjust := range map[string]func(*model){
		"by name":     func(*model) {},
		"by id":       func(m *model) { m.byID = true },
		"sessionless": func(m *model) { m.noSessions = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(3)
				adjust(m)
				r := run(t, m, 1<<20, nil)
				defer r.stop()
				var list []*taker
				for i := range int32(9) {
					list = append(list, r.add(m.create("t", i, i%3)))
				}
				for n := range 50 {
					for _, h := range list {
						m.append(h.name, int32(n%7), 100+n*300)
					}
				}
				r.caughtUp(5*time.Second, list...)
				m.append(list[4].name, 0, 100)
				r.caughtUp(20*time.Millisecond, list...)
				if s := r.f.Stats(); s.Loops != 3 || s.Partitions != 9 || s.Bytes == 0 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

func TestAnIdleFetchSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 64<<20, nil)
		defer r.stop()
		var list []*taker
		for i := range int32(1000) {
			name := m.create("t", i, 0)
			m.append(name, 3, 200)
			list = append(list, r.add(name))
		}
		r.caughtUp(5*time.Second, list...)
		time.Sleep(time.Second)
		seen := len(m.since(0))
		time.Sleep(10 * time.Second)
		idle := m.since(seen)
		if len(idle) > 21 {
			t.Errorf("%d requests in 10 s of idleness", len(idle))
		}
		for _, req := range idle {
			if len(req.Partitions) > 0 || len(req.Forgotten) > 0 {
				t.Fatalf("an idle request carried %d partitions", len(req.Partitions))
			}
		}
		if got := r.f.Stats().Reserved; got > 4<<20 {
			t.Errorf("an idle loop reserves %d bytes", got)
		}
	})
}

func TestALeaderMoveCostsNoTime(t *testing.T) {
	for name, adjust := range map[string]func(*model){
		"hinted":   func(*model) {},
		"unhinted": func(m *model) { m.noHints = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(2)
				adjust(m)
				r := run(t, m, 1<<20, nil)
				defer r.stop()
				h := r.add(m.create("t", 0, 0))
				m.append(h.name, 0, 100)
				r.caughtUp(time.Second, h)
				refreshes := m.refreshes
				m.move(h.name, 1)
				m.append(h.name, 0, 100)
				r.caughtUp(30*time.Millisecond, h)
				if name == "hinted" && m.refreshes != refreshes {
					t.Error("a hint did not save the refresh")
				}
				if got := h.trouble(); len(got) > 0 {
					t.Errorf("a leader move was reported as %v", got)
				}
				time.Sleep(2 * time.Second)
				if n := r.f.Stats().Loops; n != 1 {
					t.Errorf("%d loops are left, want 1", n)
				}
			})
		})
	}
}

func TestSessionsSurviveTheirLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		one, other := r.add(m.create("t", 0, 0)), r.add(m.create("t", 1, 0))
		for _, lose := range []func(){
			func() { m.brokers[0].sessions = map[int32]*modelSession{} },
			func() {
				for _, s := range m.brokers[0].sessions {
					s.epoch += 5
				}
			},
			func() { m.failNext[0] = 1 },
		} {
			m.append(one.name, 1, 500)
			r.caughtUp(2*time.Second, one, other)
			m.update(lose)
			m.append(other.name, 1, 500)
			r.caughtUp(2*time.Second, one, other)
		}
		time.Sleep(time.Second)
		if n := len(m.brokers[0].sessions); n > 2 {
			t.Errorf("%d sessions were left behind", n)
		}
		if len(one.trouble())+len(other.trouble()) > 0 {
			t.Error("a lost session was reported")
		}
	})
}

func TestABrokerThatIsDownIsReportedAndHealsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(2)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h, well := r.add(m.create("t", 0, 0)), r.add(m.create("t", 1, 1))
		r.caughtUp(time.Second, h, well)
		m.update(func() { m.brokers[0].down = true })
		time.Sleep(4 * time.Second)
		if len(h.trouble()) > 0 {
			t.Error("a short outage was reported")
		}
		time.Sleep(30 * time.Second)
		if got := only[*UnavailableError](t, h); got.Broker != 0 || !errors.Is(got, errDown) {
			t.Fatalf("problem %v", got)
		}
		m.update(func() { m.brokers[0].down = false })
		m.append(h.name, 0, 100)
		m.append(well.name, 0, 100)
		r.caughtUp(1100*time.Millisecond, h, well)
		if h.recovered != 1 || len(well.trouble()) > 0 {
			t.Errorf("recovered %d times, the other has %v", h.recovered, well.trouble())
		}
	})
}

func TestPassingErrorsHealByThemselves(t *testing.T) {
	for _, code := range []int16{
		kerr.NotLeaderForPartition.Code, kerr.FencedLeaderEpoch.Code, kerr.UnknownLeaderEpoch.Code,
		kerr.LeaderNotAvailable.Code, kerr.ReplicaNotAvailable.Code, kerr.KafkaStorageError.Code,
		kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code, kerr.InconsistentTopicID.Code,
		kerr.UnknownServerError.Code, kerr.OffsetNotAvailable.Code,
	} {
		t.Run(kerr.ErrorForCode(code).Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(1)
				r := run(t, m, 1<<20, nil)
				defer r.stop()
				h := r.add(m.create("t", 0, 0))
				r.caughtUp(time.Second, h)
				before := len(m.since(0))
				m.update(func() { m.logs[h.name].fault = code })
				time.Sleep(20 * time.Second)
				if n := len(m.since(before)); n > 60 {
					t.Errorf("%d requests in 20 s of trouble", n)
				}
				if n := len(h.trouble()); n != 1 {
					t.Errorf("%d problems %v, want 1", n, h.trouble())
				}
				m.update(func() { m.logs[h.name].fault = 0 })
				m.append(h.name, 0, 100)
				r.caughtUp(1100*time.Millisecond, h)
				if h.recovered != 1 {
					t.Errorf("recovered %d times", h.recovered)
				}
			})
		})
	}
}

func TestErrorsForAPersonAreToldAtOnceAndRetriedSlowly(t *testing.T) {
	for name, code := range map[string]int16{
		"unauthorized": kerr.TopicAuthorizationFailed.Code,
		"corrupt":      kerr.CorruptMessage.Code,
		"codec":        kerr.UnsupportedCompressionType.Code,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(1)
				r := run(t, m, 1<<20, nil)
				defer r.stop()
				h := r.add(m.create("t", 0, 0))
				r.caughtUp(time.Second, h)
				m.update(func() { m.logs[h.name].fault = code })
				r.within(10*time.Millisecond, "told", func() bool { return len(h.trouble()) == 1 })
				before := len(m.since(0))
				time.Sleep(time.Minute)
				if n := len(m.since(before)); n > 12 {
					t.Errorf("%d requests in a minute", n)
				}
				if n := len(h.trouble()); n != 1 || !errors.Is(h.trouble()[0], kerr.ErrorForCode(code)) {
					t.Errorf("problems %v", h.trouble())
				}
				m.update(func() { m.logs[h.name].fault = 0 })
				m.append(h.name, 0, 100)
				r.caughtUp(11*time.Second, h)
				if h.recovered != 1 {
					t.Errorf("recovered %d times", h.recovered)
				}
			})
		})
	}
}

func TestAWantedOffsetOutsideTheLogParks(t *testing.T) {
	for name, test := range map[string]struct {
		offset int64
		side   Side
	}{
		"below": {3, Below},
		"above": {21, Above},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(1)
				part := m.create("t", 0, 0)
				for range 20 {
					m.append(part, 0, 100)
				}
				m.update(func() { m.logs[part].start = 10; m.logs[part].entries = m.logs[part].entries[10:] })
				r := run(t, m, 1<<20, nil)
				defer r.stop()
				h := r.addAt(part, test.offset, wire.NoEpoch)
				r.within(time.Second, "told", func() bool { return len(h.trouble()) == 1 })
				out := only[*OutOfRangeError](t, h)
				if out.Side != test.side || out.Requested != test.offset || out.Start != 10 || out.End != 20 {
					t.Fatalf("problem %+v", h.trouble()[0])
				}
				before := len(m.since(0))
				time.Sleep(time.Minute)
				if n := len(m.since(before)); n > 0 {
					t.Errorf("a parked partition made %d requests", n)
				}
				h.mu.Lock()
				h.next = out.Start
				h.mu.Unlock()
				h.p.SeekTo(out.Start, out.StartEpoch)
				r.caughtUp(time.Second, h)
				if h.recovered != 1 {
					t.Errorf("recovered %d times", h.recovered)
				}
				// The same again is told again: nobody else could go on.
				h.p.SeekTo(test.offset, wire.NoEpoch)
				r.within(time.Second, "told again", func() bool { return len(h.trouble()) == 2 })
				h.p.SeekTo(test.offset, wire.NoEpoch)
				r.within(time.Second, "told a third time", func() bool { return len(h.trouble()) == 3 })
			})
		})
	}
}

func TestARangeErrorThatDoesNotHoldIsNoProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		m.append(h.name, 0, 100)
		m.update(func() { m.logs[h.name].fault = kerr.OffsetOutOfRange.Code })
		time.Sleep(time.Second)
		m.update(func() { m.logs[h.name].fault = 0 })
		r.caughtUp(2*time.Second, h)
		if len(h.trouble()) > 0 {
			t.Errorf("problems %v", h.trouble())
		}
	})
}

func TestACutLogIsFoundByItsEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		for range 10 {
			m.append(h.name, 0, 100)
		}
		r.caughtUp(time.Second, h)
		m.update(func() { // an unclean election loses 4 records, then others come
			l := m.logs[h.name]
			l.entries, l.end = l.entries[:6], 6
			l.epoch++
		})
		for range 8 {
			m.append(h.name, 0, 100)
		}
		r.within(time.Second, "told", func() bool { return len(h.trouble()) == 1 })
		cut := only[*DivergedError](t, h)
		if cut.Requested != 10 || cut.LastEpoch != 1 || cut.Epoch != 1 || cut.End != 6 {
			t.Fatalf("problem %+v", h.trouble()[0])
		}
		h.mu.Lock()
		h.next = cut.End
		h.mu.Unlock()
		h.p.SeekTo(cut.End, cut.Epoch)
		r.caughtUp(time.Second, h)
	})
}

func TestARecreatedTopicParks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		m.append(h.name, 0, 100)
		r.caughtUp(time.Second, h)
		m.update(func() { m.logs[h.name] = &modelLog{id: wire.TopicID{9}, epoch: 0, replica: -1} })
		r.within(time.Second, "told", func() bool { return len(h.trouble()) == 1 })
		if recreated := only[*RecreatedError](t, h); recreated.New != (wire.TopicID{9}) {
			t.Fatalf("problem %v", h.trouble()[0])
		}
		// The new topic's partition is added before the old one's is removed.
		again := r.add(h.name)
		m.append(h.name, 0, 100)
		time.Sleep(time.Second)
		if again.at() != 0 || again.p.Status().State != "queued" {
			t.Error("two partitions of one name were fetched")
		}
		h.p.Remove()
		r.caughtUp(time.Second, again)
	})
}

func TestAMissingTopicIsGoneAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		m.append(h.name, 0, 100)
		r.caughtUp(time.Second, h)
		m.update(func() { m.logs[h.name].missing = true })
		time.Sleep(8 * time.Second)
		_ = only[*GoneError](t, h)
		m.update(func() { m.logs[h.name].missing = false })
		m.append(h.name, 0, 100)
		r.caughtUp(1100*time.Millisecond, h)
	})
}

func TestDamagedDataIsNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h := r.add(m.create("t", 0, 0))
		m.append(h.name, 0, 100)
		m.update(func() { m.logs[h.name].garbage = true })
		r.within(time.Second, "told", func() bool { return len(h.trouble()) == 1 })
		_ = only[*CorruptError](t, h)
		m.update(func() { m.logs[h.name].garbage = false })
		r.caughtUp(11*time.Second, h)
	})
}

func TestAnAnswerThatPassesAPartitionOverHealsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(1)
		m.terse = true
		r := run(t, m, 1<<20, nil)
		defer r.stop()
		h, other := r.add(m.create("t", 0, 0)), r.add(m.create("t", 1, 0))
		r.caughtUp(time.Second, h, other)
		m.update(func() { m.logs[h.name].fault = kerr.TopicAuthorizationFailed.Code })
		r.within(time.Second, "told", func() bool { return len(h.trouble()) == 1 })
		m.update(func() { m.logs[h.name].fault = 0 })
		r.within(20*time.Second, "healed", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.recovered == 1
		})
		if s := h.p.Status(); s.Err != nil || s.State != "fetching" {
			t.Errorf("status %+v", s)
		}
	})
}

func TestProblemsExplainThemselves(t *testing.T) {
	for _, err := range []error{
		&OutOfRangeError{Side: Below}, &OutOfRangeError{Side: Above}, &DivergedError{}, &RecreatedError{},
		&UnauthorizedError{}, &GoneError{Code: 3}, &UnavailableError{Broker: -1, Err: errDown},
		&UnavailableError{Broker: 1, Err: errDown}, &CorruptError{Err: errDown}, &BrokerError{Code: 76},
	} {
		if len(err.Error()) < 20 {
			t.Errorf("%T says %q", err, err)
		}
	}
}
