package badinput

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
)

// TestSupportBundle asks a program for one that copies from a cluster it logs in to,
// and whose login to another one is refused: brokers and libraries have their words
// in what it says.
func TestSupportBundle(t *testing.T) {
	t.Parallel()
	const right, wrong = "right-and-secret", "wrong-and-secret"
	locked := kafka.Options{SASL: kafka.ScramSHA512, Users: map[string]string{"ann": right}}
	c := startAll(t, locked, kafka.Options{})
	create(t, c[0], kafka.Topic{Name: "orders", Partitions: 1})
	produce(t, c[0], some("orders", 10)...)
	dir := write(t, "m.hcl", clusterBlock("a", c[0].Bootstrap()[0], loginBlock("ann", right))+clusterBlock("b", c[1].Bootstrap()[0], "")+
		clusterBlock("refused", c[0].Bootstrap()[0], loginBlock("ann", wrong))+
		"flow \"a->b\" { topics = [\"orders\"] }\nflow \"refused->b\" {}\n")
	p := start(t, dir, "run", "--server-listen=127.0.0.1:0", "m.hcl")
	arrives(t, c[1], "a.orders", 10, patience)
	p.says(&p.log, `cluster not usable yet.*refuses user`, patience)
	p.says(&p.log, `serving the API and the dashboard`, patience)
	_, address, _ := strings.Cut(p.log.lines(`serving the API and the dashboard`)[0], "address=")

	start(t, dir, "support-bundle", "--server", address, "--out", "bundle.tar.gz").exits(exitOK, patience)
	text, err := os.ReadFile(filepath.Join(dir, "bundle.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, text)
	for name, content := range files {
		for _, secret := range []string{right, wrong} {
			if strings.Contains(content, secret) {
				t.Errorf("%s has the password %q", name, secret)
			}
		}
	}
	var s status.Snapshot
	if err := json.Unmarshal([]byte(files["status.json"]), &s); err != nil {
		t.Fatal(err)
	}
	states := map[string]status.Flow{}
	for _, f := range s.Flows {
		states[f.Name] = f
	}
	if f := states["a->b"]; f.State != status.Running || f.Records != 10 {
		t.Errorf("a->b is %s with %d records", f.State, f.Records)
	}
	if f := states["refused->b"]; f.State != status.Waiting || !strings.Contains(f.Cause, `refuses user "ann"`) {
		t.Errorf("refused->b is %s: %s", f.State, f.Cause)
	}
	for name, want := range map[string]string{
		"settings.json": "(secret)", "goroutines.txt": "source.(*loop).run", "lag.json": "orders", "events.json": "refuses user", "revisions.json": `"trigger": "start"`,
		"metrics.txt": `strait_flow_records_total{flow="a->b",source="a",target="b"} 10`, "facts.json": `"goroutines"`,
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not have %q", name, want)
		}
	}
}

// unpack returns the files of an archive by the last part of their names.
func unpack(t *testing.T, text []byte) map[string]string {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	archive, files := tar.NewReader(zipped), map[string]string{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[path.Base(h.Name)] = string(content)
	}
}
