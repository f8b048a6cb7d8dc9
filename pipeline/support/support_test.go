package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestVariables shows no value that may be a secret.
func TestVariables(t *testing.T) {
	got := variables([]string{
		"STRAIT_TOKEN=s3cret", "OTEL_EXPORTER_OTLP_HEADERS=key=s3cret", "https_proxy=http://ann:s3cret@proxy", "GOMEMLIMIT=1GiB",
		"KAFKA_PASSWORD=s3cret", "PATH=/bin",
	})
	want := map[string]string{"STRAIT_TOKEN": "(set)", "OTEL_EXPORTER_OTLP_HEADERS": "(set)", "https_proxy": "(set)", "GOMEMLIMIT": "1GiB"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGather(t *testing.T) {
	f := Gather("1.2.3")
	if f.Version != "1.2.3" || f.Go == "" || f.CPUs < 1 || f.HeapBytes == 0 || f.TotalBytes < f.HeapBytes || f.Goroutines < 2 {
		t.Errorf("the facts are %+v", f)
	}
	stacks, err := Goroutines()
	if err != nil || !strings.Contains(stacks, "support.TestGather") {
		t.Errorf("the stacks miss this test: %v\n%s", err, stacks)
	}
}

// TestWrite reads an archive back.
func TestWrite(t *testing.T) {
	files := []File{{"a.json", "{}"}, {"b.txt", strings.Repeat("text\n", 10_000)}}
	var b bytes.Buffer
	at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	if err := Write(&b, "folder", at, files); err != nil {
		t.Fatal(err)
	}
	zipped, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(zipped)
	for _, want := range files {
		h, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil || h.Name != "folder/"+want.Name || string(text) != want.Text || !h.ModTime.Equal(at) || h.Mode != 0o600 {
			t.Errorf("%s has %d bytes, mode %o, from %v: %v", h.Name, len(text), h.Mode, h.ModTime, err)
		}
	}
	if _, err := archive.Next(); err != io.EOF {
		t.Errorf("there is more: %v", err)
	}
}
