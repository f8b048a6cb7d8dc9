package control_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
)

// TestDeadLettersThatAreDenied has a flow in transactions whose user may not write dead
// letters: the partition stands still and says so, with what to grant, and goes on
// when that is granted, without having lost or repeated anything.
func TestDeadLettersThatAreDenied(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), secured(t)
	create(ctx, t, a, "t", 1)
	create(ctx, t, b, "a.t", 1)
	create(ctx, t, b, "letters", 1)
	all := kadm.NewACLs().Topics("*").Groups("*").TransactionalIDs("*").Clusters().ResourcePatternType(kadm.ACLPatternLiteral).
		Operations(kadm.OpAll).Allow("User:bob").AllowHosts("*")
	denied := kadm.NewACLs().Topics("letters").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpWrite).Deny("User:bob").DenyHosts("*")
	for _, acl := range []*kadm.ACLBuilder{all, denied} {
		if _, err := b.Admin().CreateACLs(ctx, acl); err != nil {
			t.Fatal(err)
		}
	}
	cfg := properties(t, `
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t
replication.factor = 1
refresh.topics.interval.seconds = 1
sync.topic.acls.enabled = false
`+login("b", "bob", "b"), map[string]*kafka.Cluster{"a": a, "b": b})
	filter := model.NewStage(model.StageFilter)
	filter.Name, filter.When, filter.OnError = "numbers", `json("n") > 0`, model.OnErrorDeadLetter
	for _, f := range cfg.Flows {
		f.Delivery, f.DeadLetterTopic = model.Transactional, "letters"
		f.Stages = append(f.Stages, filter)
		f.KeepStageNames()
	}
	for _, v := range []string{`{"n": 1}`, "no JSON", `{"n": 2}`} {
		if err := a.Client().ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := strait(t, cfg)
	told := func(f status.Flow) bool {
		return slices.ContainsFunc(f.Problems, func(p status.Problem) bool {
			return strings.Contains(p.Summary+p.Fix, "letters") && strings.Contains(p.Fix, "--operation Write")
		})
	}
	reach := func(what string, until func(status.Flow) bool) {
		t.Helper()
		if !wait(ctx, func() bool { return until(s.Status().Flows[0]) }) {
			t.Fatalf("%s: gave up; problems are\n%s", what, problems(s))
		}
	}
	reach("denied", told)
	if _, err := b.Admin().DeleteACLs(ctx, denied); err != nil {
		t.Fatal(err)
	}
	reach("granted", func(f status.Flow) bool { return f.Records == 2 && !told(f) })
}
