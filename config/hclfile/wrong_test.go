package hclfile

import (
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
)

// TestOneCause has files with one thing wrong, of which one thing is said.
func TestOneCause(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"byte order mark":     {"\xef\xbb\xbf" + clusters, "1: the file starts with a byte order mark; save it as UTF-8 without a byte order mark"},
		"UTF-16":              {"\xff\xfec\x00l\x00", "0: the file is encoded in UTF-16; save it as UTF-8 without a byte order mark"},
		"UTF-16, big endian":  {"\xfe\xff\x00c\x00l", "0: the file is encoded in UTF-16; save it as UTF-8 without a byte order mark"},
		"UTF-16 without mark": {"c\x00l\x00", "0: the file is not text: it has bytes of value 0; name a text file, saved as UTF-8"},
		"a missing brace": {
			clusters + "cluster \"C\" {\n  bootstrap_servers = [\"c:1\"]\nflow \"A->B\" {}\n}\n",
			`6: no block "flow" in cluster "C"; flow stands outside all blocks: is there a "}" missing above?`,
		},
		"a misspelt attribute": {
			clusters + "cluster \"C\" {\n  bootstrap_server = [\"c:1\"]\n}\n",
			`5: no attribute "bootstrap_server" in cluster "C"; did you mean "bootstrap_servers"?`,
		},
		"positions of nothing": {
			clusters + "flow \"A->B\" {\n  positions {\n    topic = \"offsets\"\n  }\n}\n",
			`5: the positions block of flow "A->B" needs connector; add connector = ...`,
		},
		"a start that is nothing": {
			clusters + "flow \"A->B\" {\n  start = \"2026-01-31 08:00\"\n}\n",
			`5: start: "2026-01-31 08:00" must be a time from 1970 on with its offset to UTC, such as "2026-01-31T06:00:00Z" or "2026-01-31T07:00:00+01:00"; `,
		},
		"deletion of topics that may not be copies": {
			clusters + "flow \"A->B\" {\n  replication_policy = \"identity\"\n  delete_topics_enabled = true\n}\n",
			`6: delete_topics_enabled: needs replication_policy = "default", no stage "rename" or "partition", and another delivery than "transactional": else topics of the target may be more than copies; remove delete_topics_enabled, and delete such topics by hand`,
		},
		"positions twice": {
			clusters + "flow \"A->B\" {\n  positions {\n    topic     = \"o\"\n    connector = \"c\"\n  }\n  positions {}\n}\n",
			`9: flow "A->B" already has a positions block at f.hcl:5:3; `,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := read(tt.text)
			if len(problems) != 1 {
				t.Fatalf("got %v", problems)
			}
			d := problems[0]
			if got := string(rune('0'+d.Subject.Start.Line)) + ": " + d.Summary + "; " + d.Fix; got != tt.want {
				t.Errorf("got %s", got)
			}
			var shown strings.Builder
			if err := diag.Render(&shown, problems, nil); err != nil || strings.Contains(shown.String(), "\x00") {
				t.Errorf("%q, %v", shown.String(), err)
			}
		})
	}
}
