package mm2

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
)

// maxHeartbeats bounds the pairs that are run for their heartbeats alone and
// that the file does not mention: they grow with the square of the clusters.
const maxHeartbeats = 1024

// pair is an ordered pair of clusters with a flow.
type pair struct {
	from, to string
	enabled  bool       // its records are copied
	runs     bool       // MirrorMaker 2 runs it, be it for its heartbeats
	at       diag.Range // first key of the flow; zero if there is none
	order    int        // position of that key
	java     *effective.Flow
}

func (p pair) name() string { return p.from + "->" + p.to }

func (p pair) prefix() string { return p.name() + "." }

// pairs returns the pairs that MirrorMaker 2 runs or that have a key of their
// own, in the order the file first mentions them.
func (r *reader) pairs() []pair {
	found := r.mentioned()
	sources := map[string]bool{}
	for _, p := range found {
		sources[p.from] = true
	}
	quiet, all := 0, r.enabledTopLevel()
	for _, p := range r.java.Pairs() {
		if quiet >= maxHeartbeats && !all && !sources[p.Source] {
			quiet++ // without the cost of its name
			continue
		}
		m, ok := found[p.Name()]
		if !ok {
			if quiet++; quiet > maxHeartbeats && !all {
				continue
			}
			m = &pair{from: p.Source, to: p.Target, order: len(r.doc.Entries) + quiet}
			found[p.Name()] = m
		}
		m.runs = true
	}
	if quiet > maxHeartbeats {
		r.add(diag.Infof(diag.CodeNoEffect, r.java.Typed()["clusters"].At,
			"%d pairs of clusters would only send heartbeats; %d of them are left out", quiet, quiet-maxHeartbeats).
			WithFix("set emit.heartbeats.enabled = false, and A->B.emit.heartbeats.enabled = true where it is wanted"))
	}
	list := make([]pair, 0, len(found))
	for _, p := range found {
		p.java = r.java.Flow(effective.Pair{Source: p.from, Target: p.to})
		p.enabled = r.enabled(*p)
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b pair) int {
		if a.order != b.order {
			return a.order - b.order
		}
		return strings.Compare(a.name(), b.name())
	})
	return list
}

// enabledTopLevel reports whether the top level enables pairs that the file
// does not mention: then all of them are flows.
func (r *reader) enabledTopLevel() bool {
	v, ok := r.java.Typed()["enabled"]
	return ok && strings.EqualFold(strings.TrimSpace(v.Text), "true")
}

// mentioned returns the pairs with a key of their own.
func (r *reader) mentioned() map[string]*pair {
	known, longest := map[string]bool{}, 0
	for _, alias := range r.aliases {
		known[alias] = true
		longest = max(longest, len(alias))
	}
	found := map[string]*pair{}
	for i, e := range r.doc.Entries {
		for _, end := range ends(e.Key, known, longest) {
			name := end[0] + "->" + end[1]
			if found[name] == nil {
				found[name] = &pair{from: end[0], to: end[1], at: e.KeyRange, order: i}
			}
		}
	}
	return found
}

// ends returns the pairs of known clusters that a key can be for: names may
// have dots and arrows in them.
func ends(key string, known map[string]bool, longest int) [][2]string {
	var out [][2]string
	for from := 0; from <= min(longest, len(key)); from++ {
		rest, ok := strings.CutPrefix(key[from:], "->")
		if !ok || !known[key[:from]] {
			continue
		}
		for to := 1; to <= min(longest, len(rest)-1); to++ {
			if rest[to] == '.' && known[rest[:to]] && rest[:to] != key[:from] {
				out = append(out, [2]string{key[:from], rest[:to]})
			}
		}
	}
	return out
}

// enabled says whether MirrorMaker 2 would copy the records of p: it runs the
// pair, and the connector reads "enabled" trimmed, from the flow or the top
// level.
func (r *reader) enabled(p pair) bool {
	r.lookup(p.prefix()+"enabled", "enabled", p.prefix()+"emit.heartbeats.enabled", "emit.heartbeats.enabled")
	v := p.java.Connector["enabled"]
	if !v.Written() {
		return false
	}
	own := r.value(v)
	on := false
	if problem := field.Bool(&on, "enabled", "").Set(field.Properties, field.Value{Text: own.text, Sensitive: own.sensitive}); problem != nil {
		r.place(*problem, own)
	}
	if on && !p.runs {
		r.add(diag.Warnf(diag.CodeBadValue, own.at,
			"%s has a blank around \"true\", which MirrorMaker 2 reads as false", own.key).WithFix("remove the blank at the end of the line"))
	}
	return on && p.runs
}
