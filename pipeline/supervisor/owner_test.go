package supervisor

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

func TestTaken(t *testing.T) {
	flow := func(name string, owns model.Ownership, topics ...string) *model.Flow {
		f := model.NewFlow(field.HCL)
		f.Name, f.From, f.To, f.OwnsOffsets, f.Topics, f.Enabled = name, "a", "b", owns, topics, true
		return f
	}
	elsewhere := flow("elsewhere", model.OwnsYes, ".*")
	elsewhere.To = "c"
	off := flow("off", model.OwnsYes, ".*")
	off.Enabled = false
	tests := map[string]struct {
		flows []*model.Flow
		want  string // who has orders and parts where the last flow would
	}{
		"alone":        {[]*model.Flow{flow("y", model.OwnsAuto, ".*")}, " "},
		"disjoint":     {[]*model.Flow{flow("x", model.OwnsAuto, "invoices"), flow("y", model.OwnsAuto, ".*")}, " "},
		"overlap":      {[]*model.Flow{flow("x", model.OwnsAuto, "orders"), flow("y", model.OwnsYes, ".*")}, "x "},
		"y denies":     {[]*model.Flow{flow("x", model.OwnsAuto, ".*"), flow("y", model.OwnsNo, ".*")}, " "},
		"x denies":     {[]*model.Flow{flow("x", model.OwnsNo, ".*"), flow("y", model.OwnsAuto, ".*")}, " "},
		"two of three": {[]*model.Flow{flow("w", model.OwnsAuto, "parts"), flow("x", model.OwnsYes, ".*"), flow("y", model.OwnsYes, ".*")}, "x w"},
		"others":       {[]*model.Flow{elsewhere, off, flow("y", model.OwnsAuto, ".*")}, " "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			by := new(owners).taken(tt.flows[len(tt.flows)-1], tt.flows)
			if by == nil {
				by = func(string) string { return "" }
			}
			if got := by("orders") + " " + by("parts"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTakenTopicIsLeftToTheFirst has two flows own the offsets of a topic.
func TestTakenTopicIsLeftToTheFirst(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	cfg := &model.Config{}
	for _, alias := range []string{"a", "b"} {
		c := model.NewCluster(field.HCL)
		c.Alias, c.BootstrapServers = alias, fake.ListenAddrs()
		cfg.Clusters = append(cfg.Clusters, c)
	}
	for _, prefix := range []string{"x.", "y."} {
		f := model.NewFlow(field.HCL)
		f.Name, f.From, f.To, f.Topics = prefix, "a", "b", []string{"orders"}
		f.ReplicationPolicy, f.LoopGuard = model.PolicyIdentity, model.LoopGuardOff
		s := model.NewStage(model.StageRename)
		s.Name, s.Rename.Prefix = "prefix", prefix
		f.Stages = []*model.Stage{s}
		cfg.Flows = append(cfg.Flows, f)
	}
	s, err := New(Params{Config: cfg, Log: slog.New(slog.DiscardHandler), Once: true, Timeout: 20 * time.Second, DrainTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), `flow "x." keeps its position in the same place`) || !strings.Contains(err.Error(), `owns_offsets = "false"`) {
		t.Errorf("the second flow ended with %v", err)
	}
}
