package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// makeBatch returns an uncompressed batch of count records of size bytes each.
func makeBatch(count, size int, fill byte) []byte {
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(count - 1),
		FirstTimestamp: 1, MaxTimestamp: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(count),
	}
	value := bytes.Repeat([]byte{fill}, size)
	for i := range count {
		r := kmsg.Record{OffsetDelta: int32(i), Key: []byte("k"), Value: value}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself is one byte while it is zero
		b.Records = r.AppendTo(b.Records)
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// sequenced gives a batch a producer and a sequence.
func sequenced(raw []byte, producer int64, sequence int32) []byte {
	raw = bytes.Clone(raw)
	binary.BigEndian.PutUint64(raw[43:], uint64(producer))
	binary.BigEndian.PutUint16(raw[51:], 0)
	binary.BigEndian.PutUint32(raw[53:], uint32(sequence))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

func startCluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "t", "u")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type clientParams struct {
	tls      *tls.Config
	dial     DialFunc
	versions *kversion.Versions
	opts     []kgo.Opt
}

func startClient(t testing.TB, addrs []string, p clientParams) *Client {
	t.Helper()
	dial := (&net.Dialer{}).DialContext
	if p.tls != nil {
		dial = (&tls.Dialer{Config: p.tls}).DialContext
	}
	if p.dial != nil {
		dial = p.dial
	}
	reg := NewRegistry(0)
	opts := []kgo.Opt{kgo.SeedBrokers(addrs...), kgo.Dialer(WrapDialer(dial, reg)), kgo.MetadataMinAge(100 * time.Millisecond), kgo.DisableClientMetrics()}
	if p.versions != nil {
		opts = append(opts, kgo.MaxVersions(p.versions))
	}
	kcl, err := kgo.NewClient(append(opts, p.opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(Params{Client: kcl, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if n := len(reg.calls); n != 0 {
			t.Errorf("%d calls are still registered", n)
		}
	})
	return c
}

// keyOf returns the key of a partition, with the topic's id where byID.
func keyOf(c *kfake.Cluster, topic string, partition int32, byID bool) PartitionKey {
	k := PartitionKey{Topic: topic, Partition: partition}
	if byID {
		k.ID = c.TopicInfo(topic).TopicID
	}
	return k
}

// produceOne waits for the outcome of one Produce.
func produceOne(t testing.TB, c *Client, broker int32, parts ...ProducePartition) (*ProduceResponse, error) {
	t.Helper()
	type outcome struct {
		r   *ProduceResponse
		err error
	}
	got := make(chan outcome, 1)
	c.Produce(t.Context(), broker, &ProduceRequest{Timeout: 5 * time.Second, Partitions: parts},
		func(r *ProduceResponse, err error) { got <- outcome{r, err} })
	o := <-got
	return o.r, o.err
}

func mustProduce(t testing.TB, c *Client, broker int32, parts ...ProducePartition) *ProduceResponse {
	t.Helper()
	r, err := produceOne(t, c, broker, parts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Partitions {
		if p.ErrorCode != 0 {
			t.Fatalf("%+v", p)
		}
	}
	return r
}

func fetchAll(keys ...PartitionKey) *FetchRequest {
	req := &FetchRequest{MaxWait: 100 * time.Millisecond, MinBytes: 1, MaxBytes: 64 << 20, SessionEpoch: -1}
	for _, k := range keys {
		req.Partitions = append(req.Partitions, FetchPartition{
			PartitionKey: k, MaxBytes: 32 << 20, CurrentEpoch: NoEpoch, LastFetchedEpoch: NoEpoch,
		})
	}
	return req
}

// restamp undoes what a broker writes into a batch: base offset and leader epoch.
func restamp(raw []byte) []byte {
	raw = bytes.Clone(raw)
	binary.BigEndian.PutUint64(raw, 0)
	binary.BigEndian.PutUint32(raw[12:], 1<<32-1)
	return raw
}

func TestBatchesPassUnchangedAtEveryVersion(t *testing.T) {
	cluster := startCluster(t)
	for _, secure := range []bool{false, true} {
		for version := int16(fetchMin); version <= fetchMax; version++ {
			t.Run(fmt.Sprintf("tls=%v/v%d", secure, version), func(t *testing.T) {
				checkPassThrough(t, cluster, version, secure)
			})
		}
	}
}

func checkPassThrough(t *testing.T, cluster *kfake.Cluster, version int16, secure bool) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(1, version)
	versions.SetMaxKeyVersion(0, min(max(version-1, produceMin), produceMax))
	p := clientParams{versions: versions}
	if secure {
		server, client := testTLS(t)
		secureCluster := startCluster(t, kfake.TLS(server))
		cluster, p.tls = secureCluster, client
	}
	topic := fmt.Sprintf("topic-%v-%d", secure, version)
	if err := cluster.CreateTopic(topic, 6, nil); err != nil {
		t.Fatal(err)
	}
	c := startClient(t, cluster.ListenAddrs(), p)
	budget := memory.NewBudget(64 << 20)
	byID := version >= fetchByID

	var parts []ProducePartition
	var keys []PartitionKey
	for i, size := range []int{1, 1900, 5000, 17_000, 150_000, 900_000} {
		k := keyOf(cluster, topic, int32(i), byID)
		keys = append(keys, k)
		raw := makeBatch(1, size, byte('a'+i))
		buf := budget.Get(len(raw))
		copy(buf.Bytes(), raw)
		parts = append(parts, ProducePartition{PartitionKey: k, Batch: buf.Bytes(), Buffer: buf})
	}
	mustProduce(t, c, 0, parts...)
	mustProduce(t, c, 0, parts[len(parts)-1], parts[0]) // any order

	req := fetchAll(keys...)
	req.Forgotten = []PartitionKey{keyOf(cluster, "u", 0, byID), keyOf(cluster, "u", 1, byID)}
	req.Rack = "r"
	got, err := c.Fetch(t.Context(), 0, req, budget)
	if err != nil {
		t.Fatal(err)
	}
	if got.ErrorCode != 0 || len(got.Partitions) != len(parts) {
		t.Fatalf("error %d, %d partitions", got.ErrorCode, len(got.Partitions))
	}
	for _, f := range got.Partitions {
		want := bytes.Clone(parts[f.Partition].Batch)
		times := 1
		if f.Partition == 0 || int(f.Partition) == len(parts)-1 {
			times = 2
		}
		data := f.Records.Bytes()
		if f.ErrorCode != 0 || f.HighWatermark != int64(times) || len(data) != times*len(want) {
			t.Fatalf("partition %d: error %d, end %d, %d bytes", f.Partition, f.ErrorCode, f.HighWatermark, len(data))
		}
		for ; len(data) > 0; data = data[len(want):] {
			if !bytes.Equal(restamp(data[:len(want)]), want) {
				t.Errorf("partition %d: the batch changed on its way", f.Partition)
			}
		}
		if byID == (f.ID == TopicID{}) || byID == (f.Topic != "") {
			t.Errorf("partition is named %q, %v at v%d", f.Topic, f.ID, version)
		}
		f.Records.Release()
	}
	for _, p := range parts {
		p.Buffer.Release()
	}
	if budget.Free() != budget.Limit() {
		t.Errorf("%d of %d bytes are free", budget.Free(), budget.Limit())
	}
}

func TestProducesKeepTheOrderOfTheirCalls(t *testing.T) {
	cluster := startCluster(t)
	c := startClient(t, cluster.ListenAddrs(), clientParams{})
	key := keyOf(cluster, "t", 0, true)
	raw := makeBatch(1, 100, 'x')
	const total, window = 1000, 32
	slots := make(chan struct{}, window)
	var mu sync.Mutex
	var failed []string
	var wg sync.WaitGroup
	for i := range int32(total) {
		slots <- struct{}{}
		wg.Add(1)
		c.Produce(t.Context(), 0, &ProduceRequest{Timeout: time.Second, Partitions: []ProducePartition{
			{PartitionKey: key, Batch: sequenced(raw, 7, i)},
		}}, func(r *ProduceResponse, err error) {
			defer wg.Done()
			defer func() { <-slots }()
			if err == nil && r.Partitions[0].ErrorCode == 0 && r.Partitions[0].BaseOffset == int64(i) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, fmt.Sprint(i, r, err))
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		t.Fatalf("%d of %d failed, the first: %s", len(failed), total, failed[0])
	}
}

func TestFetchSessionsContinue(t *testing.T) {
	cluster := startCluster(t)
	c := startClient(t, cluster.ListenAddrs(), clientParams{})
	budget := memory.NewBudget(1 << 20)
	one, two := keyOf(cluster, "t", 0, true), keyOf(cluster, "t", 1, true)
	req := fetchAll(one, two)
	req.MaxWait, req.SessionEpoch = 0, 0
	opened, err := c.Fetch(t.Context(), 0, req, budget)
	if err != nil || opened.SessionID == 0 {
		t.Fatalf("%+v, %v", opened, err)
	}
	mustProduce(t, c, 0, ProducePartition{PartitionKey: two, Batch: makeBatch(3, 10, 'x')})
	next, err := c.Fetch(t.Context(), 0, &FetchRequest{
		MinBytes: 1, MaxBytes: 1 << 20, SessionID: opened.SessionID, SessionEpoch: 1, Forgotten: []PartitionKey{one},
	}, budget)
	if err != nil || next.ErrorCode != 0 || len(next.Partitions) != 1 || next.Partitions[0].Partition != 1 {
		t.Fatalf("%+v, %v", next, err)
	}
	next.release()
}

func TestAnUnknownBrokerIsNamed(t *testing.T) {
	cluster := startCluster(t)
	c := startClient(t, cluster.ListenAddrs(), clientParams{})
	key := keyOf(cluster, "t", 0, true)
	_, err := c.Fetch(t.Context(), 9, fetchAll(key), memory.NewBudget(1))
	var wireErr *Error
	if !errors.Is(err, ErrUnknownBroker) || !errors.As(err, &wireErr) || wireErr.Sent || wireErr.Broker != 9 {
		t.Fatal(err)
	}
	if _, err := produceOne(t, c, 9, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 1, 'x')}); !errors.Is(err, ErrUnknownBroker) {
		t.Fatal(err)
	}
	id, _, err := cluster.AddNode(9, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), id, fetchAll(key), memory.NewBudget(1)); err != nil {
		t.Fatalf("a new broker cannot be reached: %v", err)
	}
}

func TestCloseEndsRequests(t *testing.T) {
	cluster := startCluster(t)
	c := startClient(t, cluster.ListenAddrs(), clientParams{})
	key := keyOf(cluster, "t", 0, true)
	seen := make(chan struct{}, 1)
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		seen <- struct{}{}
		return nil, nil, false
	})
	req := fetchAll(key)
	req.MaxWait = time.Minute
	got := make(chan error)
	go func() {
		_, err := c.Fetch(t.Context(), 0, req, memory.NewBudget(1))
		got <- err
	}()
	<-seen
	c.Close()
	var wireErr *Error
	if err := <-got; !errors.Is(err, ErrClosed) || !errors.As(err, &wireErr) || !wireErr.Sent {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), 0, req, memory.NewBudget(1)); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := produceOne(t, c, 0, ProducePartition{PartitionKey: key, Batch: makeBatch(1, 1, 'x')}); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestACancelledRequestLeavesNothingBehind(t *testing.T) {
	cluster := startCluster(t)
	c := startClient(t, cluster.ListenAddrs(), clientParams{})
	key := keyOf(cluster, "t", 0, true)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	seen := make(chan struct{}, 1)
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		seen <- struct{}{}
		return nil, nil, false
	})
	req := fetchAll(key)
	req.MaxWait = time.Minute
	got := make(chan error)
	go func() {
		_, err := c.Fetch(ctx, 0, req, memory.NewBudget(1))
		got <- err
	}()
	<-seen
	cancel(stop)
	if err := <-got; !errors.Is(err, stop) {
		t.Fatal(err)
	}
	for attempt := 0; ; attempt++ { // the first may still meet the connection that was given up
		if _, err := c.Fetch(t.Context(), 0, fetchAll(key), memory.NewBudget(1)); err == nil {
			break
		} else if attempt == 3 {
			t.Fatalf("the next request: %v", err)
		}
	}
}
