package stagetest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/pipeline/stagetest"
)

// run runs the tests of a topology whose flow has the given body.
func run(t *testing.T, flow, tests string) string {
	t.Helper()
	text := "cluster \"a\" {\n  bootstrap_servers = [\"a:1\"]\n}\ncluster \"b\" {\n  bootstrap_servers = [\"b:1\"]\n}\nflow \"a->b\" {\n" + flow + "\n}\n" + tests
	cfg, problems := load.Load([]string{"f.hcl"}, load.Options{
		Env: func(string) (string, bool) { return "", false }, Sources: &diag.Sources{},
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	var got []string
	for _, r := range stagetest.Run(cfg, func(string) bool { return true }) {
		for _, f := range r.Failures {
			got = append(got, fmt.Sprintf("%s: %s", r.Test.Name, f.Text))
		}
	}
	return strings.Join(got, "\n")
}

func TestRun(t *testing.T) {
	cases := map[string]struct{ flow, tests, want string }{
		"names and partitions": {
			"topics = [\".*\"]\ntransform \"rename\" \"r\" {\nprefix = \"x.\"\n}\ntransform \"partition\" \"p\" {\nmapping = \"modulo\"\npartitions = 4\n}",
			"test \"t\" {\ninput {\ntopic = \"o\"\npartition = 6\n}\nexpect {\ntopic = \"x.o\"\npartition = 2\n}\n}", "",
		},
		"the target's partitions": {
			"topics = [\".*\"]\ntransform \"partition\" \"p\" {\nmapping = \"modulo\"\n}",
			"test \"t\" {\ninput {\ntopic = \"o\"\n}\nexpect {\npartition = 0\n}\n}", "t: partition is known to the target alone, expected 0",
		},
		"offsets follow": {
			"topics = [\".*\"]\ntransform \"filter\" \"f\" {\nwhen = \"offset != 11\"\n}",
			"test \"t\" {\ninput {\ntopic = \"o\"\noffset = 10\n}\ninput {\ntopic = \"o\"\n}\ninput {\ntopic = \"o\"\nkey = \"\"\n}\nexpect {\noffset = 10\nkey = null\n}\nexpect {\noffset = 12\nkey = null\n}\n}",
			`t: key is "", expected null`,
		},
		"not expected": {
			"topics = [\".*\"]", "test \"t\" {\ninput {\ntopic = \"o\"\nvalue = \"v\"\n}\n}",
			`t: came out and was not expected: topic "a.o", key null, value "v", headers {}`,
		},
		"an internal topic": {
			"topics = [\".*\"]", "test \"t\" {\ninput {\ntopic = \"__consumer_offsets\"\n}\n}", "",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := run(t, c.flow, c.tests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
