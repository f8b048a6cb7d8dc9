package group

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Run is a member of the group until ctx ends, and then leaves it. Before that,
// flows must have let go of everything: whoever is left takes over at once.
func (m *Member) Run(ctx context.Context) {
	var wait sync.WaitGroup
	wait.Go(func() { m.keepAlive(ctx) })
	wait.Go(func() { m.apply(ctx) })
	m.keepJoined(ctx)
	wait.Wait()
	m.leave(ctx)
}

// keepJoined joins, again whenever something asks for it.
func (m *Member) keepJoined(ctx context.Context) {
	const shortest, longest, denied = 100 * time.Millisecond, 5 * time.Second, 30 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		err := m.join(ctx)
		var wait time.Duration
		_, refused := errors.AsType[*RefusedError](err)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			pause = shortest
		case errors.Is(err, errAgain):
			continue
		case refused:
			wait = denied
		default:
			m.trouble(err)
			wait, pause = pause, min(2*pause, longest)
		}
		if err == nil {
			m.rest(ctx)
			continue
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// rest waits until the group is to be joined again: because the coordinator says
// so, because flows have let go of something, or because the leader finds that
// the work should be divided otherwise.
func (m *Member) rest(ctx context.Context) {
	const look = 5 * time.Second
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.again:
			return
		case <-tick.C:
			if m.outdated() {
				return
			}
		}
	}
}

// apply tells flows of every change, and the group when something was let go.
func (m *Member) apply(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.changed:
		}
		owned := m.owned.Load()
		m.p.Changed(ctx)
		if ctx.Err() != nil {
			return
		}
		m.mu.Lock()
		released := !m.held.within(owned)
		if m.owned.Load() == owned {
			m.held = owned
		} else {
			// What came meanwhile was not run by anybody here before.
			m.held = owned.or(m.owned.Load())
		}
		m.mu.Unlock()
		if released {
			signal(m.again)
		}
	}
}

// own says what the process may run from now on.
func (m *Member) own(owned *Set) {
	m.mu.Lock()
	same := *m.owned.Load() == *owned
	if !same {
		m.held = m.held.or(owned)
		m.owned.Store(owned)
	}
	m.heldSince = m.generation
	m.mu.Unlock()
	if !same {
		signal(m.changed)
	}
}

// lose gives up everything: somebody else may own it by now. The group is joined
// anew.
func (m *Member) lose(err error) {
	m.mu.Lock()
	m.id, m.generation, m.leader, m.alone, m.members, m.plan = "", -1, false, false, 0, nil
	m.beat.Store(0)
	m.mu.Unlock()
	m.p.Log.Warn("place in the group was lost, joining again", "err", err)
	m.own(&Set{})
	signal(m.again)
}

// trouble notes what keeps the process from its share, and logs what is new.
func (m *Member) trouble(err error) {
	m.mu.Lock()
	m.problem = err
	fresh := err != nil && m.told != err.Error()
	switch {
	case err == nil:
		m.told = ""
	case fresh:
		m.told, m.since = err.Error(), time.Now()
	}
	m.mu.Unlock()
	if fresh {
		m.p.Log.Warn("no share of the work yet", "err", err)
	}
}

// keepAlive sends heartbeats, and gives everything up when they are not answered
// for so long that the coordinator has ended the session.
func (m *Member) keepAlive(ctx context.Context) {
	tick := time.NewTicker(m.p.HeartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.mu.Lock()
		id, generation := m.id, m.generation
		m.mu.Unlock()
		switch {
		case m.beat.Load() == 0: // in no group
		case !m.Holds():
			m.lose(errSilent)
		default:
			m.sendBeat(ctx, id, generation)
		}
	}
}

var errSilent = errors.New("the group's coordinator did not answer for the time of a session")
