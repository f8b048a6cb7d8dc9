package schedules

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// direction is one way through a link.
type direction int

const (
	requests direction = iota
	answers
	directions
)

// outlet is the network of one process: its connections can be stalled and cut
// without the other side's knowing.
type outlet struct {
	net *kfake.VirtualNetwork

	mu    sync.Mutex // guards the rest
	dead  bool       // the process is gone: no connection opens any more
	links []*link
	wait  sync.WaitGroup
}

// link is one connection. What the process has written is delivered in order,
// unless it is held up, and also after the process has closed its end.
type link struct {
	inner, server net.Conn // the ends that face the process and the broker
	outer         net.Conn // the process's own

	mu      sync.Mutex                // guards the rest
	records bool                      // of a client for records, by its id
	gate    [directions]chan struct{} // closed while bytes flow
}

// errDead is what a process gets that has been killed.
var errDead = errors.New("the process is gone")

// Dial opens a connection for the process.
func (o *outlet) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	server, err := o.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l := &link{server: server}
	l.outer, l.inner = net.Pipe()
	for i := range l.gate {
		l.gate[i] = make(chan struct{})
		close(l.gate[i])
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		l.outer.Close()
		server.Close()
		return nil, errDead
	}
	o.links = append(o.links, l)
	o.wait.Go(func() { l.deliver() })
	o.wait.Go(func() { l.answer() })
	return l.outer, nil
}

// deliver carries what the process writes to the broker.
func (l *link) deliver() {
	const waiting = 4096 // pieces that are held up; a process writes a few
	pieces := make(chan []byte, waiting)
	go func() {
		defer close(pieces)
		for {
			piece := make([]byte, 64<<10)
			n, err := l.inner.Read(piece)
			if n > 0 {
				l.name(piece[:n])
				pieces <- piece[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	for piece := range pieces {
		<-l.open(requests)
		if _, err := l.server.Write(piece); err != nil {
			l.inner.Close()
		}
	}
	<-l.open(requests)
	l.server.Close()
}

// name learns from a request whose link this is: the ids of clients for records
// end in a dash and what they are for.
func (l *link) name(request []byte) {
	const before = 14 // length, key, version, correlation id, length of the client id
	if len(request) > before {
		id := request[before:min(len(request), before+int(request[before-1]))]
		l.mu.Lock()
		l.records = l.records || bytes.Contains(id, []byte("strait-"))
		l.mu.Unlock()
	}
}

// answer carries what the broker writes to the process, or nowhere once that has
// closed its end, since a broker waits for nobody.
func (l *link) answer() {
	piece := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(piece)
		if n > 0 {
			<-l.open(answers)
			_, _ = l.inner.Write(piece[:n])
		}
		if err != nil {
			l.inner.Close()
			return
		}
	}
}

func (l *link) open(d direction) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gate[d]
}

// stall holds up what goes one way of a link for records, flow lets it go on. The
// control client of a cluster waits for a producer id with a mutex held; whoever
// waits for a mutex stops synctest's clock, and with it the end of the stall.
func (l *link) stall(d direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.records {
		l.holdLocked(d)
	}
}

func (l *link) holdLocked(d direction) {
	select {
	case <-l.gate[d]:
		l.gate[d] = make(chan struct{})
	default: // somebody waits at the one there is
	}
}

func (l *link) flow(d direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gate[d]:
	default:
		close(l.gate[d])
	}
}

// each does something with every link.
func (o *outlet) each(do func(*link)) {
	o.mu.Lock()
	links := slices.Clone(o.links)
	o.mu.Unlock()
	for _, l := range links {
		do(l)
	}
}

// stall holds up one way of every link for a while.
func (o *outlet) stall(d direction, length time.Duration) {
	o.each(func(l *link) { l.stall(d) })
	time.Sleep(length)
	o.each(func(l *link) { l.flow(d) })
}

// cut ends all connections. What was under way to the brokers arrives late; what
// comes back reaches nobody.
func (o *outlet) cut(late time.Duration) {
	o.mu.Lock()
	links := o.links
	o.links = nil
	o.mu.Unlock()
	for _, l := range links {
		l.mu.Lock()
		l.holdLocked(requests)
		l.mu.Unlock()
		l.flow(answers)
		l.outer.Close()
		o.wait.Go(func() {
			time.Sleep(late)
			l.flow(requests)
		})
	}
}

// kill is cut for a process that never connects again.
func (o *outlet) kill(late time.Duration) {
	o.mu.Lock()
	o.dead = true
	o.mu.Unlock()
	o.cut(late)
}
