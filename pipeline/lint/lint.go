// Package lint owns the rules a topology is held to beyond what it takes to run
// it: what is declared about each, the checks, comments that waive one, and the
// baseline of findings that are let be. It reads and judges; printing is
// package cmd/strait/internal/view, and package format writes its findings in
// the forms other programs read.
package lint

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/transforms/chain"
)

// Params is what Run needs. A zero optional field means its default.
type Params struct {
	Paths []string     // files and directories that make one topology
	Load  load.Options // how they are read; Sources and AllowMissing are Run's
	// Read reads a topology that is in no such files; default load.Load of Paths.
	Read     func(load.Options) (*model.Config, diag.List)
	Ignore   []string // ids of rules that are left out
	Baseline Baseline // findings that are let be

	// Ask asks a cluster of a topology without errors for facts, and what is
	// wanted beyond. It is called for several clusters at a time. Nil leaves out
	// the rules that need it.
	Ask func(c *model.Cluster, wanted survey.Wanted) Answer

	// Positions reads the positions of a flow whose clusters answered; several at
	// a time. Nil: none are known.
	Positions func(cfg *model.Config, f *model.Flow) ([]position.Anchor, error)

	Stat func(path string) (os.FileInfo, error) // default os.Stat
	Now  func() time.Time                       // default time.Now
}

// Answer is what a cluster said, or why it did not.
type Answer struct {
	Facts *survey.Facts
	Err   error
}

// Report is what Run found.
type Report struct {
	Findings []Finding     // in the order of files and places
	Files    []string      // that were read
	Waived   int           // findings that a comment waives
	Known    int           // findings that the baseline has
	Gone     int           // entries of the baseline that were not found again
	Sources  *diag.Sources // the text of Files
	Config   *model.Config // the topology as far as it could be read

	// Unreachable says why clusters could not be asked. A refused login is a
	// finding.
	Unreachable []error
	// NotAsked says that the clusters were not asked, since the text has errors.
	NotAsked bool
}

// Finding is one problem. Its texts hold no control characters and no secrets.
type Finding struct {
	diag.Diagnostic
	// Fingerprint is the same after lines were moved: it is made of the rule,
	// the file and the text of the line.
	Fingerprint string
}

// Count returns how many findings have the severity s.
func (r *Report) Count(s diag.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// List is the findings as diagnostics.
func (r *Report) List() diag.List {
	list := make(diag.List, len(r.Findings))
	for i, f := range r.Findings {
		list[i] = f.Diagnostic
	}
	return list
}

// Run reads the topology and applies the rules. A text that cannot be read is
// a finding; the error says that Ignore names no rule.
func Run(p Params) (*Report, error) {
	p = withDefaults(p)
	if err := checkIDs(p.Ignore); err != nil {
		return nil, err
	}
	src := &diag.Sources{}
	p.Load.Sources, p.Load.AllowMissing = src, true
	cfg, problems := p.Read(p.Load)
	t := newTopology(cfg, src, p)
	problems.Add(t.patterns()...)
	t.broken = problems.HasErrors()
	online := p.Ask != nil && !t.broken
	if online {
		t.ask(p)
	}
	problems.Add(apply(t, func(r Rule) bool { return online || !r.Online })...)
	report := conclude(t, problems, p)
	report.Unreachable, report.NotAsked = t.unreachable(), p.Ask != nil && !online
	return report, nil
}

// AtStart applies the rules run warns of. src has the text cfg was read from;
// broken says that there were errors in it. What lint calls an error is a
// warning: MirrorMaker 2 starts with such a topology.
func AtStart(cfg *model.Config, src *diag.Sources, broken bool) diag.List {
	t := newTopology(cfg, src, withDefaults(Params{}))
	t.broken = broken
	list := apply(t, func(r Rule) bool { return r.AtStart })
	for i := range list {
		list[i].Severity = max(list[i].Severity, diag.Warning)
	}
	return list
}

func withDefaults(p Params) Params {
	if p.Load.Env == nil {
		p.Load.Env = os.LookupEnv
	}
	if p.Read == nil {
		p.Read = func(o load.Options) (*model.Config, diag.List) { return load.Load(p.Paths, o) }
	}
	if p.Stat == nil {
		p.Stat = os.Stat
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	return p
}

// ignores reports whether a rule is left out.
func (p Params) ignores(id string) bool {
	return slices.ContainsFunc(p.Ignore, func(i string) bool { return strings.EqualFold(i, id) })
}

func checkIDs(ids []string) error {
	for _, id := range ids {
		if _, err := Lookup(id); err != nil {
			return err
		}
	}
	return nil
}

// apply runs the checks of the rules that which selects.
func apply(t *topology, which func(Rule) bool) diag.List {
	var found diag.List
	for _, rule := range Rules() {
		if rule.check == nil || !which(rule) {
			continue
		}
		r := reporter{rule: rule}
		rule.check(t, &r)
		found.Add(r.list...)
	}
	return found
}

// conclude takes out what is ignored, waived or known.
func conclude(t *topology, problems diag.List, p Params) *Report {
	problems = slices.DeleteFunc(problems, func(d diag.Diagnostic) bool {
		return p.ignores(d.Code)
	})
	report := &Report{Files: t.src.Files(), Sources: t.src, Config: t.cfg}
	w := readWaivers(t.src)
	problems, report.Waived = w.apply(problems)
	problems.Add(w.problems(p)...)
	problems.Sort()
	problems = slices.Compact(problems)
	for i := range problems {
		problems[i] = printable(problems[i])
	}
	all := fingerprinted(problems, t.src)
	report.Findings, report.Known = p.Baseline.without(all)
	report.Gone = len(p.Baseline.known) - report.Known
	return report
}

// printable replaces what a terminal or another program could take for more
// than text. The file name stays: it has to be found.
func printable(d diag.Diagnostic) diag.Diagnostic {
	d.Summary, d.Fix = Printable(d.Summary), Printable(d.Fix)
	return d
}

// Printable writes control characters, also those that change the direction of
// writing, as Go would in a string: "\x1b".
func Printable(s string) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// patterns checks the regular expressions, whose meaning is a matter of
// transforms. A pair that only sends heartbeats has the patterns of the others.
func (t *topology) patterns() diag.List {
	var problems diag.List
	for _, f := range t.cfg.Flows {
		if f.HeartbeatsOnly {
			continue
		}
		c, bad := chain.ForFlow(f)
		problems.Add(bad...)
		if !bad.HasErrors() {
			t.chains[f], t.selections[f] = c, c.Topics()
		}
	}
	return problems
}
