package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

const partitions = 42

// lab is a cluster, and who runs what on it.
type lab struct {
	t     *testing.T
	kafka *kfake.Cluster

	mu     sync.Mutex
	runs   map[int32]string // partition to the process that runs it
	clash  []string
	change chan struct{} // closed and made anew whenever runs changes
}

func newLab(t *testing.T) *lab {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "100"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return &lab{t: t, kafka: k, runs: map[int32]string{}, change: make(chan struct{})}
}

// wire sends until it is cut.
type wire struct {
	kmsg.Requestor
	cut atomic.Bool
}

func (w *wire) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	if w.cut.Load() {
		return nil, errors.New("cut")
	}
	return w.Requestor.Request(ctx, req)
}

// process is a member and the flow that it runs: what it owns, from the moment
// it is told.
type process struct {
	*Member
	name  string
	lab   *lab
	kill  func() // as kill -9: nothing is left in order
	stop  func() // lets go of everything, then leaves
	frees chan struct{}
}

// start runs a process. Its flow lets go of nothing until slow is closed; nil: at
// once.
func (l *lab) start(name, instance string, slow chan struct{}, edit func(*Params)) *process {
	l.t.Helper()
	c, err := cluster.New(cluster.Params{
		Config: &model.Cluster{Alias: "target", BootstrapServers: l.kafka.ListenAddrs()}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	target := &wire{Requestor: c.Requestor()}
	p := &process{name: name, lab: l, frees: slow}
	params := Params{
		Target: target, Group: "g", Instance: instance, Log: slog.New(slog.DiscardHandler),
		HeartbeatInterval: 20 * time.Millisecond, SessionTimeout: 6 * time.Second,
		Changed: p.changed,
		Weigh: func(add func(string, int32, int64)) bool {
			for n := range int32(partitions) {
				add("t", n, 1)
			}
			return true
		},
	}
	if edit != nil {
		edit(&params)
	}
	if p.Member, err = New(params); err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Run(ctx)
	}()
	var once sync.Once
	end := func(first func()) { once.Do(func() { first(); cancel(); <-ended; c.Close() }) }
	p.kill = func() { end(func() { target.cut.Store(true) }) }
	p.stop = func() { end(p.drain) }
	l.t.Cleanup(p.kill)
	return p
}

// changed is the flow's side.
func (p *process) changed(ctx context.Context) {
	l := p.lab
	if p.frees != nil {
		select {
		case <-p.frees:
		case <-ctx.Done():
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range int32(partitions) {
		switch who, owns := l.runs[n], p.Owns("t", n); {
		case owns && who == "":
			l.runs[n] = p.name
		case owns && who != p.name:
			l.clash = append(l.clash, fmt.Sprintf("%s took %d from %s", p.name, n, who))
		case !owns && who == p.name:
			delete(l.runs, n)
		}
	}
	close(l.change)
	l.change = make(chan struct{})
}

func (p *process) drain() {
	l := p.lab
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, who := range l.runs {
		if who == p.name {
			delete(l.runs, n)
		}
	}
}

// dead forgets what a killed process ran.
func (l *lab) dead(p *process) { p.drain() }

// await waits until processes run so many partitions each.
func (l *lab) await(want map[string]int) {
	l.t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		l.mu.Lock()
		got := map[string]int{}
		for _, who := range l.runs {
			got[who]++
		}
		change, clash := l.change, l.clash
		l.mu.Unlock()
		if len(clash) > 0 {
			l.t.Fatalf("two owners: %v", clash)
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		select {
		case <-change:
		case <-deadline:
			l.t.Fatalf("partitions are run by %v, want %v", got, want)
		}
	}
}

func TestMembersShareAndHandOver(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.start("a", "host-a", nil, nil)
	l.await(map[string]int{"a": 42})
	if !a.Leads() || !a.Holds() {
		t.Error("the only member does not lead")
	}
	b := l.start("b", "host-b", nil, nil)
	l.await(map[string]int{"a": 21, "b": 21})
	c := l.start("c", "", nil, nil)
	l.await(map[string]int{"a": 14, "b": 14, "c": 14})
	if st := b.Status(); st.Members != 3 || st.Problem != nil || st.Leader {
		t.Errorf("status of b: %+v", st)
	}
	a.stop()
	l.await(map[string]int{"b": 21, "c": 21})
	if !b.Leads() && !c.Leads() {
		t.Error("nobody leads after the leader left")
	}
}

func TestMemberLetsGoBeforeAnotherTakes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	slow := make(chan struct{}, 1000)
	slow <- struct{}{} // to take everything
	l.start("a", "host-a", slow, nil)
	l.await(map[string]int{"a": 42})
	b := l.start("b", "host-b", nil, nil)
	for b.Status().Members != 2 { // assigned, once
		awaitBeat(t, b)
	}
	l.await(map[string]int{"a": 42}) // a lets go of nothing yet
	for range 100 {
		slow <- struct{}{}
	}
	l.await(map[string]int{"a": 21, "b": 21})
}

func awaitBeat(t *testing.T, p *process) {
	t.Helper()
	for before := p.beat.Load(); p.beat.Load() == before; {
		select {
		case <-t.Context().Done():
			t.Fatal("no heartbeat")
		case <-time.After(p.p.HeartbeatInterval):
		}
	}
}

func TestInstanceReturnsWithoutARebalance(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start("a", "host-a", nil, nil)
	long := func(p *Params) { p.SessionTimeout = 30 * time.Second }
	b := l.start("b", "host-b", nil, long)
	l.await(map[string]int{"a": 21, "b": 21})
	had := *b.owned.Load()
	b.kill()
	l.dead(b)
	began := time.Now()
	again := l.start("b", "host-b", nil, long)
	l.await(map[string]int{"a": 21, "b": 21})
	if took := time.Since(began); took > 15*time.Second { // a session has 30
		t.Errorf("back after %s", took)
	}
	if *again.owned.Load() != had {
		t.Error("it owns something else than before")
	}
}

func TestKilledMembersShareIsTakenOver(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.start("a", "host-a", nil, nil)
	l.await(map[string]int{"a": 42})
	b := l.start("b", "host-b", nil, nil)
	l.await(map[string]int{"a": 21, "b": 21})
	a.kill() // the leader
	l.dead(a)
	l.await(map[string]int{"b": 42})
	if !b.Leads() {
		t.Error("the last member does not lead")
	}
}

func TestInstanceThatIsUsedTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.start("a", "twin", nil, nil)
	l.await(map[string]int{"a": 42})
	slow := make(chan struct{})
	l.start("b", "twin", slow, nil)
	for a.Status().Instance != "" {
		awaitBeat(t, a)
	}
	close(slow)
	l.await(map[string]int{"a": 21, "b": 21})
}

func TestSilentCoordinatorTakesEverything(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.start("a", "host-a", nil, nil)
	l.await(map[string]int{"a": 42})
	l.kafka.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
		l.kafka.KeepControl()
		return nil, errors.New("cut"), true
	})
	l.await(map[string]int{})
	if a.Holds() || a.Leads() {
		t.Error("it holds on to what may be somebody else's")
	}
}

