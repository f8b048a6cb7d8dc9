package grant_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/transforms/filter"
)

func flow(from, to string, topics ...string) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To, f.Topics = from+"->"+to, from, to, topics
	return f
}

// one takes us for the same user everywhere.
func one(string, *model.Cluster) string { return "User:strait" }

// withoutOffsets keeps a flow from asking for what offsets of groups need.
func withoutOffsets(f *model.Flow) *model.Flow {
	f.Control.EmitOffsetSyncsEnabled, f.Control.EmitCheckpointsEnabled = false, false
	return f
}

// dump has a line for every grant.
func dump(all []grant.OnCluster) string {
	var b strings.Builder
	for _, c := range all {
		for _, e := range c.Entries {
			kind := ""
			if e.On.Prefixed {
				kind = "*"
			}
			var why []string
			for _, n := range e.Needs {
				why = append(why, n.Flow+" "+string(n.Feature))
			}
			fmt.Fprintf(&b, "%s %s %s%s: %s\n", c.Alias, e.Operation, e.On.Name, kind, strings.Join(why, ", "))
		}
	}
	return b.String()
}

// TestFor is the whole of what a flow needs.
func TestFor(t *testing.T) {
	want := `a READ orders: a->b copying
a DESCRIBE_CONFIGS orders: a->b settings
a DESCRIBE kafka-cluster: a->b acls
b WRITE a.orders: a->b copying
b READ a.orders: a->b proof
b WRITE strait-a->b-*: a->b proof
b DESCRIBE_CONFIGS kafka-cluster: a->b proof
b CREATE a.orders: a->b creation
b ALTER a.orders: a->b creation
b ALTER_CONFIGS a.orders: a->b settings
b READ mm2-offsets.a.internal: a->b positions
b WRITE mm2-offsets.a.internal: a->b positions
b CREATE mm2-offsets.a.internal: a->b positions
b DESCRIBE_CONFIGS mm2-offsets.a.internal: a->b positions
b DESCRIBE a-mm2: a->b positions
b READ a-mm2-strait*: a->b sharing
b ALTER kafka-cluster: a->b acls
b WRITE heartbeats: a->b heartbeats
b CREATE heartbeats: a->b heartbeats
`
	f := withoutOffsets(flow("a", "b", "orders"))
	if d := cmp.Diff(want, dump(grant.For([]*model.Flow{f}, one))); d != "" {
		t.Error(d)
	}
}

// TestOffsets is what offsets of groups need beside that.
func TestOffsets(t *testing.T) {
	f := flow("a", "b", "orders")
	f.Control.SyncGroupOffsetsEnabled = true
	f.Control.Groups = []string{"app-.*", "billing"}
	f.Control.OffsetSyncsTopicLocation = "source"
	want := `a READ mm2-offset-syncs.b.internal: a->b offset_syncs
a WRITE mm2-offset-syncs.b.internal: a->b offset_syncs
a CREATE mm2-offset-syncs.b.internal: a->b offset_syncs
a DESCRIBE app-*: a->b checkpoints
a DESCRIBE billing: a->b checkpoints
b READ a.orders: a->b proof, a->b group_offsets
b READ mm2-strait-places.a.internal: a->b offset_syncs
b WRITE mm2-strait-places.a.internal: a->b offset_syncs
b CREATE mm2-strait-places.a.internal: a->b offset_syncs
b READ a.checkpoints.internal: a->b checkpoints
b WRITE a.checkpoints.internal: a->b checkpoints
b CREATE a.checkpoints.internal: a->b checkpoints
b READ app-*: a->b group_offsets
b READ billing: a->b group_offsets
`
	for _, renamed := range []struct{ pattern, as string }{{"billing", "b READ dc1.billing: a->b group_offsets"}, {"app-.*|billing", "b READ *: a->b group_offsets"}} {
		again := *f
		again.Control.Groups, again.Control.GroupPattern, again.Control.GroupReplacement = []string{renamed.pattern}, ".*", "dc1.$0"
		if got := dump(grant.For([]*model.Flow{&again}, one)); !strings.Contains(got, renamed.as+"\n") {
			t.Errorf("%s is not needed:\n%s", renamed.as, got)
		}
	}
	var got strings.Builder
	for line := range strings.Lines(dump(grant.For([]*model.Flow{f}, one))) {
		if strings.Contains(line, "offset_syncs") || strings.Contains(line, "checkpoints") || strings.Contains(line, "group_offsets") {
			got.WriteString(line)
		}
	}
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Error(d)
	}
}

