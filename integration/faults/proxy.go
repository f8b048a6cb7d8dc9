package faults

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Direction is one of the two ways through a proxy.
type Direction int

// The ways through a proxy.
const (
	Requests Direction = iota // from clients to the broker
	Answers                   // from the broker to clients
)

const (
	chunk  = 64 << 10 // bytes read at a time
	queued = 128      // chunks a stalled direction takes before its sender feels it
)

// Proxy forwards connections to one broker until it is told to do worse. Its
// methods are safe for concurrent use.
type Proxy struct {
	from, to string

	mu       sync.Mutex // guards the rest
	listener net.Listener
	links    map[*link]struct{}
	valves   [2]*valve
	wait     *sync.WaitGroup // goroutines since Open
}

// NewProxy returns a closed proxy from an address to another.
func NewProxy(from, to string) *Proxy {
	return &Proxy{from: from, to: to, links: map[*link]struct{}{}, valves: [2]*valve{newValve(), newValve()}}
}

// Open accepts connections. An open proxy stays as it is.
func (p *Proxy) Open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.from)
	if err != nil {
		return fmt.Errorf("opening a proxy: %w", err)
	}
	p.listener, p.wait = l, &sync.WaitGroup{}
	wait := p.wait
	wait.Go(func() { p.accept(l, wait) })
	return nil
}

// Close refuses connections, drops those there are and waits for all goroutines.
func (p *Proxy) Close() {
	p.mu.Lock()
	l, wait := p.listener, p.wait
	p.listener, p.wait = nil, nil
	p.mu.Unlock()
	if l == nil {
		return
	}
	_ = l.Close() // nothing is to be done about it
	p.Flow()
	p.Cut()
	wait.Wait()
}

// Cut drops every connection; what was under way is lost.
func (p *Proxy) Cut() {
	for _, l := range p.all() {
		l.drop()
	}
}

// CutLate drops every connection as clients see it, and delivers what they had
// sent to the broker after the delay: to them a request that failed, to the
// broker one that came.
func (p *Proxy) CutLate(delay time.Duration) {
	for _, l := range p.all() {
		l.abandon(delay)
	}
}

// Stall holds one direction of every connection, present and new, until Flow.
// What was sent waits and then goes on.
func (p *Proxy) Stall(d Direction) { p.valves[d].shut() }

// Flow ends every Stall.
func (p *Proxy) Flow() {
	for _, v := range p.valves {
		v.open()
	}
}

func (p *Proxy) all() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

func (p *Proxy) accept(listener net.Listener, wait *sync.WaitGroup) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // closed
		}
		wait.Go(func() {
			broker, err := net.DialTimeout("tcp", p.to, 5*time.Second)
			if err != nil {
				reset(client) // as a broker that is down refuses
				return
			}
			l := &link{client: client, broker: broker, gone: make(chan struct{})}
			p.mu.Lock()
			closed := p.listener != listener
			if !closed {
				p.links[l] = struct{}{}
			}
			p.mu.Unlock()
			if closed {
				l.drop()
				return
			}
			l.run(p.valves)
			p.mu.Lock()
			delete(p.links, l)
			p.mu.Unlock()
		})
	}
}

// link is one forwarded connection.
type link struct {
	client, broker net.Conn
	once           sync.Once
	gone           chan struct{} // closed when the link is dropped

	mu     sync.Mutex    // guards the rest
	late   time.Duration // how much later the broker gets what comes next
	orphan bool          // the client was cut off; the broker does not know yet
}

// run forwards both ways until the link ends.
func (l *link) run(valves [2]*valve) {
	var wait sync.WaitGroup
	wait.Go(func() { l.pump(l.client, valves[Requests], l.deliver) })
	wait.Go(func() { l.pump(l.broker, valves[Answers], l.answer) })
	wait.Wait()
	l.drop()
}

// pump forwards one way: a goroutine reads ahead, so that a stall is not felt by
// the sender at once. When the sender is gone, what it had sent is delivered.
func (l *link) pump(from net.Conn, v *valve, forward func([]byte) error) {
	chunks := make(chan []byte, queued)
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(chunks)
		for {
			b := make([]byte, chunk)
			n, err := from.Read(b)
			if n > 0 {
				select {
				case chunks <- b[:n]:
				case <-l.gone:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	defer wait.Wait()
	defer l.drop()
	for b := range chunks {
		if !v.pass(l.gone) || forward(b) != nil {
			return
		}
	}
}

// deliver gives the broker what the client sent, late where the client was cut
// off meanwhile.
func (l *link) deliver(b []byte) error {
	l.mu.Lock()
	late := l.late
	l.late = 0 // for the first bytes; the rest follows at once
	l.mu.Unlock()
	if late > 0 {
		timer := time.NewTimer(late)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.gone:
			return net.ErrClosed
		}
	}
	_, err := l.broker.Write(b)
	return err
}

// answer gives the client what the broker sent; nobody wants it from a broker
// that has not learned yet that its client is gone.
func (l *link) answer(b []byte) error {
	_, err := l.client.Write(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.orphan {
		return nil
	}
	return err
}

// abandon ends the client's side at once and the broker's when it has what the
// client had sent.
func (l *link) abandon(delay time.Duration) {
	l.mu.Lock()
	l.late, l.orphan = delay, true
	l.mu.Unlock()
	reset(l.client)
}

// drop ends both sides.
func (l *link) drop() {
	l.once.Do(func() {
		close(l.gone)
		reset(l.client)
		reset(l.broker)
	})
}

// reset closes a connection so that its peer gets an error, not an end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // then it is a plain close, which will do
	}
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return // it is as good as closed
	}
}

// valve lets bytes pass or holds them.
type valve struct {
	mu   sync.Mutex    // guards flow
	flow chan struct{} // closed while bytes may pass
}

func newValve() *valve {
	v := &valve{flow: make(chan struct{})}
	close(v.flow)
	return v
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.flow:
		v.flow = make(chan struct{})
	default:
	}
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.flow:
	default:
		close(v.flow)
	}
}

// pass waits until bytes may pass; false means that the link is gone.
func (v *valve) pass(gone <-chan struct{}) bool {
	v.mu.Lock()
	flow := v.flow
	v.mu.Unlock()
	select {
	case <-flow:
		return true
	case <-gone:
		return false
	}
}
