// Package faults breaks real clusters and the mirror between them on purpose:
// it kills, freezes and restarts brokers and the strait process, moves leaders,
// and cuts, stalls and delays connections in a proxy before each broker, while
// producers write and Strait mirrors.
//
// Its noun is the Bed: two clusters, their proxies, and how to get it all sound
// again. What is broken when follows from a seed. Whether the copy is right is
// for package compare to say; this package only adds how long a repeated run of
// records had gone without an anchor.
package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// Side is one cluster of a bed with a proxy before each of its brokers. Mirrors
// come through the proxies; the harness, producers and comparisons do not.
type Side struct {
	*kafka.Cluster
	Alias   string
	Proxies []*Proxy // by broker id - 1
	down    map[int]bool
	frozen  map[int]bool
}

// sessionTimeout is for how long a cluster believes in a broker that was killed.
// Kafka's default of 9 s would leave room for few kills in a short test.
const sessionTimeout = "4000"

// config returns the broker properties of a side with n brokers: what is
// acknowledged is on two brokers wherever there are three.
func config(n int) map[string]string {
	p := map[string]string{
		"broker.session.timeout.ms":    sessionTimeout,
		"broker.heartbeat.interval.ms": "500",
		"replica.lag.time.max.ms":      "5000", // a frozen follower leaves the ISR within a test
	}
	if n > 1 {
		p["default.replication.factor"] = "3"
		p["min.insync.replicas"] = "2"
	}
	return p
}

// Bed is two clusters to mirror between.
type Bed struct {
	A, B *Side
}

// NewBed starts both clusters for the length of a test, with so many brokers and
// with more properties for the brokers of b.
func NewBed(t *testing.T, brokersA, brokersB int, more map[string]string) *Bed {
	t.Helper()
	return newBed(t, brokersA, brokersB, more, kafka.DefaultVersion)
}

// newBed is NewBed with so old a Kafka for b.
func newBed(t *testing.T, brokersA, brokersB int, more map[string]string, version string) *Bed {
	t.Helper()
	kafka.Require(t)
	b := &Bed{}
	sides := []*Side{{Alias: "a"}, {Alias: "b"}}
	brokers := []int{brokersA, brokersB}
	dirs := []string{t.TempDir(), t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range sides {
		o := kafka.Options{Brokers: brokers[i], Reroute: true, Config: config(brokers[i])}
		if i == 1 {
			o.Version = version
			maps.Copy(o.Config, more)
		}
		g.Go(func() error { return s.start(ctx, dirs[i], o) })
	}
	err := g.Wait()
	t.Cleanup(func() {
		for _, s := range sides {
			if err := s.close(); err != nil {
				t.Errorf("closing cluster %s: %v", s.Alias, err)
			}
			if t.Failed() && s.Cluster != nil {
				t.Logf("the last words of cluster %s:\n%s", s.Alias, s.Logs(3))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.A, b.B = sides[0], sides[1]
	return b
}

// startTimeout bounds the start of both clusters on a busy machine.
const startTimeout = 5 * time.Minute

func (s *Side) start(ctx context.Context, dir string, o kafka.Options) error {
	s.down, s.frozen = map[int]bool{}, map[int]bool{}
	c, err := kafka.New(ctx, dir, o)
	if err != nil {
		return fmt.Errorf("starting cluster %s: %w", s.Alias, err)
	}
	s.Cluster = c
	for _, r := range c.Routes() {
		p := NewProxy(r.Advertised, r.Listening)
		if err := p.Open(); err != nil {
			return err
		}
		s.Proxies = append(s.Proxies, p)
	}
	return nil
}

func (s *Side) close() error {
	for _, p := range s.Proxies {
		p.Close()
	}
	if s.Cluster == nil {
		return nil
	}
	return s.Close()
}

// Crash kills a broker.
func (s *Side) Crash(broker int) error {
	s.down[broker] = true
	return s.Kill(broker)
}

// ShutDown stops a broker in good order.
func (s *Side) ShutDown(ctx context.Context, broker int) error {
	s.down[broker] = true
	return s.Stop(ctx, broker)
}

// Revive restarts a broker that is down.
func (s *Side) Revive(ctx context.Context, broker int) error {
	if err := s.Restart(ctx, broker); err != nil {
		return err
	}
	delete(s.down, broker)
	return nil
}

// Freeze stops a broker in its tracks.
func (s *Side) Freeze(broker int) error {
	s.frozen[broker] = true
	return s.Pause(broker)
}

// Thaw lets a frozen broker go on.
func (s *Side) Thaw(broker int) error {
	delete(s.frozen, broker)
	return s.Resume(broker)
}

// Cut drops every connection that mirrors have to the cluster.
func (s *Side) Cut() {
	for _, p := range s.Proxies {
		p.Cut()
	}
}

// Unplug refuses and drops all connections of mirrors until Plug.
func (s *Side) Unplug() {
	for _, p := range s.Proxies {
		p.Close()
	}
}

// Plug ends Unplug.
func (s *Side) Plug() error {
	var errs []error
	for _, p := range s.Proxies {
		errs = append(errs, p.Open())
	}
	return errors.Join(errs...)
}

// Heal undoes everything that a fault may have left behind.
func (s *Side) Heal(ctx context.Context) error {
	for b := range s.frozen {
		if err := s.Thaw(b); err != nil {
			return err
		}
	}
	for _, p := range s.Proxies {
		p.Flow()
	}
	for b := range s.down {
		if err := s.Revive(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// Heal makes both sides sound again.
func (b *Bed) Heal(ctx context.Context) error {
	return errors.Join(b.A.Heal(ctx), b.B.Heal(ctx))
}
