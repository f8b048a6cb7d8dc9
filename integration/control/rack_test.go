package control_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestNearestReplica reads a topic whose leader is in rack a: with client_rack b
// its records come from the follower there, without it from the leader. What
// brokers send is counted on the way.
func TestNearestReplica(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	source := kafka.Start(t, kafka.Options{Brokers: 2, Racks: []string{"a", "b"}, Reroute: true})
	target := kafka.Start(t, kafka.Options{})
	if err := source.CreateTopic(ctx, kafka.Topic{Name: "orders", Replication: 2}); err != nil {
		t.Fatal(err)
	}
	if err := source.MoveLeader(ctx, "orders", 0, 1); err != nil {
		t.Fatal(err)
	}
	const records, each = 200, 50_000
	size := int64(records * each)
	noise := rand.NewChaCha8([32]byte{})
	var batch []*kgo.Record
	for range records {
		value := make([]byte, each)
		_, _ = noise.Read(value)
		batch = append(batch, &kgo.Record{Topic: "orders", Value: value})
	}
	if err := source.Client().ProduceSync(ctx, batch...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := source.WaitISR(ctx, "orders", 2); err != nil {
		t.Fatal(err)
	}
	sent := map[int]*atomic.Int64{}
	for _, r := range source.Routes() {
		sent[r.Broker] = counted(t, r)
	}
	for name, tt := range map[string]struct {
		rack string
		from int
	}{"near": {`client_rack = "b"`, 2}, "leader": {"", 1}, "nowhere": {`client_rack = "c"`, 1}} {
		t.Run(name, func(t *testing.T) {
			for _, n := range sent {
				n.Store(0)
			}
			mirrorOnce(ctx, t, fmt.Sprintf(`
cluster %q {
  bootstrap_servers = [%q]
  %s
}
cluster "to" { bootstrap_servers = [%q] }
flow "%[1]s->to" {
  topics             = ["orders"]
  replication_factor = 1
}`, name, source.Routes()[0].Advertised, tt.rack, target.Bootstrap()[0]))
			other := 3 - tt.from
			if near, far := sent[tt.from].Load(), sent[other].Load(); near < size || far > size/10 {
				t.Errorf("of %d bytes broker %d sent %d, broker %d sent %d", size, tt.from, near, other, far)
			}
			read := func(c *kafka.Cluster, topic string) map[int32][]compare.Record {
				got, err := compare.Read(ctx, c.AdminOpts(), topic, compare.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			if err := compare.Diff(read(source, "orders"), read(target, name+".orders"), compare.Options{}).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// mirrorOnce runs a topology up to the ends it sees.
func mirrorOnce(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "strait.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := load.Load([]string{path}, load.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: log, Once: true, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// counted forwards connections to a broker and counts what it sends.
func counted(t *testing.T, r kafka.Route) *atomic.Int64 {
	t.Helper()
	listener, err := net.Listen("tcp", r.Advertised)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			broker, err := net.Dial("tcp", r.Listening)
			if err != nil {
				client.Close()
				continue
			}
			open.Go(func() {
				_, _ = io.Copy(broker, client) // a connection that ends is no failure
				broker.Close()
			})
			open.Go(func() {
				_, _ = io.Copy(io.MultiWriter(client, counter{&n}), broker)
				client.Close()
			})
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
		open.Wait() // the mirrors have ended, and with them their connections
	})
	return &n
}

// counter counts what is written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}
