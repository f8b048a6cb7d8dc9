package badinput

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// TestSignalWhileWaiting asks a program to end that has only ever waited.
func TestSignalWhileWaiting(t *testing.T) {
	text := clusterBlock("a", "127.0.0.1:1", "") + clusterBlock("b", "127.0.0.1:1", "") + "flow \"a->b\" {}\n"
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, write(t, "m.hcl", text), "run", "m.hcl")
			p.says(&p.out, `a->b waiting: cluster "a" at 127\.0\.0\.1:1: `, patience)
			p.signal(s)
			p.exits(exitOK, 5*time.Second)
			p.saidOnce(`cluster not usable yet, waiting`)
		})
	}
}

// TestBrokersComeAndGo stops and starts the brokers under two flows from one
// source. What happens to one target never touches the flow to the other.
func TestBrokersComeAndGo(t *testing.T) {
	t.Parallel()
	c := startAll(t, kafka.Options{}, kafka.Options{}, kafka.Options{})
	a, b, other := c[0], c[1], c[2]
	ctx := bounded(t)
	stop := func(k *kafka.Cluster) {
		t.Helper()
		if err := k.Stop(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	restart := func(k *kafka.Cluster) {
		t.Helper()
		if err := k.Restart(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	create(t, a, kafka.Topic{Name: "orders", Partitions: 3})
	produce(t, a, some("orders", 10)...)
	text := clusterBlock("a", a.Bootstrap()[0], "") + clusterBlock("b", b.Bootstrap()[0], "") + clusterBlock("c", other.Bootstrap()[0], "") +
		"flow \"a->b\" { topics = [\"orders\"] }\nflow \"a->c\" { topics = [\"orders\"] }\n"
	dir := write(t, "m.hcl", text)

	stop(b)
	p := start(t, dir, "run", "--drain-timeout=20s", "m.hcl")
	arrives(t, other, "a.orders", 10, patience)
	p.says(&p.out, `a->b waiting: cluster "b" at `+b.Bootstrap()[0]+`: nothing listens there`, patience)
	restart(b)
	arrives(t, b, "a.orders", 10, heals)
	p.saidOnce(`cluster=b err="cluster \\"b\\" at .*nothing listens there`)
	p.saidOnce(`level=INFO msg="cluster usable now".*cluster=b`)

	// Two problems of a flow that follow each other before it has moved are solved as
	// one, so that each is waited for.
	settled := func() {
		t.Helper()
		until(t, heals, func() error {
			if begun, over := len(p.log.lines(`flow held up|does not move`)), len(p.log.lines(`problem solved`)); over < begun {
				return fmt.Errorf("%d problems were told and %d solved", begun, over)
			}
			return nil
		})
	}
	stop(a)
	p.says(&p.out, `a->c waiting: cluster "a" at .*nothing listens there`, patience)
	p.says(&p.log, `flow=a->c.* err="cluster \\"a\\" at .*nothing listens there`, patience)
	p.says(&p.log, `flow=a->b.* err="cluster \\"a\\" at .*nothing listens there`, patience)
	restart(a)
	produce(t, a, some("orders", 10)...)
	arrives(t, b, "a.orders", 20, heals)
	arrives(t, other, "a.orders", 20, heals)
	settled()

	stop(b)
	produce(t, a, some("orders", 10)...)
	arrives(t, other, "a.orders", 30, heals)
	p.says(&p.log, `flow=a->b.* err="cluster \\"b\\" at .*nothing listens there`, patience)
	restart(b)
	arrives(t, b, "a.orders", 30, heals)
	settled()
	p.quiet(12)
	p.signal(syscall.SIGTERM)
	p.exits(exitOK, patience)

	// A single pass with the source down at start.
	stop(a)
	p = start(t, dir, "run", "--once", "--timeout=50s", "m.hcl")
	p.says(&p.out, `a->c waiting: cluster "a" at `, patience)
	restart(a)
	p.exits(exitOK, patience)

	t.Run("frozen target", func(t *testing.T) {
		if err := b.Pause(1); err != nil {
			t.Fatal(err)
		}
		p := start(t, dir, "run", "--once", "--timeout=3s", "m.hcl")
		code := p.wait(6 * time.Second)
		if err := b.Resume(1); err != nil || code != exitFailed {
			t.Fatalf("exit code %d, resuming: %v", code, err)
		}
		want := fmt.Sprintf(`gave up after 3s in which nothing moved: cluster "b" at %s: no answer yet`, b.Bootstrap()[0])
		p.says(&p.log, want, 0)
	})
	for name, twice := range map[string]bool{"drain timeout": false, "second signal": true} {
		t.Run(name, func(t *testing.T) { endsUnfinished(t, dir, c, twice) })
	}

	// What the ended processes had not seen acknowledged is there, and once.
	total := ends(t, a, "orders")[0]
	p = start(t, dir, "run", "m.hcl")
	for _, to := range []*kafka.Cluster{b, other} {
		arrives(t, to, "a.orders", total, patience)
		r, err := compare.Streams(ctx, compare.StreamParams{
			Source: compare.Side{Opts: a.AdminOpts(), Topic: "orders"}, Target: compare.Side{Opts: to.AdminOpts(), Topic: "a.orders"},
		})
		if err == nil {
			err = r.Err()
		}
		if err != nil {
			t.Error(err)
		}
	}
	p.signal(syscall.SIGTERM)
	p.exits(exitOK, patience)
}

// endsUnfinished asks a process to end while the second of three clusters is
// frozen; the first is the source of both others.
func endsUnfinished(t *testing.T, dir string, c []*kafka.Cluster, twice bool) {
	t.Helper()
	a, b, other := c[0], c[1], c[2]
	p := start(t, dir, "run", "--drain-timeout=3s", "m.hcl")
	p.says(&p.out, "a->b running", patience)
	produce(t, a, some("orders", 5)...)
	arrives(t, b, "a.orders", ends(t, a, "orders")[0], patience)
	if err := b.Pause(1); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Resume(1); err != nil {
			t.Error(err)
		}
	}()
	produce(t, a, some("orders", 5)...)
	arrives(t, other, "a.orders", ends(t, a, "orders")[0], patience)
	p.signal(syscall.SIGTERM)
	if twice {
		p.says(&p.log, "finishing what is under way", patience)
		p.signal(syscall.SIGTERM)
		p.exits(exitFailed, time.Second)
		return
	}
	p.exits(exitFailed, 5*time.Second)
	p.says(&p.log, `^strait: error: running m\.hcl: flow "a->b": draining: `, 0)
}
