package kafka

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestJavaMajor(t *testing.T) {
	for text, want := range map[string]int{
		`openjdk version "17.0.15" 2025-04-15`: 17,
		`openjdk version "25" 2025-09-16`:      25,
		`java version "1.8.0_401"`:             8,
		`openjdk version "21-ea" 2023-09-19`:   21,
		`something else`:                       0,
	} {
		if got := javaMajor(text); got != want {
			t.Errorf("%q is Java %d, want %d", text, got, want)
		}
	}
}

func TestProperties(t *testing.T) {
	got := Properties(map[string]string{"b.c": " a\nb\\c", "a d": "ü\U0001F600="})
	want := "a\\ d=\\u00fc\\ud83d\\ude00=\nb.c=\\ a\\nb\\\\c\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRandomIDIsNoFlag(t *testing.T) {
	for range 1000 {
		if id := randomID(); len(id) != 22 || strings.HasPrefix(id, "-") {
			t.Fatalf("bad id %q", id)
		}
	}
}

func TestPinnedListsAreWhole(t *testing.T) {
	for _, version := range []string{Version42, Version39} {
		jars, err := pinned(version)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, j := range jars {
			found[filepath.Base(j.path)] = true
		}
		for _, name := range []string{"kafka_2.13-", "kafka-clients-", "connect-mirror-", "connect-json-"} {
			if !found[name+version+".jar"] {
				t.Errorf("the list for %s lacks %s", version, name)
			}
		}
	}
}

// TestFetchDistrustsTheRepository serves rubbish first.
func TestFetchDistrustsTheRepository(t *testing.T) {
	var calls atomic.Int32
	body := "the jar"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/g/a/1/a-1.jar" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		if calls.Add(1) == 1 {
			_, _ = w.Write([]byte("rubbish"))
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	t.Setenv("STRAIT_MAVEN_CENTRAL", srv.URL)
	dir := t.TempDir()
	jars := []jar{{path: "g/a/1/a-1.jar", sum: sha256.Sum256([]byte(body))}}
	for range 2 { // the second time it is there
		if err := fetch(t.Context(), dir, jars); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "a-1.jar"))
	if err != nil || string(got) != body {
		t.Errorf("got %q, %v", got, err)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".part-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("parts were left: %v, %v", left, err)
	}
}

// TestPortsAreTakenOnce checks that two clusters of one process, as of two,
// cannot choose the same port.
func TestPortsAreTakenOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := ports{dir: dir}, ports{dir: dir}
	defer a.release()
	defer b.release()
	seen := map[int]bool{}
	for range 100 {
		for _, p := range []*ports{&a, &b} {
			n, err := p.take()
			if err != nil {
				t.Fatal(err)
			}
			if seen[n] {
				t.Fatalf("port %d was given twice", n)
			}
			seen[n] = true
		}
	}
}
