package examples_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/integration/kafka"
)

// checkClients mirrors with clients that have users of their own, as a properties
// file may give them: each is granted what it needs, and nothing that it has no
// use for.
func checkClients(t *testing.T, clusters []*kafka.Cluster) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	jaas := func(user string) string {
		return "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"" + user + "\" password=\"of-" + user + "\";"
	}
	text := "clusters = a, b\na->b.enabled = true\na->b.topics = clients\nreplication.factor = -1\n" +
		"offset-syncs.topic.replication.factor = -1\ncheckpoints.topic.replication.factor = -1\nheartbeats.topic.replication.factor = -1\n" +
		"offset.storage.replication.factor = -1\noffset-syncs.topic.location = target\nsync.topic.acls.enabled = false\n" +
		"a->b.source.consumer.sasl.jaas.config = " + jaas("reader") + "\n" +
		"a->b.producer.override.sasl.jaas.config = " + jaas("writer") + "\n"
	for i, alias := range []string{"a", "b"} {
		text += alias + ".bootstrap.servers = " + clusters[i].Bootstrap()[0] + login(alias, false) + "\n"
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mm2.properties"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := map[string]*kafka.Cluster{"a": clusters[0], "b": clusters[1]}
	from := map[string]int{}
	for alias, c := range at {
		if _, err := c.Admin().DeleteACLs(ctx, everything()); err != nil {
			t.Fatal(err)
		}
		from[alias] = decided(t, c)
	}
	all := acls(ctx, t, dir, nil, "mm2.properties")
	for _, p := range all {
		for _, line := range p.Commands {
			allow(ctx, t, at[p.Cluster], ruleOf(t, line, p.Principal))
		}
		holds(ctx, t, at[p.Cluster], p.list())
	}
	l := &lab{at: at}
	l.create(ctx, t, copied{from: "a", topic: "clients"})
	for pass := range 2 {
		write(ctx, t, at["a"], "clients", "a", forgotten)
		if code, _, log := program(ctx, t, dir, nil, "run --once mm2.properties"); code != 0 {
			t.Fatalf("pass %d: exit code %d:\n%s", pass, code, log)
		}
	}
	l.same(ctx, t, "b", "a.clients", []copied{{from: "a", topic: "clients"}})
	// Heartbeats, the proof after a crash and sharing are used where the examples
	// run, not by a pass to the end.
	elsewhere := map[string]bool{"heartbeats": true, "a.heartbeats": true, "a.clients": true, "a-mm2-strait": true}
	var users, unused []string
	for _, p := range all {
		users = append(users, p.Cluster+" "+p.Principal)
		decisions, err := at[p.Cluster].Audit()
		if err != nil {
			t.Fatal(err)
		}
		used := map[kafka.ACL]bool{}
		for _, d := range decisions[from[p.Cluster]:] {
			if d.Principal == p.Principal {
				used[d.ACL] = true
			}
			if !d.Allowed && !strings.HasSuffix(d.Principal, "ANONYMOUS") {
				t.Errorf("on %s a permission is missing: %v", p.Cluster, d)
			}
		}
		for _, a := range p.list() {
			if !used[a] && !elsewhere[a.Name] {
				unused = append(unused, fmt.Sprintf("%s of %s: %v", p.Principal, p.Cluster, a))
			}
		}
	}
	slices.Sort(users)
	if want := []string{"a User:mirror", "a User:reader", "b User:mirror", "b User:writer"}; !slices.Equal(users, want) {
		t.Errorf("ACLs for %v, want %v", users, want)
	}
	if len(unused) > 0 {
		t.Errorf("superfluous permissions:\n%s", strings.Join(unused, "\n"))
	}
}
