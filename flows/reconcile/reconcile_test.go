package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/reconcile"
)

// running is a loop in a bubble and when its passes began.
type running struct {
	loop   *reconcile.Loop
	began  time.Time
	passes []time.Duration
	log    strings.Builder
	stop   func()
}

// run starts a loop with an interval of a minute whose n-th pass does do(n).
func run(t *testing.T, p reconcile.Params, do func(n int, pass *reconcile.Pass) error) *running {
	t.Helper()
	r := &running{began: time.Now()}
	p.Name, p.Interval, p.Log = "test", time.Minute, slog.New(slog.NewTextHandler(&r.log, nil))
	p.Do = func(_ context.Context, pass *reconcile.Pass) error {
		r.passes = append(r.passes, time.Since(r.began))
		return do(len(r.passes), pass)
	}
	var err error
	if r.loop, err = reconcile.New(p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { r.loop.Run(ctx) })
	r.stop = func() {
		cancel()
		wait.Wait()
	}
	return r
}

// errBroker is what goes wrong in these tests.
var errBroker = errors.New("broker down")

func TestPassesComeAtTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, reconcile.Params{}, func(int, *reconcile.Pass) error {
			time.Sleep(10 * time.Second) // the interval is that of their beginnings
			return nil
		})
		time.Sleep(150 * time.Second)
		r.stop()
		if diff := cmp.Diff([]time.Duration{0, time.Minute, 2 * time.Minute}, r.passes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFailedPassesAreRetriedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, reconcile.Params{}, func(n int, _ *reconcile.Pass) error {
			if n < 8 {
				return errBroker
			}
			return nil
		})
		time.Sleep(80 * time.Second)
		if got := r.loop.Problems(); len(got) != 1 || !errors.Is(got[0].Err, errBroker) || time.Since(got[0].Since) != 80*time.Second {
			t.Errorf("problems are %+v", got)
		}
		time.Sleep(100 * time.Second)
		if got := r.loop.Problems(); len(got) != 0 {
			t.Errorf("problems are %+v after all is well", got)
		}
		r.stop()
		var want []time.Duration
		for _, s := range []int{0, 1, 3, 7, 15, 31, 61, 91, 151} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if diff := cmp.Diff(want, r.passes); diff != "" {
			t.Error(diff)
		}
		if n := strings.Count(r.log.String(), "needs attention"); n != 1 {
			t.Errorf("the log tells it %d times, not once:\n%s", n, r.log.String())
		}
		if !strings.Contains(r.log.String(), "in order again") {
			t.Errorf("the log does not tell the end:\n%s", r.log.String())
		}
	})
}

// errElection is what a partition answers that was created a moment ago.
var errElection = fmt.Errorf("asking for the end: %w", kerr.NotLeaderForPartition)

func TestTheLogIsSilentOfWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, reconcile.Params{}, func(n int, _ *reconcile.Pass) error {
			if n < 3 || n > 4 && n < 9 { // 3 s, and later 15 s
				return errElection
			}
			return nil
		})
		time.Sleep(62 * time.Second)
		if got := r.log.String(); got != "" {
			t.Errorf("the log tells of an election:\n%s", got)
		}
		time.Sleep(65 * time.Second)
		if got := r.loop.Problems(); len(got) != 1 {
			t.Errorf("problems are %+v", got)
		}
		time.Sleep(15 * time.Second)
		r.stop()
		if got := r.log.String(); strings.Count(got, "needs attention") != 1 || strings.Count(got, "in order again") != 1 {
			t.Errorf("the log does not tell of an election that lasts, once:\n%s", got)
		}
	})
}

func TestTryWaitsForWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			fails  int
			with   error
			passes int
			want   error
		}{
			{0, nil, 1, nil},
			{2, errElection, 3, nil},
			{9, errElection, 4, errElection},
			{1, errBroker, 1, errBroker},
		} {
			passes := 0
			l, err := reconcile.New(reconcile.Params{
				Name: "test", Interval: time.Minute, Log: slog.New(slog.DiscardHandler),
				Do: func(context.Context, *reconcile.Pass) error {
					if passes++; passes <= c.fails {
						return c.with
					}
					return nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Try(t.Context()); !errors.Is(err, c.want) || passes != c.passes {
				t.Errorf("%d failures with %v: %d passes, %v", c.fails, c.with, passes, err)
			}
		}
	})
}

func TestProblemsOfObjectsLastUntilAPassDoesNotTellThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, reconcile.Params{}, func(n int, pass *reconcile.Pass) error {
			pass.Problem(reconcile.Problem{Topic: "a", Err: errBroker, Fix: "wait"})
			if n == 1 {
				pass.Problem(reconcile.Problem{Topic: "b", Err: errBroker})
			}
			pass.Changed(reconcile.Event{Kind: "topic config set", Cluster: "t", Object: "x", Before: "1", After: "2"})
			return nil
		})
		time.Sleep(61 * time.Second)
		r.stop()
		got := r.loop.Problems()
		if len(got) != 1 || got[0].Topic != "a" || got[0].Fix != "wait" || !got[0].Since.Equal(r.began) {
			t.Errorf("problems are %+v", got)
		}
		if want := `msg="control plane changed" reconciler=test kind="topic config set" cluster=t object=x before=1 after=2`; !strings.Contains(r.log.String(), want) {
			t.Errorf("no event in\n%s", r.log.String())
		}
	})
}

func TestOnlyTheLeaderWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads atomic.Bool
		r := run(t, reconcile.Params{Leads: leads.Load}, func(_ int, pass *reconcile.Pass) error {
			if !pass.Leads() {
				t.Error("a pass does not lead")
			}
			return errBroker
		})
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if len(r.passes) != 0 || len(r.loop.Problems()) != 0 {
			t.Errorf("worked without the lead: %v", r.passes)
		}
		leads.Store(true)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if len(r.passes) == 0 || len(r.loop.Problems()) != 1 {
			t.Errorf("does not work soon after taking the lead: %v", r.passes)
		}
		leads.Store(false)
		time.Sleep(3 * time.Second)
		if len(r.loop.Problems()) != 0 {
			t.Error("keeps problems that are another's")
		}
		r.stop()
	})
}

func TestHangingPassDelaysNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := make(chan struct{})
		var others sync.WaitGroup
		await := func(ctx context.Context, do func(context.Context) error) error {
			done := make(chan error, 1)
			others.Go(func() { done <- do(ctx) })
			select {
			case err := <-done:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		r := run(t, reconcile.Params{Await: await}, func(_ int, pass *reconcile.Pass) error {
			<-silent
			pass.Problem(reconcile.Problem{Err: errBroker})
			return nil
		})
		synctest.Wait()
		r.stop()
		close(silent)
		others.Wait()
		if len(r.loop.Problems()) != 0 {
			t.Error("an abandoned pass told something")
		}
	})
}

func TestPassesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := reconcile.New(reconcile.Params{
			Name: "test", Interval: time.Minute, Log: slog.New(slog.DiscardHandler), Timeout: 5 * time.Second,
			Do: func(ctx context.Context, _ *reconcile.Pass) error {
				<-ctx.Done()
				return ctx.Err()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Once(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if len(l.Problems()) != 1 {
			t.Error("a pass that took too long is no problem")
		}
	})
}
