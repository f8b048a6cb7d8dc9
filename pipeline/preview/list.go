package preview

import (
	"bytes"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// maxName is the most characters of a topic's name (Kafka's
// Topic.MAX_NAME_LENGTH).
const maxName = 249

// maxProblems is how many bad lines of a list are reported: a file of another
// kind has nothing else.
const maxProblems = 20

// ParseList reads names of topics, one a line, as kafka-topics.sh --list prints
// them. Blank lines and those that begin with "#" are left out. What is no name
// of a topic is an Error.
func ParseList(file string, text []byte) ([]string, diag.List) {
	var names []string
	var problems diag.List
	number, offset := 0, 0
	for raw := range bytes.Lines(text) {
		number++
		start := offset
		offset += len(raw)
		name := strings.TrimSpace(string(raw))
		switch {
		case name == "" || strings.HasPrefix(name, "#"):
		case legal(name):
			names = append(names, name)
		case len(problems) < maxProblems:
			end := start + len(bytes.TrimRight(raw, "\r\n"))
			problems.Add(diag.Errorf(diag.CodeBadValue, diag.Range{
				File:  file,
				Start: diag.Pos{Line: number, Column: 1, Byte: start},
				End:   diag.Pos{Line: number, Column: 1 + end - start, Byte: end},
			}, "this line is not the name of a topic").
				WithFix("write one name a line, of letters, digits, '.', '_' and '-', as kafka-topics.sh --list does"))
		}
	}
	return names, problems
}

// legal reports whether a topic can be called name.
func legal(name string) bool {
	return len(name) <= maxName && name != "." && name != ".." && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}
