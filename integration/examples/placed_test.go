package examples_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
)

// mirrorUser is who mirrors in the examples whose clusters want no login.
const (
	mirrorUser     = "mirror"
	mirrorPassword = "of-mirror"
)

// edit is a change of a file: what is in a range becomes text.
type edit struct {
	at   diag.Range
	text string
}

// place copies an example to a directory of its own, as a user would who puts
// their clusters' addresses in, and returns the directory and the environment
// that its files ask for. Where an example has no login it gets one, since an
// authorizer tells users apart; factors of replication become the broker's own.
func place(t *testing.T, name string, at map[string]*kafka.Cluster) (dir string, environ []string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, name))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // where paths in a properties file start
	asked := map[string]bool{}
	opts := load.Options{ReadFile: readFile, Env: func(name string) (string, bool) { asked[name] = true; return env(name) }}
	for _, file := range forms(t, dir) {
		cfg, problems := load.Load([]string{file}, opts)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, rewritten(t, text, edits(t, file, cfg, at)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name := range asked {
		value, _ := env(name)
		environ = append(environ, name+"="+value)
	}
	return dir, environ
}

// forms are the files of a topology.
func forms(t *testing.T, dir string) []string {
	t.Helper()
	files := []string{"strait.hcl"}
	if _, err := os.Stat(filepath.Join(dir, "mm2.properties")); err == nil {
		files = append(files, "mm2.properties")
	}
	return files
}

// edits are the changes of one file of an example.
func edits(t *testing.T, file string, cfg *model.Config, at map[string]*kafka.Cluster) []edit {
	t.Helper()
	hcl := strings.HasSuffix(file, ".hcl")
	var all []edit
	for _, c := range cfg.Clusters {
		servers := strings.Join(at[c.Alias].Bootstrap(), ",")
		if hcl {
			servers = `["` + strings.ReplaceAll(servers, ",", `", "`) + `"]`
		}
		if c.SASL == nil {
			servers += login(c.Alias, hcl)
		}
		all = append(all, edit{c.Ranges.Of("bootstrap_servers"), servers})
		switch {
		case c.TLS == nil:
		case c.TLS.CAFile == "":
			t.Setenv("SSL_CERT_FILE", at[c.Alias].PEM().CAFile) // what the system trusts
		default:
			if err := os.WriteFile(filepath.Base(c.TLS.CAFile), at[c.Alias].PEM().CA, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range cfg.Flows {
		if r, written := f.Ranges["replication_factor"]; written && f.ReplicationFactor > 1 {
			all = append(all, edit{r, "-1"})
		}
	}
	return all
}

// login is what follows the addresses of a cluster.
func login(alias string, hcl bool) string {
	if hcl {
		return "\nsasl \"scram-sha-512\" {\nusername = \"" + mirrorUser + "\"\npassword = \"" + mirrorPassword + "\"\n}"
	}
	return "\n" + alias + ".security.protocol = SASL_PLAINTEXT\n" + alias + ".sasl.mechanism = SCRAM-SHA-512\n" +
		alias + ".sasl.jaas.config = org.apache.kafka.common.security.scram.ScramLoginModule required username=\"" +
		mirrorUser + "\" password=\"" + mirrorPassword + "\";"
}

// rewritten makes edits, each place once, from the last to the first.
func rewritten(t *testing.T, text []byte, all []edit) []byte {
	t.Helper()
	slices.SortFunc(all, func(a, b edit) int { return b.at.Start.Byte - a.at.Start.Byte })
	all = slices.CompactFunc(all, func(a, b edit) bool { return a.at == b.at })
	for _, e := range all {
		if e.at.IsZero() {
			t.Fatalf("a place of %q is not known", e.text)
		}
		text = slices.Concat(text[:e.at.Start.Byte], []byte(e.text), text[e.at.End.Byte:])
	}
	return text
}
