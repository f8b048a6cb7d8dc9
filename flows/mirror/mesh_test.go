package mirror

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

// mesh is three clusters of which each mirrors to both others under unchanged
// names, with a client for each.
type mesh struct {
	sides   []*kfake.Cluster
	clients []*kgo.Client
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{}
	for i := range 3 {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID(fmt.Sprint("cluster-", i)), kfake.SeedTopics(1, "t"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		cl, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		m.sides, m.clients = append(m.sides, fake), append(m.clients, cl)
	}
	return m
}

// flows builds all flows with a loop guard.
func (m *mesh) flows(t *testing.T, guard string) (flows []*Flow) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	connect := func(i int) *cluster.Cluster {
		def := model.NewCluster(field.HCL)
		def.Alias, def.BootstrapServers = fmt.Sprint("side", i), m.sides[i].ListenAddrs()
		c, err := cluster.New(cluster.Params{Config: def, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	for from := range m.sides {
		for to := range m.sides {
			if from == to {
				continue
			}
			def := model.NewFlow(field.HCL)
			def.From, def.To = fmt.Sprint("side", from), fmt.Sprint("side", to)
			def.Name, def.RefreshTopicsInterval = def.From+"->"+def.To, 50*time.Millisecond
			def.ReplicationPolicy, def.LoopGuard = model.PolicyIdentity, guard
			f, err := New(Params{
				Flow: def, Source: connect(from), Target: connect(to), Budget: NewBudget(8 << 20), Log: log,
				Returns: true, DrainTimeout: 10 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			flows = append(flows, f)
		}
	}
	return flows
}

// TestMeshOfThree has producers on every side of three clusters, and stops and
// starts all flows between: every side has every record once.
func TestMeshOfThree(t *testing.T) {
	m := newMesh(t)
	want := map[string]int{}
	for round := range 2 {
		flows := m.flows(t, model.LoopGuardLocal)
		var stops []func()
		for _, f := range flows {
			stops = append(stops, start(t, f))
		}
		for i, cl := range m.clients {
			for _, v := range numbers(fmt.Sprintf("round %d side %d number ", round, i), 20) {
				if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte(v)}).FirstErr(); err != nil {
					t.Fatal(err)
				}
				want[v]++
			}
		}
		until(t, "all sides have everything", func() bool {
			for i := range m.sides {
				if (&two{target: m.sides[i], client: map[*kfake.Cluster]*kgo.Client{m.sides[i]: m.clients[i]}}).held(t, "t") < int64(len(want)) {
					return false
				}
			}
			return true
		})
		until(t, "all flows have read it", func() bool {
			for _, f := range flows {
				if f.Status().LagRecords != 0 {
					return false
				}
			}
			return true
		})
		for _, stop := range stops {
			stop()
		}
	}
	for i, side := range m.sides {
		if diff := cmp.Diff(want, (&two{target: side}).counts(t, "t")); diff != "" {
			t.Errorf("side %d: %s", i, diff)
		}
	}
}
