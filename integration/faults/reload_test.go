package faults

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// save writes a text over the mirror's topology, in one of the ways that people
// and programs do.
func (m *Mirror) save(text string, rnd *rand.Rand) error {
	path := m.file("strait.hcl")
	switch rnd.IntN(4) {
	case 0: // in place
		return os.WriteFile(path, []byte(text), 0o600)
	case 1: // another file in its place
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	case 2: // in two halves
		if err := os.WriteFile(path, []byte(text[:len(text)/2]), 0o600); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text[len(text)/2:])
		return cmp.Or(err, f.Close())
	default: // away, and back
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o600)
	}
}

// edits are topologies that a good one may be edited into. All of them mirror what
// the good one does, or are refused.
func edits(good string) map[string]string {
	within := func(line string) string { return strings.Replace(good, "\n}\n", "\n"+line+"\n}\n", 1) }
	last := func(line string) string {
		i := strings.LastIndex(good, "}")
		return good[:i] + line + "\n}\n"
	}
	return map[string]string{
		"another filter":         last(`topics_exclude = ["none.*"]`),
		"a topic less":           last(`topics_exclude = ["reload-plain-1"]`),
		"two topics less":        last(`topics_exclude = ["reload-tx-0", "reload-plain-2"]`),
		"other intervals":        last("refresh_topics_interval = \"1s\"\nemit_checkpoints_interval = \"1s\"\ngroups_exclude = [\"x.*\"]"),
		"another budget":         last(`buffer_memory = "48MiB"`),
		"other fetches":          last(`max_partition_fetch_bytes = "256KiB"`),
		"a pause":                last(`paused = true`),
		"tolerance":              last(`errors_tolerance = "all"`),
		"a client id":            within(`  client_id = "renamed"`),
		"a pair more":            good + "\nflow \"b->a\" {\n  topics = [\"nothing\"]\n}\n",
		"a flow beside":          good + "\nflow \"beside\" {\n  from = \"a\"\n  to = \"b\"\n  topics = [\"nothing\"]\n  owns_offsets = false\n}\n",
		"a topic changes flows":  last(`topics_exclude = ["reload-plain-1"]`) + "\nflow \"beside\" {\n  from = \"a\"\n  to = \"b\"\n  topics = [\"reload-plain-1\"]\n}\n",
		"half a file":            good[:len(good)*2/3],
		"nothing":                "",
		"an unknown key":         last(`topcis = ["x"]`),
		"brackets":               strings.Repeat("[", 20_000),
		"a cluster that is down": strings.Replace(good, "cluster \"b\"", "cluster \"c\" {\n  bootstrap_servers = [\"127.0.0.1:1\"]\n}\nflow \"a->c\" {}\ncluster \"b\"", 1),
		"a renamed target":       last(`replication_policy = "identity"`),
	}
}

// testReload edits the topology while producers write: every record arrives once
// and in order, whatever the file says meanwhile.
func testReload(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 9)) // not a secret
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "reload-", Seed: s}})
	good := tr.Mirror.topology()
	all := edits(good)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	saved := 0
	for ctx.Err() == nil {
		text := good
		if rnd.IntN(4) > 0 {
			text = all[names[rnd.IntN(len(names))]]
		}
		if err := tr.Mirror.save(text, rnd); err != nil {
			t.Fatal(err)
		}
		saved++
		_ = pause(ctx, between(rnd, 20, 1500))
	}
	if err := tr.Mirror.save(good+fmt.Sprintf("\n# edit %d\n", saved), rnd); err != nil {
		t.Fatal(err)
	}
	tr.Verdict(false)
	log := tr.Mirror.Output()
	live := strings.Count(log, "flow updated while it runs")
	applied, refused := strings.Count(log, "edit applied"), strings.Count(log, "the edit was not applied")
	t.Logf("%d edits were saved, %d applied, %d of them while the flow ran, %d refused", saved, applied, live, refused)
	if applied == 0 || refused == 0 || live == 0 {
		t.Error("the storm put nothing to the test")
	}
	if n := strings.Count(log, "exact position not proven"); n > 0 {
		t.Errorf("%d partitions did not know where to go on", n)
	}
}
