package examples_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// lab is one example with its files on real clusters.
type lab struct {
	run
	at      map[string]*kafka.Cluster
	dir     string
	environ []string
	granted map[string]printed // by cluster
	from    map[string]int     // where each cluster's decisions begin
}

func (r run) lab(t *testing.T, clusters []*kafka.Cluster) *lab {
	t.Helper()
	l := &lab{run: r, at: map[string]*kafka.Cluster{}}
	for i, c := range read(t, filepath.Join(root, r.name)).Clusters {
		l.at[c.Alias] = clusters[i]
	}
	l.dir, l.environ = place(t, r.name, l.at)
	return l
}

// grants makes what the command acls prints the only ACLs.
func (l *lab) grants(ctx context.Context, t *testing.T, form string) {
	t.Helper()
	l.granted, l.from = map[string]printed{}, map[string]int{}
	for _, p := range acls(ctx, t, l.dir, l.environ, form) {
		p.grant(ctx, t, l.at[p.Cluster])
		l.granted[p.Cluster] = p
		l.from[p.Cluster] = decided(t, l.at[p.Cluster])
	}
}

// mirror runs all flows up to the ends they see, as often as a record needs.
// The last pass has nothing to complain about.
func (l *lab) mirror(ctx context.Context, t *testing.T, form string) {
	t.Helper()
	for pass := range l.passes {
		code, _, log := program(ctx, t, l.dir, l.environ, "run --once "+form)
		if code != 0 {
			t.Fatalf("run: exit code %d:\n%s", code, log)
		}
		for line := range strings.Lines(log) {
			if pass == l.passes-1 && (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")) {
				t.Errorf("%s complains: %s", form, line)
			}
		}
	}
}

// crash runs all flows and kills the program as soon as everything has arrived,
// which is before it has stored its last positions.
func (l *lab) crash(ctx context.Context, t *testing.T, form string) {
	t.Helper()
	cmd := command(ctx, l.dir, l.environ, "run "+form)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(limit)
	for to, sources := range l.targets() {
		var want int64
		for _, c := range sources {
			want += size(ctx, t, l.at[c.from], c.topic)
		}
		for size(ctx, t, l.at[to.to], to.as) < want { // markers may be there as well
			if time.Now().After(deadline) {
				t.Errorf("not all of %s has arrived", to.as)
				break
			}
			<-time.After(20 * time.Millisecond)
		}
	}
	// What only the leader of the group does begins within a second of its lead, and
	// positions are stored after five.
	const grace = 2 * time.Second
	for began := time.Now(); len(l.audit(t)) > 0 && time.Since(began) < grace; {
		<-time.After(50 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}

// size returns how many offsets a topic has.
func size(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) (n int64) {
	t.Helper()
	ends, err := c.Admin().ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ends[topic] {
		n += max(p.Offset, 0)
	}
	return n
}

// compare compares all copies with what they are copies of.
func (l *lab) compare(ctx context.Context, t *testing.T) {
	t.Helper()
	for to, sources := range l.targets() {
		l.same(ctx, t, to.to, to.as, sources)
	}
	for _, c := range l.never {
		if topics, err := l.at[c.to].Admin().ListTopics(ctx, c.as); err != nil || topics.Has(c.as) && topics[c.as].Err == nil {
			t.Errorf("%s has the topic %s: %v", c.to, c.as, err)
		}
	}
}

// audit holds the clusters' decisions against what was granted, and returns
// what was of no use.
func (l *lab) audit(t *testing.T) (unused []string) {
	t.Helper()
	for alias, p := range l.granted {
		for _, a := range p.audit(t, l.at[alias], l.from[alias]) {
			unused = append(unused, fmt.Sprintf("%s: %v", alias, a))
		}
	}
	return unused
}

// online asks the clusters what is missing, as a user who may read ACLs:
// nothing, and then just the one that is taken away.
func (l *lab) online(ctx context.Context, t *testing.T, form string) {
	t.Helper()
	l.grants(ctx, t, form) // without those that the runs have copied
	reads := kafka.ACL{ResourceType: "CLUSTER", Name: "kafka-cluster", PatternType: "LITERAL", Operation: "DESCRIBE"}
	for alias, p := range l.granted {
		allow(ctx, t, l.at[alias], kadm.NewACLs().Allow(p.Principal).AllowHosts("*").Clusters().
			ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpDescribe))
		holds(ctx, t, l.at[alias], append(p.list(), reads))
	}
	for _, p := range acls(ctx, t, l.dir, l.environ, "--online "+form) {
		if len(p.ACLs) > 0 {
			t.Errorf("on %s is missing %v", p.Cluster, p.list())
		}
	}
	for alias, p := range l.granted {
		l.revoke(ctx, t, alias, p.first())
		lacks(ctx, t, l.at[alias], p.first())
	}
	for _, p := range acls(ctx, t, l.dir, l.environ, "--online "+form) {
		if want := []kafka.ACL{l.granted[p.Cluster].first()}; !slices.Equal(p.list(), want) {
			t.Errorf("on %s is missing %v, want %v", p.Cluster, p.list(), want)
		}
	}
}

// revoke takes an ACL away.
func (l *lab) revoke(ctx context.Context, t *testing.T, alias string, a kafka.ACL) {
	t.Helper()
	var op kadm.ACLOperation
	var pattern kadm.ACLPattern
	if err := errors.Join(op.UnmarshalText([]byte(a.Operation)), pattern.UnmarshalText([]byte(a.PatternType))); err != nil {
		t.Fatal(err)
	}
	b := kadm.NewACLs().AnyResource(a.Name).Allow().AllowHosts().ResourcePatternType(pattern).Operations(op)
	if _, err := l.at[alias].Admin().DeleteACLs(ctx, b); err != nil {
		t.Fatal(err)
	}
}

// command is the program with arguments, to be run in a directory.
func command(ctx context.Context, dir string, environ []string, args string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(os.Getenv(binaryVariable), "strait"), strings.Fields(args)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append(environ, "STRAIT_LOG_FORMAT=text")...)
	return cmd
}

// program runs the program in a directory and returns its exit code and both
// outputs.
func program(ctx context.Context, t *testing.T, dir string, environ []string, args string) (code int, out, log string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, dir, environ, args)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), stdout.String(), stderr.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, stdout.String(), stderr.String()
}
