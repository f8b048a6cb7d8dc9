package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// State is what became of a key.
type State string

// The states.
const (
	Converted State = "converted" // the HCL says it
	Default   State = "default"   // it is what HCL does anyway, so nothing is written
	Ignored   State = "ignored"   // it has no effect here, or had none where it stood
	NeedsYou  State = "needs_you" // nothing in the HCL stands for it: a decision is wanted
)

// Key is one key of the files that were read and what became of it.
type Key struct {
	Name  string
	At    diag.Range
	State State
	To    []string // what in the HCL says it, such as `flow "A->B": topics`
	Code  string   // of the rule behind an ignored key or one that needs you; may be empty
	Note  string   // why, or what to do
}

// Variable is an environment variable that the HCL reads and the files did not:
// it takes the place of a secret that was written out.
type Variable struct {
	Name string
	For  string // the attribute that reads it
	Note string // where the value is found now
}

// Report is what became of everything that was read.
type Report struct {
	Format    Format
	Files     []string
	Keys      []Key
	Variables []Variable
	Notes     []string // about the whole, such as the position store of a Connect cluster
	// Problems are those of the files that belong to no key.
	Problems diag.List
	// Differences say where the HCL, read again, means something else than the
	// files. Each needs the user.
	Differences []string
}

// Count returns how many keys are in the state s.
func (r Report) Count(s State) int {
	n := 0
	for _, k := range r.Keys {
		if k.State == s {
			n++
		}
	}
	return n
}

// Complete reports whether nothing is left to the user's decision.
func (r Report) Complete() bool {
	return r.Count(NeedsYou) == 0 && len(r.Differences) == 0 && !r.Problems.HasErrors()
}

// Summary is the report in one line: "41 keys converted, 3 ignored (ST306), 1
// needs you (ST307)".
func (r Report) Summary() string {
	keys := "keys"
	if r.Count(Converted) == 1 {
		keys = "key"
	}
	parts := []string{fmt.Sprintf("%d %s converted", r.Count(Converted), keys)}
	for _, s := range []struct {
		state    State
		one, all string
	}{{Default, "default", "default"}, {Ignored, "ignored", "ignored"}, {NeedsYou, "needs you", "need you"}} {
		n := r.Count(s.state)
		if n == 0 {
			continue
		}
		words := s.all
		if n == 1 {
			words = s.one
		}
		parts = append(parts, fmt.Sprintf("%d %s%s", n, words, r.codes(s.state)))
	}
	if n := len(r.Differences) + r.Problems.Count(diag.Error); n > 0 {
		parts = append(parts, fmt.Sprintf("%d to check by hand", n))
	}
	return strings.Join(parts, ", ")
}

// codes lists the codes of the keys in a state, in brackets.
func (r Report) codes(s State) string {
	var codes []string
	for _, k := range r.Keys {
		if k.State == s && k.Code != "" && !slices.Contains(codes, k.Code) {
			codes = append(codes, k.Code)
		}
	}
	if len(codes) == 0 {
		return ""
	}
	slices.Sort(codes)
	return " (" + strings.Join(codes, ", ") + ")"
}
