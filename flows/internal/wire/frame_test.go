package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// pipe returns both ends of an in-memory connection, which takes no vectors and
// stands for TLS.
func pipe(t testing.TB) (client, server net.Conn) {
	t.Helper()
	client, server = net.Pipe()
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// kgoFrame is what kgo hands to Write for a request.
func kgoFrame(req kmsg.Request, correlation int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("client")).AppendRequest(nil, req, correlation)
}

func registered(reg *Registry, call *call) *call {
	reg.add(call)
	return call
}

func fetchCall(reg *Registry, req *FetchRequest, alloc Allocator) *call {
	c := newCall()
	c.fetch, c.alloc = req, alloc
	return registered(reg, c)
}

func produceCall(reg *Registry, req *ProduceRequest) *call {
	c := newCall()
	c.produce = req
	return registered(reg, c)
}

// sampleFetch uses every field; equal is the same in kmsg's words.
func sampleFetch(version int16) (req *FetchRequest, equal *kmsg.FetchRequest) {
	a, b := PartitionKey{Topic: "a", ID: TopicID{1}}, PartitionKey{Topic: "bb", ID: TopicID{2}}
	at := func(k PartitionKey, p int32) PartitionKey { k.Partition = p; return k }
	req = &FetchRequest{
		MaxWait: 500 * time.Millisecond, MinBytes: 7, MaxBytes: 1 << 20, ReadCommitted: true,
		SessionID: 11, SessionEpoch: 12, Rack: "rack",
		Partitions: []FetchPartition{
			{PartitionKey: at(a, 0), Offset: 1 << 40, MaxBytes: 9, CurrentEpoch: 3, LastFetchedEpoch: 2},
			{PartitionKey: at(a, 1), Offset: 1, MaxBytes: 10, CurrentEpoch: NoEpoch, LastFetchedEpoch: NoEpoch},
			{PartitionKey: at(b, 0), Offset: 2, MaxBytes: 11, CurrentEpoch: NoEpoch, LastFetchedEpoch: NoEpoch},
			{PartitionKey: at(a, 2), Offset: 3, MaxBytes: 12, CurrentEpoch: NoEpoch, LastFetchedEpoch: NoEpoch},
		},
		Forgotten: []PartitionKey{at(b, 4), at(b, 5), at(a, 6)},
	}
	equal = kmsg.NewPtrFetchRequest()
	equal.Version = version
	equal.ReplicaID, equal.MaxWaitMillis, equal.MinBytes, equal.MaxBytes, equal.IsolationLevel = -1, 500, 7, 1<<20, 1
	equal.SessionID, equal.SessionEpoch, equal.Rack = 11, 12, "rack"
	last := PartitionKey{}
	for _, p := range req.Partitions {
		if p.Topic != last.Topic {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = p.Topic, p.ID
			equal.Topics = append(equal.Topics, t)
		}
		last = p.PartitionKey
		q := kmsg.NewFetchRequestTopicPartition()
		q.Partition, q.FetchOffset, q.PartitionMaxBytes = p.Partition, p.Offset, p.MaxBytes
		q.CurrentLeaderEpoch, q.LastFetchedEpoch, q.LogStartOffset = p.CurrentEpoch, p.LastFetchedEpoch, -1
		t := &equal.Topics[len(equal.Topics)-1]
		t.Partitions = append(t.Partitions, q)
	}
	equal.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{
		{Topic: "bb", TopicID: b.ID, Partitions: []int32{4, 5}}, {Topic: "a", TopicID: a.ID, Partitions: []int32{6}},
	}
	return req, equal
}

func sampleProduce(version int16, transactional string, sizes ...int) (req *ProduceRequest, equal *kmsg.ProduceRequest) {
	req = &ProduceRequest{Timeout: 1500 * time.Millisecond, TransactionalID: transactional}
	equal = kmsg.NewPtrProduceRequest()
	equal.Version, equal.Acks, equal.TimeoutMillis = version, -1, 1500
	if transactional != "" {
		equal.TransactionID = &transactional
	}
	for i, size := range sizes {
		key := PartitionKey{Topic: fmt.Sprint("topic", i/3), ID: TopicID{byte(i / 3)}, Partition: int32(i)}
		batch := bytes.Repeat([]byte{byte('a' + i)}, size)
		req.Partitions = append(req.Partitions, ProducePartition{PartitionKey: key, Batch: batch})
		if i%3 == 0 {
			t := kmsg.NewProduceRequestTopic()
			t.Topic, t.TopicID = key.Topic, key.ID
			equal.Topics = append(equal.Topics, t)
		}
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = int32(i), batch
		t := &equal.Topics[len(equal.Topics)-1]
		t.Partitions = append(t.Partitions, p)
	}
	return req, equal
}

