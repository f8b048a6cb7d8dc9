package wire

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// secured returns both ends of a TLS connection over loopback.
func secured(b testing.TB) (client, server net.Conn) {
	b.Helper()
	serverConfig, clientConfig := testTLS(b)
	clientConfig.ServerName, clientConfig.DynamicRecordSizingDisabled = "127.0.0.1", true
	c, s := loopback(b)
	tc, ts := tls.Client(c, clientConfig), tls.Server(s, serverConfig)
	failed := make(chan error, 1)
	go func() { failed <- ts.Handshake() }()
	if err := tc.Handshake(); err != nil {
		b.Fatal(err)
	}
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	return tc, ts
}

func benchmarkEach(b *testing.B, run func(b *testing.B, client, server net.Conn, batches, size int)) {
	b.Helper()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"tcp": loopback, "tls": secured} {
		for _, shape := range []struct{ batches, size int }{{8, 1 << 20}, {64, 16 << 10}, {256, 1 << 10}} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, shape.batches, shape.size), func(b *testing.B) {
				client, server := connect(b)
				b.SetBytes(int64(shape.batches * shape.size))
				b.ReportAllocs()
				run(b, client, server, shape.batches, shape.size)
			})
		}
	}
}

// BenchmarkProduce writes requests to a peer that throws them away.
func BenchmarkProduce(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, client, server net.Conn, batches, size int) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 1<<20)
			for {
				if _, err := server.Read(buf); err != nil {
					return
				}
			}
		}()
		reg := NewRegistry(0)
		c := newConn(client, reg)
		sizes := make([]int, batches)
		for i := range sizes {
			sizes[i] = size
		}
		req, _ := sampleProduce(9, "", sizes...)
		call := produceCall(reg, req)
		frame := kgoFrame(&tokenRequest{call: call, version: 9}, 1)
		for b.Loop() {
			if _, err := c.Write(frame); err != nil {
				b.Fatal(err)
			}
		}
		client.Close()
		<-done
	})
}

// BenchmarkFetch reads responses of a peer that sends the same one again and
// again.
func BenchmarkFetch(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, client, server net.Conn, batches, size int) {
		const version = 12
		r := kmsg.NewPtrFetchResponse()
		r.Version = version
		t := kmsg.NewFetchResponseTopic()
		t.Topic = "topic"
		for i := range batches {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition, p.RecordBatches = int32(i), make([]byte, size)
			t.Partitions = append(t.Partitions, p)
		}
		r.Topics = append(r.Topics, t)
		frame := responseFrame(r, 1, true)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := server.Write(frame); err != nil {
					return
				}
			}
		}()
		reg := NewRegistry(0)
		c := newConn(client, reg)
		br := kgoReader(c)
		budget := memory.NewBudget(64 << 20)
		token := make([]byte, 4+4+1+tokenSize)
		for b.Loop() {
			call := newCall()
			call.fetch, call.alloc = &FetchRequest{}, budget
			c.await(1, sentFetch{call, version})
			if _, err := io.ReadFull(br, token); err != nil {
				b.Fatal(err)
			}
			_, got := call.close()
			got.release()
		}
		client.Close()
		<-done
	})
}
