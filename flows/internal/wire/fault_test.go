package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// A relay stands between client and cluster. It is no TCP connection for the
// client, so that writes block and meet their deadlines as soon as nobody reads.
type relay struct {
	t testing.TB

	mu    sync.Mutex // guards links
	links []*link
	done  sync.WaitGroup
}

// A link is one relayed connection.
type link struct {
	up, server net.Conn
	stalled    atomic.Bool // what the client writes is not read any more
	mute       atomic.Bool // what the cluster writes is not passed on
}

func newRelay(t testing.TB) *relay {
	t.Helper()
	r := &relay{t: t}
	t.Cleanup(func() { r.cut(); r.done.Wait() })
	return r
}

func (r *relay) dial(ctx context.Context, network, address string) (net.Conn, error) {
	up, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	l := &link{up: up, server: server}
	r.mu.Lock()
	r.links = append(r.links, l)
	r.mu.Unlock()
	r.done.Go(func() { r.copy(up, server, &l.stalled) })
	r.done.Go(func() { r.copy(server, up, &l.mute) })
	return client, nil
}

func (r *relay) copy(dst, src net.Conn, stop *atomic.Bool) {
	defer dst.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := src.Read(buf)
		if stop.Load() {
			<-r.t.Context().Done()
			return
		}
		if err != nil {
			return
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}

// each does something to the connections there are now.
func (r *relay) each(do func(*link)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.links {
		do(l)
	}
}

// cut closes them.
func (r *relay) cut() {
	r.each(func(l *link) { l.up.Close(); l.server.Close() })
}

// budgetBatch returns a batch in memory of a budget.
func budgetBatch(budget *memory.Budget, size int) (*memory.Buffer, []byte) {
	raw := makeBatch(1, size, 'x')
	buf := budget.Get(len(raw))
	copy(buf.Bytes(), raw)
	return buf, buf.Bytes()
}

func checkAllFree(t *testing.T, budget *memory.Budget) {
	t.Helper()
	if budget.Free() != budget.Limit() {
		t.Errorf("%d of %d bytes are free", budget.Free(), budget.Limit())
	}
}

func TestALostConnectionFailsWhatIsInFlight(t *testing.T) {
	cluster, relay, budget := startCluster(t), newRelay(t), memory.NewBudget(1<<20)
	c := startClient(t, cluster.ListenAddrs(), clientParams{dial: relay.dial})
	key := keyOf(cluster, "t", 0, true)
	mustProduce(t, c, 0, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 10, 'x')})
	relay.each(func(l *link) { l.mute.Store(true) })
	const inFlight = 20
	seen := make(chan struct{}, inFlight)
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		seen <- struct{}{}
		return nil, nil, false
	})
	outcomes := make(chan error, inFlight)
	for range inFlight {
		buf, raw := budgetBatch(budget, 1000)
		c.Produce(t.Context(), 0, &ProduceRequest{Timeout: time.Minute, Partitions: []ProducePartition{
			{PartitionKey: key, Batch: raw, Buffer: buf},
		}}, func(_ *ProduceResponse, err error) { outcomes <- err })
		buf.Release() // the request holds it now
	}
	for range inFlight {
		<-seen // all of them are on the wire, so kgo tries none again
	}
	relay.cut()
	for range inFlight {
		err := <-outcomes
		if wireErr, ok := errors.AsType[*Error](err); !ok || !wireErr.Sent {
			t.Errorf("%v", err)
		}
	}
	checkAllFree(t, budget)
	mustProduce(t, c, 0, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 10, 'x')})
}

func TestACancelledWriteEndsBeforeItsBatchesAreReleased(t *testing.T) {
	cluster, relay, budget := startCluster(t), newRelay(t), memory.NewBudget(1<<20)
	c := startClient(t, cluster.ListenAddrs(), clientParams{dial: relay.dial})
	key := keyOf(cluster, "t", 0, true)
	mustProduce(t, c, 0, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 10, 'x')})
	relay.each(func(l *link) { l.stalled.Store(true) })
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	buf, raw := budgetBatch(budget, 500_000)
	outcome := make(chan error, 1)
	c.Produce(ctx, 0, &ProduceRequest{Timeout: time.Minute, Partitions: []ProducePartition{
		{PartitionKey: key, Batch: raw, Buffer: buf},
	}}, func(_ *ProduceResponse, err error) { outcome <- err })
	buf.Release()
	if budget.Free() == budget.Limit() {
		t.Error("the batch was released before the outcome")
	}
	cancel(stop)
	if err := <-outcome; !errors.Is(err, stop) {
		t.Error(err)
	}
	checkAllFree(t, budget)
}

// refusing fails one write, if armed, before it writes anything.
type refusing struct {
	net.Conn
	armed *atomic.Bool
}

