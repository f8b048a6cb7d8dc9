package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/pipeline/status"
)

// orders are what people asked of flows while they run: which are to be paused. Of
// two about one flow the later holds, whoever heard it. Those of a group's members
// are told to all of them, so that a pause outlives the process that was asked for
// it; a lasting one is in the file. They are safe for concurrent use.
type orders struct {
	mu sync.Mutex // guards by
	by map[string]order
}

// order is what was asked of a flow last.
type order struct {
	Paused bool      `json:"paused"`
	At     time.Time `json:"at"`
}

const (
	// mostOrders bounds what members of a group tell each other.
	mostOrders = 100
	// forgotten is after how long an order to go on need not be told any more: every
	// member has heard it.
	forgotten = time.Hour
)

// errOrders says that there is no place for one more.
var errOrders = fmt.Errorf("%d flows are paused at run time, which is the most; set paused = true in the file", mostOrders)

// give notes an order.
func (o *orders) give(flow string, paused bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetLocked()
	if _, known := o.by[flow]; !known && len(o.by) >= mostOrders {
		return errOrders
	}
	o.putLocked(flow, order{paused, time.Now().UTC()})
	return nil
}

func (o *orders) putLocked(flow string, is order) {
	if o.by == nil {
		o.by = map[string]order{}
	}
	o.by[flow] = is
}

func (o *orders) forgetLocked() {
	maps.DeleteFunc(o.by, func(_ string, is order) bool { return !is.Paused && time.Since(is.At) > forgotten })
}

// paused returns since when a flow is to be paused.
func (o *orders) paused(flow string) (since time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	is := o.by[flow]
	return is.At, is.Paused
}

// say returns all orders as hear takes them.
func (o *orders) say() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetLocked()
	if len(o.by) == 0 {
		return nil
	}
	text, _ := json.Marshal(o.by) // texts, flags and times
	return text
}

// hear takes what another one says, as far as it is later; what cannot be read says
// nothing.
func (o *orders) hear(said []byte) {
	var by map[string]order
	if len(said) == 0 || json.Unmarshal(said, &by) != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, flow := range slices.Sorted(maps.Keys(by)) {
		was, known := o.by[flow]
		if known && !by[flow].At.After(was.At) || !known && len(o.by) >= mostOrders {
			continue
		}
		o.putLocked(flow, by[flow])
	}
}

// obey has flows do what was asked of them.
func (s *Supervisor) obey() {
	for _, u := range s.all() {
		if u.flow == nil {
			continue
		}
		_, paused := s.p.orders.paused(u.flow.Name())
		switch news := u.flow.Hold(paused); {
		case news && paused:
			s.p.Log.Info("flow paused at run time", "flow", u.flow.Name())
		case news:
			s.p.Log.Info("flow goes on", "flow", u.flow.Name())
		}
	}
}

// addTo says of a flow that is paused at run time since when, and what ends it.
func (o *orders) addTo(f status.Flow) status.Flow {
	if since, ok := o.paused(f.Name); ok && f.PausedBy == mirror.ByRequest && f.Cause == "" {
		f.Cause = fmt.Sprintf("asked for at %s; strait resume %s lets it go on", since.Format(time.RFC3339), shell(f.Name))
	}
	return f
}

// shell quotes a name for a command line.
func shell(name string) string { return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'" }

// NoFlowError says that no flow of a name runs.
type NoFlowError struct {
	Name  string
	Flows []string // that run
}

func (e *NoFlowError) Error() string {
	const most = 10
	known := e.Flows
	more := ""
	if len(known) > most {
		more = fmt.Sprintf(" and %d more", len(known)-most)
		known = known[:most]
	}
	return fmt.Sprintf("no flow %q runs here; there are %s%s", e.Name, strings.Join(known, ", "), more)
}

// ErrPausedByFile says that a flow can only go on by an edit.
var ErrPausedByFile = errors.New("the flow is paused by its file: remove paused = true there")

// Pause has a flow read nothing until Resume, or the end of all processes that share
// its work.
func (f *Fleet) Pause(name string) error {
	return f.order(name, func(u *unit, s *Supervisor) error { return s.order(u, true) })
}

// Resume ends what Pause began.
func (f *Fleet) Resume(name string) error {
	return f.order(name, func(u *unit, s *Supervisor) error {
		if u.def.Paused {
			return ErrPausedByFile
		}
		return s.order(u, false)
	})
}

// Restart ends a flow in good order and starts it anew, in this process.
func (f *Fleet) Restart(name string) error {
	return f.order(name, func(u *unit, s *Supervisor) error { return s.restart(u) })
}

// order finds a flow that runs, and does something about it.
func (f *Fleet) order(name string, do func(u *unit, s *Supervisor) error) error {
	f.applying.Lock()
	defer f.applying.Unlock()
	f.mu.Lock()
	ships := f.ships
	f.mu.Unlock()
	var names []string
	for _, s := range ships {
		for _, u := range s.all() {
			if u.flow == nil {
				continue
			}
			if u.flow.Name() == name {
				return do(u, s.Supervisor)
			}
			names = append(names, u.flow.Name())
		}
	}
	return &NoFlowError{name, names}
}

// order notes an order, obeys it, and tells the other members of the group.
func (s *Supervisor) order(u *unit, paused bool) error {
	if err := s.p.orders.give(u.flow.Name(), paused); err != nil {
		return err
	}
	s.obey()
	if u.team != nil {
		u.team.Tell()
	}
	return nil
}

// restart puts another unit in the place of one.
func (s *Supervisor) restart(old *unit) error {
	b := s.building(s.runs)
	fresh, err := b.build(old.def)
	if err != nil {
		return err
	}
	s.p.Log.Info("flow is being restarted", "flow", old.def.Name)
	c := &change{building: b, leave: []*unit{old}, fresh: []*unit{fresh}}
	for _, u := range s.all() {
		if u == old {
			u = fresh
		}
		c.next, c.defs = append(c.next, u), append(c.defs, u.def)
	}
	c.end()
	c.begin()
	return nil
}