// readFrame reads one frame, its size included.
func readFrame(r io.Reader) ([]byte, error) {
	frame := make([]byte, 4)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

func TestRequestsAreWrittenAsKmsgWould(t *testing.T) {
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"tcp": loopback, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			client, server := connect(t)
			reg := NewRegistry(0)
			c := newConn(client, reg)
			check := func(call *call, version int16, equal kmsg.Request) {
				t.Helper()
				req := &tokenRequest{call: call, version: version}
				frame := kgoFrame(req, 77)
				written := make(chan error, 1)
				go func() {
					n, err := c.Write(frame)
					if err == nil && n != len(frame) {
						err = fmt.Errorf("wrote %d of %d", n, len(frame))
					}
					written <- err
				}()
				got, err := readFrame(server)
				if werr := <-written; err != nil || werr != nil {
					t.Fatal(err, werr)
				}
				if want := kgoFrame(equal, 77); !bytes.Equal(got, want) {
					t.Errorf("v%d: the frame differs from kmsg's: %d and %d bytes", version, len(got), len(want))
				}
				if sent, _ := call.close(); !sent {
					t.Error("a written request does not count as sent")
				}
			}
			for v := int16(fetchMin); v <= fetchMax; v++ {
				req, equal := sampleFetch(v)
				check(fetchCall(reg, req, nil), v, equal)
				empty := kmsg.NewPtrFetchRequest()
				empty.Version, empty.MaxBytes, empty.SessionEpoch = v, 0, 0
				check(fetchCall(reg, &FetchRequest{}, nil), v, empty)
			}
			for v := int16(produceMin); v <= produceMax; v++ {
				req, equal := sampleProduce(v, "", 1, 100, 2047, 2048, 16<<10, 16<<10-1, 70_000, 300_000, 5, 1<<20)
				check(produceCall(reg, req), v, equal)
				if v%4 != 1 {
					continue
				}
				many := make([]int, 2000) // more than one vector can have
				for i := range many {
					many[i] = 2048 + i
				}
				req, equal = sampleProduce(v, "tx", many...)
				check(produceCall(reg, req), v, equal)
			}
			if len(c.pending) != 1 {
				t.Errorf("%d fetches await an answer under one correlation id", len(c.pending))
			}
		})
	}
}

func TestOtherFramesAreWrittenAsTheyAre(t *testing.T) {
	client, server := loopback(t)
	c := newConn(client, NewRegistry(0))
	plain := kmsg.NewPtrFetchRequest()
	plain.Version = 11
	token := appendToken(nil, 1)
	for name, frame := range map[string][]byte{
		"kmsg fetch":  kgoFrame(plain, 1),
		"metadata":    kgoFrame(kmsg.NewPtrMetadataRequest(), 2),
		"raw SASL":    append([]byte{0, 0, 0, 16}, token...),
		"short":       {0, 0, 0, 1, 0},
		"wrong size":  append([]byte{0, 0, 0, 99, 0, 1, 0, 4, 0, 0, 0, 1, 0xff, 0xff}, token...),
		"not fetch":   append([]byte{0, 0, 0, 26, 0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff}, token...),
		"more behind": append(append([]byte{0, 0, 0, 27, 0, 1, 0, 4, 0, 0, 0, 1, 0xff, 0xff}, token...), 0),
	} {
		if n, err := c.Write(frame); n != len(frame) || err != nil {
			t.Fatal(n, err)
		}
		got := make([]byte, len(frame))
		if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, frame) {
			t.Errorf("%s: %x became %x, %v", name, frame, got, err)
		}
	}
}

// brokenConn accepts so many bytes and then fails.
type brokenConn struct {
	net.Conn
	left int
}

var errBroken = errors.New("broken")

func (c *brokenConn) Write(p []byte) (int, error) {
	if len(p) > c.left {
		return c.left, errBroken
	}
	c.left -= len(p)
	return len(p), nil
}

