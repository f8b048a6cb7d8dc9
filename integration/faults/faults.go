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

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// Side is one cluster of a bed with a proxy before each of its brokers. Mirrors
// come through the proxies; the harness, producers and comparisons do not.
type Side struct {
	*kafka.Cluster
	Alias   string
	Proxies []*Proxy // by broker id - 1
	user    string   // whom mirrors come as; empty: nobody is asked
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
	return newBed(t, kafka.Options{Brokers: brokersA}, kafka.Options{Brokers: brokersB, Config: more})
}

// newBed is NewBed with more to choose, beside what all beds have in common.
func newBed(t *testing.T, optsA, optsB kafka.Options) *Bed {
	t.Helper()
	kafka.Require(t)
	b := &Bed{}
	sides := []*Side{{Alias: "a"}, {Alias: "b"}}
	options := []kafka.Options{optsA, optsB}
	dirs := []string{t.TempDir(), t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range sides {
		o := options[i]
		o.Reroute, o.Config = true, config(max(1, o.Brokers))
		maps.Copy(o.Config, options[i].Config)
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

// Whom mirrors come as where brokers ask.
const (
	user      = "mirror"
	password  = "only-for-tests"
	principal = "User:" + user
)

// eager are the options of a cluster that compacts and deletes as soon as it may.
func eager() kafka.Options {
	return kafka.Options{Config: map[string]string{
		"log.cleaner.backoff.ms": "100", "log.retention.check.interval.ms": "300", "log.segment.delete.delay.ms": "100", "log.cleaner.min.cleanable.ratio": "0.01",
		"log.initial.task.delay.ms": "1",
	}}
}

// guarded are the options of a cluster on which mirrors have rights to lose.
func guarded(brokers int) kafka.Options {
	return kafka.Options{Brokers: brokers, SASL: kafka.Plain, Users: map[string]string{user: password}, Authorizer: true}
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
	if o.Authorizer {
		s.user = user
		if err := errors.Join(c.Allow(ctx, principal, "", kadm.OpAll), s.allowCluster(ctx)); err != nil {
			return err
		}
	}
	for _, r := range c.Routes() {
		p := NewProxy(r.Advertised, r.Listening)
		if err := p.Open(); err != nil {
			return err
		}
		s.Proxies = append(s.Proxies, p)
	}
	return nil
}

// allowCluster lets mirrors do everything that is done on the cluster as such.
func (s *Side) allowCluster(ctx context.Context) error {
	created, err := s.Admin().CreateACLs(ctx, kadm.NewACLs().Allow(principal).AllowHosts("*").Clusters().
		ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll))
	for _, r := range created {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		return fmt.Errorf("allowing %s on the cluster: %w", principal, err)
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
