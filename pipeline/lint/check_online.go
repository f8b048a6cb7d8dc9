package lint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// pair is a flow between clusters that are both known.
type pair struct {
	t              *topology
	flow           *model.Flow
	source, target *survey.Facts
	topics         []string // that the flow copies, in order; no heartbeats
}

// pairs returns the enabled flows whose clusters answered, with their topics.
func (t *topology) pairs() []pair {
	if t.known != nil {
		return t.known
	}
	t.known = []pair{}
	for _, f := range t.enabled {
		source, target := t.facts[f.From], t.facts[f.To]
		selection := t.selections[f]
		if source == nil || target == nil || selection == nil {
			continue
		}
		p := pair{t: t, flow: f, source: source, target: target}
		for _, name := range slices.Sorted(maps.Keys(source.Topics)) {
			if d := selection.Decide(name); d.Copy && d.Why == filter.Included {
				p.topics = append(p.topics, name)
			}
		}
		t.known = append(t.known, p)
	}
	return t.known
}

// at is where the selection of the flow was written.
func (p pair) at() diag.Range { return orRange(p.flow.Ranges.Of("topics"), p.flow) }

// remote is what a topic is called on the target.
func (p pair) remote(topic string) string { return p.t.remote(p.flow, topic) }

// each calls look for every topic that has a copy already, and reports the
// names it says yes to in one finding.
func (p pair) each(r *reporter, fix, what string, look func(source, target survey.Topic) bool) {
	var names []string
	for _, name := range p.topics {
		copied, there := p.target.Topics[p.remote(name)]
		if there && look(p.source.Topics[name], copied) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		r.add(p.at(), fix, "flow %q: %s: %s", p.flow.Name, what, some(names))
	}
}

// some lists up to three names.
func some(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

// checkSameCluster finds two names for one cluster.
func checkSameCluster(t *topology, r *reporter) {
	first := map[string]string{}
	for _, c := range t.cfg.Clusters {
		f := t.facts[c.Alias]
		if f == nil || f.ID == "" {
			continue
		}
		if other, known := first[f.ID]; known {
			r.add(c.Range, "correct bootstrap_servers of one of the two", "clusters %q and %q are the same one: both have the id %s", other, c.Alias, f.ID)
			continue
		}
		first[f.ID] = c.Alias
	}
}

// checkExpected finds clusters that are not those that were meant.
func checkExpected(t *topology, r *reporter) {
	for _, c := range t.cfg.Clusters {
		f := t.facts[c.Alias]
		if f != nil && f.ID != "" && c.ExpectClusterID != "" && f.ID != c.ExpectClusterID {
			r.add(place(c, "expect_cluster_id"), "correct bootstrap_servers, or expect_cluster_id where this is the right cluster",
				"cluster %q has the id %s, not %s", c.Alias, f.ID, c.ExpectClusterID)
		}
	}
}

// checkHeartbeats finds heartbeats that went round.
func checkHeartbeats(t *topology, r *reporter) {
	for _, c := range t.cfg.Clusters {
		f := t.facts[c.Alias]
		if f == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(f.Topics)) {
			parts := strings.Split(name, ".")
			if n := len(parts); n > 2 && parts[n-1] == rename.Heartbeats && parts[n-2] == parts[n-3] {
				r.add(c.Range, "find the mirror that copies it and exclude its topic, then delete the topic",
					"cluster %q has the topic %q: heartbeats are copied in a circle", c.Alias, name)
			}
		}
	}
}

// checkRefused finds logins that clusters refuse.
func checkRefused(t *topology, r *reporter) {
	for _, c := range t.cfg.Clusters {
		if refused, ok := errors.AsType[*survey.RefusedError](t.unknown[c.Alias]); ok {
			r.add(place(c, "sasl.password", "sasl.username", "security_protocol"), "correct the login; the cause names what the cluster expects", "%s", refused)
		}
	}
}

// checkUncommitted finds flows that copy what transactions take back.
func checkUncommitted(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if p.flow.IsolationLevel == model.ReadUncommitted && p.source.Transactions > 0 {
			r.add(orRange(p.flow.Ranges.Of("isolation_level"), p.flow), "remove isolation_level, so that it is read_committed",
				"flow %q: cluster %q has transactions, whose aborted records are copied", p.flow.Name, p.flow.From)
		}
	}
}

// checkMatches finds patterns that select nothing.
func checkMatches(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		all := slices.Sorted(maps.Keys(p.source.Topics))
		for i, text := range p.flow.Topics {
			at := orRange(p.flow.Ranges.Of(model.Element("topics", i)), p.flow)
			one, problems := filter.Compile([]filter.Pattern{{Text: text, At: at}})
			if problems.HasErrors() || matchesAny(one, all) {
				continue
			}
			fix := "check the name, and that our user may DESCRIBE the topic"
			if name, ok := literal(text); ok {
				if near := field.Suggest(name, all); near != "" {
					fix = fmt.Sprintf("did you mean %q?", near)
				}
			}
			r.add(at, fix, "flow %q: %q matches no topic of cluster %q", p.flow.Name, text, p.flow.From)
		}
	}
}

func matchesAny(one *filter.Patterns, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok, err := one.Match(name)
		return ok || err != nil
	})
}

// checkReplicas finds replication factors the target cannot give.
func checkReplicas(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if n := int(p.flow.ReplicationFactor); n > p.target.Brokers {
			r.add(orRange(p.flow.Ranges.Of("replication_factor"), p.flow), "lower replication_factor, or -1 for the broker's default",
				"flow %q: replication_factor is %d, but cluster %q has %d brokers", p.flow.Name, n, p.flow.To, p.target.Brokers)
		}
	}
}

// checkInsync finds replication factors that leave no broker to spare.
func checkInsync(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if n := int(p.flow.ReplicationFactor); n > 0 && n < p.target.MinInsync {
			r.add(orRange(p.flow.Ranges.Of("replication_factor"), p.flow), "raise replication_factor",
				"flow %q: replication_factor is %d, but cluster %q wants %d replicas in sync for every write", p.flow.Name, n, p.flow.To, p.target.MinInsync)
		}
	}
}

// checkPermissions finds what our users may not do.
func checkPermissions(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		missing, create := 0, false
		for _, name := range p.topics {
			copied, there := p.target.Topics[p.remote(name)]
			if grant, denied := survey.Denies(p.source.Topics[name].Denied, "READ"); denied {
				r.permission(p, p.flow.From, "READ topic "+name, grant, &missing)
			}
			if grant, denied := survey.Denies(copied.Denied, "WRITE"); denied {
				r.permission(p, p.flow.To, "WRITE topic "+p.remote(name), grant, &missing)
			}
			create = create || !there
		}
		if grant, denied := survey.Denies(p.target.Denied, "CREATE"); create && denied {
			r.permission(p, p.flow.To, "CREATE topics", grant, new(int))
		}
		if more := missing - maxPermissions; more > 0 {
			r.add(p.at(), "grant them on a prefix of the names", "flow %q: %d more permissions are missing", p.flow.Name, more)
		}
	}
}

// maxPermissions is how many missing permissions of a flow are reported one by
// one.
const maxPermissions = 20

func (r *reporter) permission(p pair, alias, what, grant string, missing *int) {
	if *missing++; *missing <= maxPermissions {
		r.add(p.at(), grant, "flow %q: our user on cluster %q may not %s", p.flow.Name, alias, what)
	}
}