func TestAFailedWriteSaysWhetherAnythingWasWritten(t *testing.T) {
	reg := NewRegistry(0)
	budget := memory.NewBudget(1 << 20)
	req, equal := sampleProduce(9, "", 20, 40_000, 3000)
	buf := budget.Get(1)
	total := len(kgoFrame(equal, 5))
	for accepted := 0; accepted < total; accepted += 1 + accepted/50 {
		call := produceCall(reg, req)
		c := newConn(&brokenConn{left: accepted}, reg)
		n, err := c.Write(kgoFrame(&tokenRequest{call: call, version: 9}, 5))
		sent, _ := call.close()
		if !errors.Is(err, errBroken) || (n > 0) != (accepted > 0) || sent != (accepted > 0) {
			t.Fatalf("after %d bytes: %d, %v, sent %v", accepted, n, err, sent)
		}
	}
	buf.Release()

	fetch, _ := sampleFetch(12)
	call := fetchCall(reg, fetch, nil)
	c := newConn(&brokenConn{}, reg)
	if n, err := c.Write(kgoFrame(&tokenRequest{call: call, version: 12}, 5)); n != 0 || !errors.Is(err, errBroken) || len(c.pending) != 0 {
		t.Fatalf("%d, %v, %d pending", n, err, len(c.pending))
	}
}

func TestRequestsThatCannotBeWritten(t *testing.T) {
	reg := NewRegistry(0)
	fetch, _ := sampleFetch(12)
	call := fetchCall(reg, fetch, nil)
	c := newConn(&brokenConn{left: 1 << 20}, reg)
	for _, version := range []int16{3, 19} {
		if n, err := c.Write(kgoFrame(&tokenRequest{call: call, version: version}, 5)); n != 0 || err == nil {
			t.Errorf("v%d: %d, %v", version, n, err)
		}
	}
	call.close()
	frame := kgoFrame(&tokenRequest{call: call, version: 12}, 5)
	if n, err := c.Write(frame); n != 0 || !errors.Is(err, errAbandoned) {
		t.Errorf("a closed call: %d, %v", n, err)
	}
	reg.remove(call)
	if n, err := c.Write(frame); n != 0 || !errors.Is(err, errAbandoned) {
		t.Errorf("a forgotten call: %d, %v", n, err)
	}
}

func TestGroupByTopic(t *testing.T) {
	part := func(topic string, id byte, partition int32) ProducePartition {
		return ProducePartition{PartitionKey: PartitionKey{Topic: topic, ID: TopicID{id}, Partition: partition}}
	}
	for name, test := range map[string]struct {
		in   []ProducePartition
		want string // topics and partitions, or "error"
	}{
		"none":         {nil, "[]"},
		"grouped":      {[]ProducePartition{part("b", 1, 2), part("b", 1, 1), part("a", 2, 1)}, "[b2 b1 a1]"},
		"interleaved":  {[]ProducePartition{part("b", 1, 2), part("a", 2, 2), part("b", 1, 1), part("a", 2, 0)}, "[b2 b1 a2 a0]"},
		"twice":        {[]ProducePartition{part("b", 1, 2), part("b", 1, 2)}, "error"},
		"twice, apart": {[]ProducePartition{part("b", 1, 2), part("a", 2, 1), part("b", 1, 2)}, "error"},
		"two ids":      {[]ProducePartition{part("b", 1, 2), part("b", 2, 1)}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := groupByTopic(test.in)
			names := make([]string, 0, len(parts))
			for _, p := range parts {
				names = append(names, fmt.Sprint(p.Topic, p.Partition))
			}
			got := fmt.Sprint(names)
			if err != nil {
				got = "error"
			}
			if got != test.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

// kgoReader reads as kgo does: through a bufio.Reader of 4 KiB.
func kgoReader(c net.Conn) *bufio.Reader { return bufio.NewReaderSize(c, 4<<10) }

func TestDeadlinesApplyThrough(t *testing.T) {
	client, _ := loopback(t)
	reg := NewRegistry(0)
	c := newConn(client, reg)
	req, _ := sampleFetch(12)
	call := fetchCall(reg, req, memory.NewBudget(1))
	if _, err := c.Write(kgoFrame(&tokenRequest{call: call, version: 12}, 5)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := readFrame(kgoReader(c)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}