// TestLoopGuard is what a flow with unchanged names needs beside.
func TestLoopGuard(t *testing.T) {
	f := flow("a", "b", "orders")
	without := dump(grant.For([]*model.Flow{f}, one))
	if strings.Contains(without, "mm2-strait-index") {
		t.Errorf("a flow with the default policy has a guard:\n%s", without)
	}
	f.ReplicationPolicy = model.PolicyIdentity
	want := `b READ mm2-strait-index.a.internal: a->b loop_guard
b WRITE mm2-strait-index.a.internal: a->b loop_guard
b CREATE mm2-strait-index.a.internal: a->b loop_guard
b DESCRIBE_CONFIGS mm2-strait-index.a.internal: a->b loop_guard
a READ mm2-strait-index.b.internal: a->b loop_guard
`
	var got strings.Builder
	for line := range strings.Lines(dump(grant.For([]*model.Flow{f}, one))) {
		if strings.Contains(line, "mm2-strait-index") {
			got.WriteString(line)
		}
	}
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for _, line := range lines {
		if !strings.Contains(got.String(), line+"\n") {
			t.Errorf("%s is missing in\n%s", line, got.String())
		}
	}
	if n := strings.Count(got.String(), "\n"); n != len(lines) {
		t.Errorf("%d permissions, want %d:\n%s", n, len(lines), got.String())
	}
}

