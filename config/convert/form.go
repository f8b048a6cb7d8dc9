package convert

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// maxEntries bounds what a form grows to: aliases of YAML can make much of a
// short text.
const maxEntries = 100_000

// form is a topology of another format in the keys of a properties file: what
// they mean is then MirrorMaker 2's to say. Its text has one entry to a line,
// with the comments above.
type form struct {
	text    strings.Builder
	entries [][]source     // of the entry with that index: what gave it; none for what only holds the form together
	values  map[string]int // entry by key
	written []string       // values by entry
	extra   []Key          // keys that gave no entry
	notes   []string
	// positions are what flows begin with, by their names.
	positions map[string]*model.Positions
	noted     map[string]bool
	full      bool
}

// source is a key of the original.
type source struct {
	name string
	at   diag.Range
}

func newForm() *form {
	return &form{positions: map[string]*model.Positions{}, values: map[string]int{}, noted: map[string]bool{}}
}

// set adds an entry. A key that is there already with another value is the
// user's to decide.
func (f *form) set(key, value string, from ...source) {
	if i, ok := f.values[key]; ok {
		if f.written[i] == value {
			f.entries[i] = append(f.entries[i], from...)
			return
		}
		for _, s := range from {
			f.extra = append(f.extra, Key{
				Name: s.name, At: s.at, State: NeedsYou, Code: diag.CodeDuplicateKey,
				Note: "another connector or resource gives " + key + " another value; one flow or cluster has one",
			})
		}
		return
	}
	if len(f.entries) >= maxEntries {
		f.full = true
		return
	}
	f.values[key] = len(f.entries)
	f.entries = append(f.entries, from)
	f.written = append(f.written, value)
	f.text.WriteString(escape(key, " :=#!") + "=" + escape(value, "") + "\n")
}

// usual adds an entry unless the key is there.
func (f *form) usual(key, value string) {
	if _, ok := f.values[key]; !ok {
		f.set(key, value)
	}
}

// comment puts lines above the next entry.
func (f *form) comment(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(strings.TrimLeft(line, "# ")); line != "" && !f.full {
			f.text.WriteString("# " + clean(line) + "\n")
		}
	}
}

// note says something about the whole, once.
func (f *form) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !f.noted[text] && len(f.notes) < maxEntries {
		f.notes, f.noted[text] = append(f.notes, text), true
	}
}

// ignore reports a key that has no part in the HCL.
func (f *form) ignore(from source, code, note string) {
	f.extra = append(f.extra, Key{Name: from.name, At: from.at, State: Ignored, Code: code, Note: note})
}

// needs reports a key that the user has to decide on.
func (f *form) needs(from source, code, note string) {
	f.extra = append(f.extra, Key{Name: from.name, At: from.at, State: NeedsYou, Code: code, Note: note})
}

// report turns the verdicts on the entries into verdicts on what gave them. One
// key of the original may have given several entries; the worst counts.
func (f *form) report(verdicts []Key) []Key {
	var keys []Key
	index := map[source]int{}
	for i, verdict := range verdicts {
		for _, s := range f.entries[i] {
			verdict.Name, verdict.At = s.name, s.at
			n, ok := index[s]
			if !ok {
				index[s] = len(keys)
				keys = append(keys, verdict)
				continue
			}
			to := slices.Concat(keys[n].To, verdict.To)
			if rank(verdict.State) > rank(keys[n].State) {
				keys[n] = verdict
			}
			keys[n].To = distinct(to)
		}
	}
	keys = append(keys, f.extra...)
	slices.SortStableFunc(keys, func(a, b Key) int { return comparePlaces(placeOf(a.At), placeOf(b.At)) })
	return keys
}

func rank(s State) int { return slices.Index([]State{Default, Ignored, Converted, NeedsYou}, s) }

func distinct(items []string) []string {
	var out []string
	for _, item := range items {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

// escape writes a key or a value of a properties file in ASCII; special are
// the characters that need a backslash beside the usual ones.
func escape(text, special string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\\' || strings.ContainsRune(special, r) || i == 0 && r == ' ':
			b.WriteString(`\` + string(r))
		case r < ' ' || r > '~':
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
