package lint

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
	"github.com/strait-mirror/strait/config/props"
)

// waiverMark starts a comment that waives findings:
//
//	# strait:ignore ST402 the pattern is tested by hand
//
// on the line of the finding or above it.
const waiverMark = "strait:ignore"

// waiver is one such comment.
type waiver struct {
	at      diag.Range
	ids     []string
	problem string // why it waives nothing
	fix     string
	first   int // lines it is about
	last    int
	used    map[string]bool // by id
}

// waivers holds those of a topology by file and line.
type waivers struct {
	list   []*waiver
	byLine map[line][]*waiver
	rules  map[string]Rule // by id
}

type line struct {
	file   string
	number int
}

// maxSpan is how many lines a waiver is looked up by; a longer value of a
// properties file is waived in its first lines only.
const maxSpan = 10_000

// readWaivers finds the waivers in every file.
func readWaivers(src *diag.Sources) *waivers {
	w := &waivers{byLine: map[line][]*waiver{}, rules: map[string]Rule{}}
	for _, r := range Rules() {
		w.rules[r.ID] = r
	}
	for _, name := range src.Files() {
		text, _ := src.Text(name)
		if !strings.Contains(string(text), waiverMark) {
			continue
		}
		for _, c := range comments(name, text) {
			rest, ok := strings.CutPrefix(c.Text, waiverMark)
			if !ok || rest != "" && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "\t") {
				continue
			}
			w.add(w.parse(c, rest))
		}
	}
	return w
}

// comments reads the comments of a file in its language.
func comments(name string, text []byte) []diag.Comment {
	if filepath.Ext(name) == ".properties" {
		doc, _ := props.Parse(name, text, props.Latin1) // reported by the reader
		return doc.Comments
	}
	return hclfile.Comments(name, text)
}

func (w *waivers) add(n *waiver) {
	w.list = append(w.list, n)
	for i := n.first; i <= n.last && i < n.first+maxSpan && i > 0; i++ {
		at := line{n.at.File, i}
		w.byLine[at] = append(w.byLine[at], n)
	}
}

// parse reads "ST402,ST203 reason".
func (w *waivers) parse(c diag.Comment, rest string) *waiver {
	n := &waiver{at: c.Range, first: c.First, last: c.Last, used: map[string]bool{}}
	list, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	for id := range strings.SplitSeq(list, ",") {
		rule, known := w.rules[id]
		if !known {
			_, err := Lookup(id)
			n.problem, n.fix = "the comment waives nothing: it names no rule", "write # "+waiverMark+" ST402 and the reason"
			if err != nil && list != "" {
				n.problem, n.fix = "the comment waives nothing: "+err.Error(), ""
			}
			return n
		}
		n.ids = append(n.ids, rule.ID)
	}
	if strings.TrimSpace(reason) == "" {
		n.problem, n.fix = "the comment waives nothing: it gives no reason", "write why behind "+list
	}
	return n
}

// apply takes out what is waived and returns how much that was.
func (w *waivers) apply(problems diag.List) (diag.List, int) {
	before := len(problems)
	problems = slices.DeleteFunc(problems, func(d diag.Diagnostic) bool {
		waived := false
		for _, n := range w.byLine[line{d.Subject.File, d.Subject.Start.Line}] {
			if n.problem == "" && slices.Contains(n.ids, d.Code) {
				n.used[d.Code], waived = true, true
			}
		}
		return waived
	})
	return problems, before - len(problems)
}

// problems reports waivers that are wrong or waive nothing. Nothing can be said
// of a rule that was not applied.
func (w *waivers) problems(p Params) diag.List {
	wrong, unused := reporter{rule: w.rules[diag.CodeWaiver]}, reporter{rule: w.rules[diag.CodeUnusedWaiver]}
	for _, n := range w.list {
		if n.problem != "" {
			wrong.add(n.at, n.fix, "%s", n.problem)
			continue
		}
		for _, id := range n.ids {
			if !n.used[id] && (p.Ask != nil || !w.rules[id].Online) && !p.ignores(id) {
				unused.add(n.at, "remove it", "nothing here breaks %s", id)
			}
		}
	}
	list := slices.Concat(wrong.list, unused.list)
	return slices.DeleteFunc(list, func(d diag.Diagnostic) bool { return p.ignores(d.Code) })
}
