package badinput

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 64
	exitConfig = 78

	exitNothing = -1 // in a table whose zero means another code
)

// fileTest is one run that ends before anything is dialed.
type fileTest struct {
	name, text string // of the file; no name: none is written
	args       string // default "run NAME"
	code       int    // default exitConfig; exitNothing: 0
	want       string // the whole of stderr
}

func fileTests() map[string]fileTest {
	const clusters = `cluster "a" { bootstrap_servers = ["127.0.0.1:1"] }
cluster "b" { bootstrap_servers = ["127.0.0.1:1"] }
`
	return map[string]fileTest{
		"no file": {args: "run", code: exitUsage, want: `
strait: error: run needs at least one file
  fix: run "strait run --help" for its arguments
`},
		"missing file": {args: "run nowhere.hcl", want: `
nowhere.hcl: error: cannot read: no such file or directory (ST017)
`},
		"file below a file": {name: "a.hcl", args: "run a.hcl/b.hcl", want: `
a.hcl/b.hcl: error: cannot read: not a directory (ST017)
`},
		"empty file": {name: "empty.hcl", want: `
empty.hcl: warning: no flow is enabled, so nothing is mirrored (ST110)
  fix: in HCL add flow "A->B" {}, in a properties file A->B.enabled = true
strait: error: no flow is enabled, so there is nothing to run
`},
		"unknown extension": {name: "mirror.yaml", text: clusters, want: `
mirror.yaml: error: the kind of the file is unknown (ST017)
  fix: its name must end in .hcl or .properties
`},
		"unknown cluster": {name: "m.hcl", text: clusters + "cluster \"east\" { bootstrap_servers = [\"h:1\"] }\nflow \"a->eats\" {}\n", want: `
m.hcl:4:6: error: no cluster "eats" (ST012)
  flow "a->eats" {}
       ^^^^^^^^^
  fix: did you mean "east"?
`},
		"unknown attribute": {name: "m.hcl", text: clusters + "flow \"a->b\" {\n  topcis = [\"x\"]\n}\n", want: `
m.hcl:4:3: error: no attribute "topcis" in flow "a->b" (ST002)
    topcis = ["x"]
    ^^^^^^
  fix: did you mean "topics"?
`},
		"missing certificate": {name: "m.hcl", text: `cluster "a" {
  bootstrap_servers = ["127.0.0.1:1"]
  tls { ca_file = "nowhere.pem" }
}
cluster "b" { bootstrap_servers = ["127.0.0.1:1"] }
flow "a->b" {}
`, want: `
m.hcl:3:19: error: ca_file in the tls block of cluster "a": nowhere.pem cannot be read: no such file or directory (ST013)
    tls { ca_file = "nowhere.pem" }
                    ^^^^^^^^^^^^^
`},
		"no enabled flow": {name: "m.hcl", text: clusters + "flow \"a->b\" { enabled = false }\n", want: `
m.hcl: warning: no flow is enabled, so nothing is mirrored (ST110)
  fix: in HCL add flow "A->B" {}, in a properties file A->B.enabled = true
strait: error: no flow is enabled, so there is nothing to run
`},
		"no enabled flow in properties": {name: "m.properties", args: "run --once m.properties", code: exitNothing, text: "clusters = a, b\na.bootstrap.servers = h:1\nb.bootstrap.servers = h:1\n", want: `
m.properties: warning: no flow is enabled, so nothing is mirrored (ST110)
  fix: in HCL add flow "A->B" {}, in a properties file A->B.enabled = true
`},
		"properties without a server": {name: "m.properties", text: "clusters = a, b\na.bootstrap.servers = h:1\na->b.enabled = true\n", want: `
m.properties:1:12: error: b.bootstrap.servers is not set (ST003)
  clusters = a, b
             ^^^^
  fix: write b.bootstrap.servers = host:9092
`},
		"unknown flag": {args: "run --onec m.hcl", code: exitUsage, want: `
strait: error: unknown flag: --onec: did you mean --once?
  fix: run "strait run --help" for its arguments
`},
		"negative time": {args: "run --timeout=-1s m.hcl", code: exitUsage, want: `
strait: error: --timeout and --drain-timeout cannot be negative
  fix: run "strait run --help" for its arguments
`},
		"unknown command": {args: "rum", code: exitUsage, want: `
strait: error: unknown command "rum": did you mean "run"?
  fix: run "strait --help" for its arguments
`},
	}
}

func TestFile(t *testing.T) {
	for name, test := range fileTests() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.name != "" {
				dir = write(t, test.name, test.text)
			}
			args := []string{"run", test.name}
			if test.args != "" {
				args = strings.Fields(test.args)
			}
			code := cmp.Or(test.code, exitConfig)
			if code == exitNothing {
				code = exitOK
			}
			p := start(t, dir, args...)
			p.exits(code, patience)
			if got, want := p.log.String(), strings.TrimPrefix(test.want, "\n"); got != want {
				t.Errorf("stderr\n%s\nwant\n%s", got, want)
			}
			if p.out.String() != "" && code != exitOK {
				t.Errorf("stdout is not empty: %s", &p.out)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "locked.hcl"), nil, 0); err != nil {
		t.Fatal(err)
	}
	attr := childAttr()
	if os.Getuid() == 0 { // may read every file: somebody else runs the program
		attr = nobody(t)
		for _, d := range []string{dir, filepath.Dir(dir), filepath.Dir(os.Getenv(binaryVariable))} {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := startAs(t, attr, dir, "run", "locked.hcl")
	p.exits(exitConfig, patience)
	const want = "locked.hcl: error: cannot read: permission denied (ST017)\n"
	if got := p.log.String(); got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}