func (r *refusing) Write(p []byte) (int, error) {
	if r.armed.CompareAndSwap(true, false) {
		return 0, net.ErrClosed
	}
	return r.Conn.Write(p)
}

func TestAWriteOfNothingIsTriedAgain(t *testing.T) {
	cluster := startCluster(t)
	var armed atomic.Bool
	c := startClient(t, cluster.ListenAddrs(), clientParams{dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &refusing{conn, &armed}, err
	}})
	key := keyOf(cluster, "t", 0, true)
	for range 3 {
		mustProduce(t, c, 0, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 10, 'x')})
		armed.Store(true)
	}
}

func TestASilentBrokerIsGivenUpAfterItsTime(t *testing.T) {
	cluster, relay := startCluster(t), newRelay(t)
	c := startClient(t, cluster.ListenAddrs(), clientParams{dial: relay.dial, opts: []kgo.Opt{kgo.RequestTimeoutOverhead(200 * time.Millisecond)}})
	key := keyOf(cluster, "t", 0, true)
	if _, err := c.Fetch(t.Context(), 0, fetchAll(key), memory.NewBudget(1)); err != nil {
		t.Fatal(err)
	}
	relay.each(func(l *link) { l.mute.Store(true) })
	req := fetchAll(key)
	req.MaxWait = 300 * time.Millisecond
	began := time.Now()
	_, err := c.Fetch(t.Context(), 0, req, memory.NewBudget(1))
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("given up after %v, though the broker may take 300 ms", took)
	}
}

// throttled is kgo's hook.
type throttled chan time.Duration

func (h throttled) OnBrokerThrottle(_ kgo.BrokerMetadata, d time.Duration, afterResponse bool) {
	if afterResponse {
		h <- d
	}
}

func TestThrottlingReachesKgo(t *testing.T) {
	cluster := startCluster(t)
	hook := make(throttled, 2)
	c := startClient(t, cluster.ListenAddrs(), clientParams{opts: []kgo.Opt{kgo.WithHooks(hook)}})
	key := keyOf(cluster, "t", 0, true)
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r := req.ResponseKind().(*kmsg.FetchResponse)
		r.ThrottleMillis = 40
		return r, nil, true
	})
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r := req.ResponseKind().(*kmsg.ProduceResponse)
		r.ThrottleMillis = 30
		return r, nil, true
	})
	if _, err := c.Fetch(t.Context(), 0, fetchAll(key), memory.NewBudget(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := produceOne(t, c, 0, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 1, 'x')}); err != nil {
		t.Fatal(err)
	}
	if a, b := <-hook, <-hook; a != 40*time.Millisecond || b != 30*time.Millisecond {
		t.Errorf("throttled %v, %v", a, b)
	}
}

func TestAResponseBeyondTheLimitEndsTheConnection(t *testing.T) {
	cluster := startCluster(t)
	reg := NewRegistry(50_000)
	kafka, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.Dialer(WrapDialer((&net.Dialer{}).DialContext, reg)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(Params{Client: kafka, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	large, small := keyOf(cluster, "t", 0, true), keyOf(cluster, "t", 1, true)
	mustProduce(t, c, 0, ProducePartition{PartitionKey: large, Batch: makeBatch(1, 60_000, 'x')}, ProducePartition{PartitionKey: small, Batch: makeBatch(1, 6, 'x')})
	if _, err := c.Fetch(t.Context(), 0, fetchAll(large), memory.NewBudget(1<<20)); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v", err)
	}
	got, err := c.Fetch(t.Context(), 0, fetchAll(small), memory.NewBudget(1<<20))
	if err != nil || got.Partitions[0].Records == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	got.release()
}

func TestManyFetchesShareAConnection(t *testing.T) {
	cluster, budget := startCluster(t), memory.NewBudget(64<<20)
	c := startClient(t, cluster.ListenAddrs(), clientParams{})
	for p := range int32(4) {
		mustProduce(t, c, 0, ProducePartition{PartitionKey: keyOf(cluster, "t", p, true), Batch: makeBatch(1, 1000*int(p+1), 'x')})
	}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			key := keyOf(cluster, "t", int32(i%4), true)
			got, err := c.Fetch(t.Context(), 0, fetchAll(key), budget)
			if err != nil {
				t.Error(err)
				return
			}
			if n := len(got.Partitions[0].Records.Bytes()); got.Partitions[0].Partition != key.Partition || n < 1000*(i%4+1) || n > 1000*(i%4+1)+200 {
				t.Errorf("partition %d got %d bytes of %d", key.Partition, n, got.Partitions[0].Partition)
			}
			got.release()
		})
	}
	wg.Wait()
	checkAllFree(t, budget)
}
