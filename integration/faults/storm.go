package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Fault is one way to break something. Do returns when it is sound again, which
// it sees to even where ctx ends meanwhile.
type Fault struct {
	Name string
	Do   func(ctx context.Context, rnd *rand.Rand) error
}

// Storm breaks things one after the other; its seed says in which order and for
// how long. No fault comes again before all others had their turn.
type Storm struct {
	Faults []Fault // required; twice in the list is twice as often
	Seed   uint64
	Calm   time.Duration // between two faults
	Counts map[string]int
}

// Run goes on until ctx ends and the last fault is over.
func (s *Storm) Run(ctx context.Context, log func(format string, args ...any)) error {
	rnd := rand.New(rand.NewPCG(s.Seed, 0x5354524149540002)) // not a secret
	s.Counts = map[string]int{}
	for i := 0; ctx.Err() == nil; i++ {
		turn := i % len(s.Faults)
		if turn == 0 {
			rnd.Shuffle(len(s.Faults), func(i, j int) { s.Faults[i], s.Faults[j] = s.Faults[j], s.Faults[i] })
		}
		f := s.Faults[turn]
		began := time.Now()
		err := f.Do(ctx, rnd)
		log("%s %s took %s", began.Format(time.TimeOnly), f.Name, time.Since(began).Round(time.Millisecond))
		if err != nil {
			return fmt.Errorf("making fault %q: %w", f.Name, err)
		}
		s.Counts[f.Name]++
		if pause(ctx, s.Calm) != nil {
			break
		}
	}
	return nil
}

// Total returns the number of faults.
func (s *Storm) Total() int {
	n := 0
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// String lists the faults by name.
func (s *Storm) String() string {
	var parts []string
	for name, n := range s.Counts {
		parts = append(parts, fmt.Sprintf("%d × %s", n, name))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// BrokerFaults are those of the brokers of a side.
func BrokerFaults(s *Side) []Fault {
	broker := func(rnd *rand.Rand) int { return s.Brokers()[rnd.IntN(len(s.Brokers()))] }
	return []Fault{
		{s.Alias + " broker crash", func(ctx context.Context, rnd *rand.Rand) error {
			b := broker(rnd)
			if err := s.Crash(b); err != nil {
				return err
			}
			_ = pause(ctx, between(rnd, 100, 3000)) // then it is revived sooner
			return s.revived(ctx, b)
		}},
		{s.Alias + " broker restart", func(ctx context.Context, rnd *rand.Rand) error {
			b := broker(rnd)
			if err := s.ShutDown(context.WithoutCancel(ctx), b); err != nil {
				return err
			}
			return s.revived(ctx, b)
		}},
		{s.Alias + " broker freeze", func(ctx context.Context, rnd *rand.Rand) error {
			b := broker(rnd)
			if err := s.Freeze(b); err != nil {
				return err
			}
			_ = pause(ctx, between(rnd, 500, 7000))
			return s.Thaw(b)
		}},
	}
}

// reviveTimeout bounds the restart of a broker on a busy machine.
const reviveTimeout = 2 * time.Minute

func (s *Side) revived(ctx context.Context, broker int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviveTimeout)
	defer cancel()
	return s.Revive(ctx, broker)
}

// LeaderFaults move the leaders of topics with so many partitions each.
func LeaderFaults(s *Side, topics []string, partitions int) []Fault {
	return []Fault{{s.Alias + " leader move", func(ctx context.Context, rnd *rand.Rand) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviveTimeout)
		defer cancel()
		to := s.Brokers()[rnd.IntN(len(s.Brokers()))]
		return s.MoveLeader(ctx, topics[rnd.IntN(len(topics))], int32(rnd.IntN(partitions)), to)
	}}}
}

// DiskFault has the disk of a broker be full.
func DiskFault(s *Side) Fault {
	return Fault{s.Alias + " disk full", func(ctx context.Context, rnd *rand.Rand) error {
		b := s.Brokers()[rnd.IntN(len(s.Brokers()))]
		s.down[b] = true
		full, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviveTimeout)
		defer cancel()
		if err := s.Fill(full, b); err != nil {
			return err
		}
		_ = pause(ctx, between(rnd, 100, 3000)) // then it is revived sooner
		return s.revived(ctx, b)
	}}
}

// RightsFault takes an operation on one of some topics away from mirrors for a while.
func RightsFault(s *Side, operation kadm.ACLOperation, topics ...string) Fault {
	return Fault{fmt.Sprintf("%s %s denied", s.Alias, operation), func(ctx context.Context, rnd *rand.Rand) error {
		acl := kadm.NewACLs().Deny(principal).DenyHosts("*").Topics(topics[rnd.IntN(len(topics))]).
			ResourcePatternType(kadm.ACLPatternLiteral).Operations(operation)
		created, err := s.Admin().CreateACLs(ctx, acl)
		for _, r := range created {
			err = errors.Join(err, r.Err)
		}
		if err != nil {
			return err
		}
		_ = pause(ctx, between(rnd, 300, 5000))
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviveTimeout)
		defer cancel()
		return poll(ctx, sampleEvery, func() (bool, error) {
			deleted, err := s.Admin().DeleteACLs(ctx, acl)
			for _, r := range deleted {
				err = errors.Join(err, r.Err)
			}
			return err == nil, err
		})
	}}
}

// MirrorFaults are those of a mirror that it must live through.
func MirrorFaults(m *Mirror) []Fault {
	return []Fault{{"mirror freeze", func(ctx context.Context, rnd *rand.Rand) error {
		if err := m.Program().Pause(); err != nil {
			return err
		}
		_ = pause(ctx, between(rnd, 100, 5000))
		return m.Program().Resume()
	}}}
}

// ConnectionFaults are those of the connections between a mirror and a side.
func ConnectionFaults(s *Side) []Fault {
	proxy := func(rnd *rand.Rand) *Proxy { return s.Proxies[rnd.IntN(len(s.Proxies))] }
	return []Fault{
		{s.Alias + " cut", func(_ context.Context, rnd *rand.Rand) error {
			proxy(rnd).Cut()
			return nil
		}},
		{s.Alias + " stalled requests, then cut", func(ctx context.Context, rnd *rand.Rand) error {
			p := proxy(rnd)
			p.Stall(Requests)
			defer p.Flow()
			_ = pause(ctx, between(rnd, 100, 2000))
			p.Cut()
			return nil
		}},
		{s.Alias + " stalled answers, then cut", func(ctx context.Context, rnd *rand.Rand) error {
			p := proxy(rnd)
			p.Stall(Answers)
			defer p.Flow()
			_ = pause(ctx, between(rnd, 100, 2000))
			p.Cut()
			return nil
		}},
		{s.Alias + " stall", func(ctx context.Context, rnd *rand.Rand) error {
			p := proxy(rnd)
			p.Stall(Direction(rnd.IntN(2)))
			defer p.Flow()
			_ = pause(ctx, between(rnd, 100, 3000))
			return nil
		}},
		LateFault(s, 100, 3000),
	}
}

// LateFault has connections break whose requests arrive all the same, some
// milliseconds after their client saw them break.
func LateFault(s *Side, least, most int) Fault {
	return Fault{s.Alias + " late requests", func(ctx context.Context, rnd *rand.Rand) error {
		p := s.Proxies[rnd.IntN(len(s.Proxies))]
		p.Stall(Requests)
		defer p.Flow()
		_ = pause(ctx, between(rnd, 50, 500))
		p.CutLate(between(rnd, least, most))
		return nil
	}}
}

// between returns a time between two numbers of milliseconds.
func between(rnd *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+rnd.IntN(most-least)) * time.Millisecond
}
