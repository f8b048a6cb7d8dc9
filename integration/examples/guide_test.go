package examples_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// migration is a topic on its way from MirrorMaker 2 to Strait.
type migration struct {
	*lab
	properties string
	steps      map[string][]string // commands of the guide by the number of their step
}

// newMigration starts two clusters and writes a file as people have it.
func newMigration(ctx context.Context, t *testing.T) *migration {
	t.Helper()
	clusters := start(t, kafka.Options{}, kafka.Options{})
	m := &migration{lab: &lab{
		run: run{passes: 1, copies: []copied{{"dc1", "orders", "dc2", "dc1.orders"}}},
		at:  map[string]*kafka.Cluster{"dc1": clusters[0], "dc2": clusters[1]},
		dir: t.TempDir(),
	}, steps: map[string][]string{}}
	m.properties = "clusters = dc1, dc2\ndc1.bootstrap.servers = " + clusters[0].Bootstrap()[0] + "\ndc2.bootstrap.servers = " + clusters[1].Bootstrap()[0] + `
dc1->dc2.enabled = true
dc1->dc2.topics = orders
emit.heartbeats.enabled = false
replication.factor = 1
checkpoints.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
`
	if err := os.WriteFile(filepath.Join(m.dir, "mm2.properties"), []byte(m.properties), 0o600); err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/guide/migrate-from-mirrormaker2.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range strings.Split(string(guide), "\n## ")[1:] {
		m.steps[step[:1]] = regexp.MustCompile(`(?m)^strait (.*)$`).FindAllString(step, -1)
	}
	m.create(ctx, t, m.copies[0])
	return m
}

// commands runs the commands of a step; what would run for ever does so once.
func (m *migration) commands(ctx context.Context, t *testing.T, step string) {
	t.Helper()
	if len(m.steps[step]) == 0 {
		t.Fatalf("the guide has no command in step %s", step)
	}
	for _, line := range m.steps[step] {
		args := strings.TrimPrefix(line, "strait ")
		if file, ok := strings.CutPrefix(args, "run "); ok && !strings.HasPrefix(file, "--once") {
			args = "run --once " + file
		}
		code, out, log := program(ctx, t, m.dir, nil, args)
		if code != 0 && (code != 3 || !strings.HasPrefix(args, "lint ")) {
			t.Fatalf("%s: exit code %d\n%s%s", line, code, out, log)
		}
	}
}

// mirrorMaker runs MirrorMaker 2 until everything has arrived, and meanwhile does
// something.
func (m *migration) mirrorMaker(ctx context.Context, t *testing.T, meanwhile func()) {
	t.Helper()
	mm := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: m.properties})
	c := m.copies[0]
	for deadline := time.Now().Add(limit); size(ctx, t, m.at[c.from], c.topic) != size(ctx, t, m.at[c.to], c.as); {
		if time.Now().After(deadline) {
			t.Fatal("MirrorMaker 2 has not copied everything")
		}
		<-time.After(50 * time.Millisecond)
	}
	meanwhile()
	if err := mm.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	m.compare(ctx, t)
}

// TestGuide goes through the guide for people who have MirrorMaker 2, with a real
// one: nothing is lost or copied twice at any step.
func TestGuide(t *testing.T) {
	kafka.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	m := newMigration(ctx, t)
	more := func() { write(ctx, t, m.at["dc1"], "orders", "dc1", 0) }

	m.mirrorMaker(ctx, t, func() { m.commands(ctx, t, "1") })
	for _, step := range []string{"2", "3"} {
		more()
		m.commands(ctx, t, step)
		m.compare(ctx, t)
	}
	more()
	m.mirrorMaker(ctx, t, func() {}) // step 4
	more()
	m.commands(ctx, t, "5")
	m.compare(ctx, t)
}