func TestWithoutPermissionEverythingIsOwned(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.kafka.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		l.kafka.KeepControl()
		return resp, nil, true
	})
	a := l.start("a", "host-a", nil, nil)
	l.await(map[string]int{"a": 42})
	st := a.Status()
	if !a.Leads() || !a.Holds() || !st.Alone || st.Problem == nil {
		t.Errorf("status: %+v", st)
	}
}

func TestAnotherTopologyGetsNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start("a", "host-a", nil, nil)
	l.await(map[string]int{"a": 42})
	b := l.start("b", "host-b", nil, func(p *Params) { p.Fingerprint[0] = 1 })
	for b.Status().Problem == nil {
		awaitBeat(t, b)
	}
	l.await(map[string]int{"a": 42})
	if b.Leads() {
		t.Error("it leads")
	}
}

// TestSelectingSomethingElse has members select other topics one after the other, as
// edits of their files reach them: whoever selects what the leader does not stands
// by, and nobody lets go of anything in between without need.
func TestSelectingSomethingElse(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.start("a", "host-a", nil, nil)
	l.await(map[string]int{"a": 42})
	a.Select(Fingerprint{1})
	for st := a.Status(); st.Problem != nil || !a.Leads(); st = a.Status() {
		awaitBeat(t, a)
	}
	l.await(map[string]int{"a": 42})
	b := l.start("b", "host-b", nil, func(p *Params) { p.Fingerprint = Fingerprint{1} })
	l.await(map[string]int{"a": 21, "b": 21})
	b.Select(Fingerprint{2})
	l.await(map[string]int{"a": 42})
	a.Select(Fingerprint{2})
	l.await(map[string]int{"a": 21, "b": 21})
	if st := b.Status(); st.Problem != nil || st.Members != 2 {
		t.Errorf("status of b: %+v", st)
	}
}