// TestHeartbeatsOnly has a pair that copies nothing.
// TestTransactions has a flow that writes in transactions.
func TestTransactions(t *testing.T) {
	f := flow("a", "b", "orders")
	f.Delivery = model.Transactional
	all := dump(grant.For([]*model.Flow{f}, one))
	if want := "b WRITE strait-a->b-*: a->b copying\n"; !strings.Contains(all, want) {
		t.Errorf("no line %q in\n%s", want, all)
	}
	const want = "kafka-acls.sh --bootstrap-server k:1 --add --allow-principal 'User:m' --operation Write " +
		"--transactional-id 'strait-a->b-' --resource-pattern-type prefixed"
	if got := grant.Command("k:1", "User:m", []grant.Operation{grant.Write}, grant.Transactions("strait-a->b-")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHeartbeatsOnly(t *testing.T) {
	f := flow("a", "b", "orders")
	f.Enabled, f.HeartbeatsOnly = false, true
	want := "b WRITE heartbeats: a->b heartbeats\nb CREATE heartbeats: a->b heartbeats\n"
	if d := cmp.Diff(want, dump(grant.For([]*model.Flow{f}, one))); d != "" {
		t.Error(d)
	}
}

// TestMirroredHeartbeats has a chain of flows with a way back: heartbeats go over
// every hop, whatever the flows select, and never back.
func TestMirroredHeartbeats(t *testing.T) {
	ab, bc, ba := flow("a", "b", "orders"), flow("b", "c", "orders"), flow("b", "a", "orders")
	var got []string
	for line := range strings.Lines(dump(grant.For([]*model.Flow{ab, bc, ba}, one))) {
		words := strings.Fields(line)
		if name := strings.TrimSuffix(words[2], ":"); strings.HasSuffix(name, "heartbeats") && (words[1] == "READ" || words[1] == "WRITE") {
			got = append(got, words[0]+" "+words[1]+" "+name)
		}
	}
	slices.Sort(got)
	want := []string{
		"a READ b.heartbeats", "a READ heartbeats", "a WRITE b.heartbeats", "a WRITE heartbeats",
		"b READ a.heartbeats", "b READ heartbeats", "b WRITE a.heartbeats", "b WRITE heartbeats",
		"c READ b.a.heartbeats", "c READ b.heartbeats", "c WRITE b.a.heartbeats", "c WRITE b.heartbeats", "c WRITE heartbeats",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestMirrorMaker1 has a flow that commits to a group and touches no topic but
// those that it mirrors.
func TestMirrorMaker1(t *testing.T) {
	f := flow("a", "b", "orders")
	f.ReplicationPolicy, f.MirrorMaker1 = model.PolicyIdentity, &model.MirrorMaker1{Group: "mirror", LeaveTopics: true}
	want := `a READ orders: a->b copying
a DESCRIBE_CONFIGS orders: a->b settings
a READ mirror: a->b positions
b WRITE orders: a->b copying
b READ orders: a->b proof
b DESCRIBE_CONFIGS kafka-cluster: a->b proof
b DESCRIBE_CONFIGS orders: a->b settings
`
	if d := cmp.Diff(want, dump(grant.For([]*model.Flow{f}, one))); d != "" {
		t.Error(d)
	}
}

// TestLeast has two flows that keep names, so that a topic is read and written
// on both sides: what one grant includes is not granted again.
func TestLeast(t *testing.T) {
	ab, ba := flow("a", "b", "orders", "orders.*"), flow("b", "a", "orders.*")
	ab.ReplicationPolicy, ba.ReplicationPolicy = model.PolicyIdentity, model.PolicyIdentity
	ab.Control.EmitHeartbeatsEnabled, ba.Control.EmitHeartbeatsEnabled = false, false
	ab.Control.SyncTopicACLsEnabled, ba.Control.SyncTopicACLsEnabled = false, false
	withoutOffsets(ab)
	withoutOffsets(ba)
	want := `a READ orders*: a->b copying, b->a proof
a WRITE orders*: b->a copying
a WRITE strait-b->a-*: b->a proof
a DESCRIBE_CONFIGS kafka-cluster: b->a proof
a CREATE orders*: b->a creation
a ALTER orders*: b->a creation
a ALTER_CONFIGS orders*: b->a settings
a DESCRIBE b-mm2: b->a positions
a READ b-mm2-strait*: b->a sharing
`
	got := dump(grant.For([]*model.Flow{ab, ba}, one))
	var onA strings.Builder
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "a ") && !strings.Contains(line, " mm2-") {
			onA.WriteString(line)
		}
	}
	if d := cmp.Diff(want, onA.String()); d != "" {
		t.Error(d)
	}
}

// TestStages has names and prefixes of the target behind the stages of a flow.
func TestStages(t *testing.T) {
	rename := func(r model.RenameStage) *model.Stage {
		return &model.Stage{Kind: model.StageRename, Name: "r", Rename: &r}
	}
	filters := &model.Stage{Kind: model.StageFilter, Name: "f", Filter: &model.FilterStage{Topics: []string{".*"}, TopicsExclude: []string{"b"}}}
	iot := rename(model.RenameStage{Pattern: `iot\.(.*)`, Replacement: "hub.$1"})
	tests := map[string]struct {
		topics []string
		stages []*model.Stage
		source string
		target string
	}{
		"prefix":            {[]string{"a", "b.*"}, []*model.Stage{rename(model.RenameStage{Prefix: "x."})}, "a b*", "x.a x.b*"},
		"prefix of all":     {[]string{".*"}, []*model.Stage{rename(model.RenameStage{Prefix: "x."})}, "*", "x.*"},
		"suffix":            {[]string{"a", "b.*"}, []*model.Stage{rename(model.RenameStage{Suffix: ".x"})}, "a b*", "a.x b*"},
		"pattern":           {[]string{`iot\.a`, "b"}, []*model.Stage{iot}, "iot.a b", "hub.a b"},
		"pattern, prefixes": {[]string{`iot\..*`}, []*model.Stage{iot}, "iot.*", "iot.* hub.*"},
		"pattern, anything": {[]string{`iot\..*`}, []*model.Stage{rename(model.RenameStage{Pattern: `iot\.(.*)`, Replacement: "$1"})}, "iot.*", "*"},
		"pattern to one":    {[]string{`iot\..*`}, []*model.Stage{rename(model.RenameStage{Pattern: "iot.*", Replacement: "all", Merge: true})}, "iot.*", "iot.* all"},
		"map":               {[]string{"a.*"}, []*model.Stage{rename(model.RenameStage{Map: map[string]string{"ab": "x", "ac": "ad", "b": "y"}})}, "a*", "a* x"},
		"policy":            {[]string{"a.*"}, []*model.Stage{rename(model.RenameStage{Policy: model.PolicyDefault, Separator: "_"})}, "a*", "a_a*"},
		"two":               {[]string{`iot\..*`}, []*model.Stage{iot, rename(model.RenameStage{Prefix: "x."})}, "iot.*", "x.iot.* x.hub.*"},
		"dropped":           {[]string{"a", "b"}, []*model.Stage{filters, rename(model.RenameStage{Prefix: "x."})}, "a", "x.a"},
		"without a rename":  {[]string{"a", "b"}, []*model.Stage{filters}, "a", "a.a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := flow("a", "b", tt.topics...)
			f.Stages = tt.stages
			f.KeepStageNames()
			withoutOffsets(f)
			on := func(cluster grant.OnCluster, op grant.Operation) string {
				var names []string
				for _, e := range cluster.Entries {
					switch {
					case e.Operation != op || e.On.Kind != grant.Topics || strings.HasPrefix(e.On.Name, "mm2-") || e.On.Name == "heartbeats":
					case e.On.Prefixed:
						names = append(names, e.On.Name+"*")
					default:
						names = append(names, e.On.Name)
					}
				}
				return strings.Join(names, " ")
			}
			got := grant.For([]*model.Flow{f}, one)
			if source, target := on(got[0], grant.Read), on(got[1], grant.Write); source != tt.source || target != tt.target {
				t.Errorf("got %q to %q, want %q to %q", source, target, tt.source, tt.target)
			}
		})
	}
}

// TestSelection holds the topics of ACLs against the patterns they stand for.
func TestSelection(t *testing.T) {
	tests := map[string]struct {
		pattern string
		want    string
	}{
		"name":            {`orders`, "orders"},
		"dot":             {`orders\.eu`, "orders.eu"},
		"bare dot":        {`orders.eu`, "orders.eu"},
		"prefix":          {`orders.*`, "orders*"},
		"quoted prefix":   {`iot\..*`, "iot.*"},
		"all":             {`.*`, "*"},
		"some":            {`.+`, "*"},
		"optional":        {`orders?`, "order*"},
		"repeated":        {`ab{2}`, "a*"},
		"class":           {`orders[0-9]`, "orders*"},
		"first optional":  {`a*b`, "*"},
		"group":           {`orders-(eu|us)`, "orders-*"},
		"leading group":   {`(eu|us)-orders`, "*"},
		"alternatives":    {`orders|payments.*`, "orders payments*"},
		"mixed":           {`a(b)|c`, "a* c"},
		"class with bar":  {`a[b|]`, "*"},
		"quoted":          {`\Qa|b\E`, "*"},
		"flags":           {`(?i)orders`, "*"},
		"anchors":         {`^orders$`, "orders"},
		"class of digits": {`t\d+`, "t*"},
		"blank":           {``, "*"},
	}
	names := []string{"orders", "orders.eu", "ordersXeu", "orders-eu", "payments", "payments.x", "iot.a", "order", "orders7", "a", "b", "ab", "abb", "c", "aab", "eu-orders", "Orders", "t1", "t"}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := flow("a", "b", tt.pattern)
			f.ReplicationPolicy = model.PolicyIdentity
			var got []string
			var granted []grant.On
			for _, e := range grant.For([]*model.Flow{f}, one)[0].Entries {
				if e.Operation == grant.Read && e.Needs[0].Feature == grant.Copying {
					text := e.On.Name
					if e.On.Prefixed {
						text += "*"
					}
					got, granted = append(got, text), append(granted, e.On)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			topics, problems := filter.ForFlow(f)
			if problems.HasErrors() {
				return // the reader refuses it
			}
			for _, topic := range names {
				if !topics.Decide(topic).Copy || name == "bare dot" {
					continue
				}
				included := false
				for _, g := range granted {
					included = included || g.Include(grant.Topic(topic))
				}
				if !included {
					t.Errorf("%q is copied and not granted by %q", topic, got)
				}
			}
		})
	}
}

func FuzzSelection(f *testing.F) {
	for _, pattern := range []string{"a|b", "(a|b)", `\Qa|b\E`, "a{1,2}", "^$", `a\|b`, "[a|b]", "a.b", `\`} {
		f.Add(pattern, "a")
	}
	f.Fuzz(func(t *testing.T, pattern, topic string) {
		fl := flow("a", "b", pattern)
		fl.ReplicationPolicy = model.PolicyIdentity
		topics, problems := filter.ForFlow(fl)
		// A dot by itself is taken for a dot, deliberately.
		if problems.HasErrors() || strings.Contains(strings.ReplaceAll(pattern, `\.`, ""), ".") || !topics.Decide(topic).Copy || topics.Decide(topic).Why == filter.Heartbeats {
			t.Skip()
		}
		for _, e := range grant.For([]*model.Flow{fl}, one)[0].Entries {
			if e.Operation == grant.Read && e.On.Include(grant.Topic(topic)) {
				return
			}
		}
		t.Errorf("%q matches %q and is not granted", pattern, topic)
	})
}

func TestCommand(t *testing.T) {
	tests := map[string]struct {
		principal string
		ops       []grant.Operation
		on        grant.On
		want      string
	}{
		"one":       {"User:bob", []grant.Operation{grant.Read}, grant.Topic("orders"), `--allow-principal 'User:bob' --operation Read --topic orders`},
		"several":   {"User:bob", []grant.Operation{grant.Read, grant.AlterConfigs}, grant.Prefix("a."), `--allow-principal 'User:bob' --operation Read --operation AlterConfigs --topic a. --resource-pattern-type prefixed`},
		"all":       {"User:bob", []grant.Operation{grant.Read}, grant.All(), `--allow-principal 'User:bob' --operation Read --topic '*'`},
		"cluster":   {"User:bob", []grant.Operation{"IDEMPOTENT_WRITE"}, grant.Itself(), `--allow-principal 'User:bob' --operation IdempotentWrite --cluster`},
		"a shell's": {"User:CN=o'x, $(id)\n", []grant.Operation{grant.Read}, grant.Topic("x;y"), `--allow-principal 'User:CN=o'\''x, $(id) ' --operation Read --topic 'x;y'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := grant.Command("a:9092", tt.principal, tt.ops, tt.on)
			if want := "kafka-acls.sh --bootstrap-server a:9092 --add " + tt.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
