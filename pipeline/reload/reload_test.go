package reload_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/reload"
	"github.com/strait-mirror/strait/pipeline/status"
)

const good = `
cluster "a" { bootstrap_servers = ["a:9092"] }
cluster "b" { bootstrap_servers = ["b:9092"] }
flow "a->b" { topics = ["orders"] }
`

// world is a Reloader of a file in a directory of its own.
type world struct {
	t    *testing.T
	dir  string
	path string
	r    *reload.Reloader
	ask  chan struct{}

	mu      sync.Mutex // guards the rest
	applied []string   // the first topic pattern of each topology
	fail    error      // of the next Apply
	fails   int        // how many fail with it after the next
	reads   int
}

func (w *world) read() reload.Reading {
	w.mu.Lock()
	w.reads++
	w.mu.Unlock()
	var files []string
	all := sha256.New()
	cfg, problems := load.Load([]string{w.path}, load.Options{
		Sources: &diag.Sources{}, Env: func(string) (string, bool) { return "", false },
		ReadFile: func(path string) ([]byte, error) {
			text, err := load.ReadFile(path)
			files = append(files, path)
			all.Write(text)
			return text, err //nolint:wrapcheck // of a test
		},
	})
	return reload.Reading{Config: cfg, Problems: problems, Files: files, Sum: [sha256.Size]byte(all.Sum(nil))}
}

func (w *world) apply(_ context.Context, cfg *model.Config) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.fail; err != nil {
		if w.fails--; w.fails < 0 {
			w.fail = nil
		}
		return err
	}
	w.applied = append(w.applied, cfg.Flows[0].Topics[0])
	return nil
}

// begin writes the good topology with write and starts a Reloader.
func begin(t *testing.T, destructive bool, write func(w *world)) *world {
	t.Helper()
	return beginRetrying(t, destructive, 0, write)
}

func beginRetrying(t *testing.T, destructive bool, retry time.Duration, write func(w *world)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), ask: make(chan struct{}, 1)}
	w.path = filepath.Join(w.dir, "strait.hcl")
	write(w)
	w.r = reload.New(reload.Params{
		First: w.read(), Paths: []string{w.path}, Read: w.read, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Apply: w.apply, AllowDestructive: destructive, Ask: w.ask, Retry: retry,
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { w.r.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wait.Wait()
	})
	return w
}

func (w *world) put(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// awaits polls until the last topology that was applied has this topic.
func (w *world) awaits(topic string) {
	w.t.Helper()
	w.until("topic "+topic, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.applied) > 0 && w.applied[len(w.applied)-1] == topic
	})
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			w.t.Fatalf("%s did not come: %+v", what, w.r.Status())
		}
	}
}

func with(topic string) string { return strings.ReplaceAll(good, "orders", topic) }

// TestSaves saves the file as people and programs do.
func TestSaves(t *testing.T) {
	plain := func(w *world) { w.put("strait.hcl", good) }
	link := func(w *world) { // as Kubernetes mounts a ConfigMap
		w.do(os.Mkdir(filepath.Join(w.dir, "..1"), 0o700))
		w.put("..1/strait.hcl", good)
		w.do(os.Symlink("..1", filepath.Join(w.dir, "..data")))
		w.do(os.Symlink("..data/strait.hcl", w.path))
	}
	tests := map[string]struct {
		begin func(w *world)
		save  func(w *world)
	}{
		"in place": {plain, func(w *world) { w.put("strait.hcl", with("new")) }},
		"another file in its place": {plain, func(w *world) {
			w.put("tmp", with("new"))
			w.do(os.Rename(filepath.Join(w.dir, "tmp"), w.path))
		}},
		"as vim, with a backup": {plain, func(w *world) {
			w.do(os.Rename(w.path, w.path+"~"))
			w.put("strait.hcl", with("new"))
			w.do(os.Remove(w.path + "~"))
		}},
		"removed, missed, and back": {plain, func(w *world) {
			w.do(os.Remove(w.path))
			w.until("the refusal", func() bool { return !w.r.Status().Successful })
			w.put("strait.hcl", with("new"))
		}},
		"unreadable text first": {plain, func(w *world) {
			w.put("strait.hcl", "flow {{{")
			w.until("the refusal", func() bool { return strings.Contains(w.r.Status().Error, "strait.hcl:1:") })
			w.put("strait.hcl", with("new"))
		}},
		"emptied first": {plain, func(w *world) {
			w.put("strait.hcl", "")
			w.until("the refusal", func() bool { return strings.Contains(w.r.Status().Error, "no flow is left") })
			w.put("strait.hcl", with("new"))
		}},
		"a ConfigMap": {link, func(w *world) {
			w.do(os.Mkdir(filepath.Join(w.dir, "..2"), 0o700))
			w.put("..2/strait.hcl", with("new"))
			w.do(os.Symlink("..2", filepath.Join(w.dir, "..tmp")))
			w.do(os.Rename(filepath.Join(w.dir, "..tmp"), filepath.Join(w.dir, "..data")))
			w.do(os.RemoveAll(filepath.Join(w.dir, "..1")))
		}},
		"truncated, and written in halves": {plain, func(w *world) {
			file, err := os.Create(w.path)
			w.do(err)
			w.until("the refusal of nothing", func() bool { return !w.r.Status().Successful })
			text := with("new")
			_, err = file.WriteString(text[:len(text)/2])
			w.do(err)
			w.until("the refusal of a half", func() bool { return strings.Contains(w.r.Status().Error, "strait.hcl:") })
			_, err = file.WriteString(text[len(text)/2:])
			w.do(err)
			w.do(file.Close())
		}},
		"permissions taken and given": {plain, func(w *world) {
			w.do(os.Chmod(w.path, 0))
			w.do(os.Chmod(w.path, 0o600))
			w.put("strait.hcl", with("new"))
		}},
		"10 MB of brackets first": {plain, func(w *world) {
			w.put("strait.hcl", strings.Repeat("{", 10<<20))
			w.until("the refusal", func() bool { return !w.r.Status().Successful })
			w.put("strait.hcl", with("new"))
		}},
		"the whole directory anew": {plain, func(w *world) {
			w.do(os.RemoveAll(w.dir))
			w.until("the refusal", func() bool { return !w.r.Status().Successful })
			w.do(os.Mkdir(w.dir, 0o700))
			w.put("strait.hcl", with("new"))
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, false, tt.begin)
			tt.save(w)
			w.awaits("new")
			w.until("success", func() bool { st := w.r.Status(); return st.Successful && st.Error == "" && st.Revision == 2 })
		})
	}
}

// TestFloodOfEvents saves among files that do not count and that change without a
// pause: the save is noticed all the same, and no reading is made for each event.
func TestFloodOfEvents(t *testing.T) {
	t.Parallel()
	w := begin(t, false, func(w *world) { w.put("strait.hcl", good) })
	stop := make(chan struct{})
	events := 0
	var flood sync.WaitGroup
	flood.Go(func() {
		for path := filepath.Join(w.dir, "other"); ; events++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Error(err)
				return
			}
		}
	})
	end := sync.OnceFunc(func() { close(stop); flood.Wait() })
	defer end()
	w.put("strait.hcl", with("new"))
	w.awaits("new")
	end()
	w.mu.Lock()
	defer w.mu.Unlock()
	if events < 100 || w.reads > events/10 {
		t.Errorf("%d readings for %d events", w.reads, events)
	}
}

// TestRevisions makes one edit after the other and looks at what is kept of them.
func TestRevisions(t *testing.T) {
	old := strings.Replace(good, `{ bootstrap_servers = ["a:9092"] }`, `{
  bootstrap_servers = ["a:9092"]
  sasl "plain" {
    username = "me"
    password = "hunter1"
  }
}`, 1)
	w := begin(t, false, func(w *world) { w.put("strait.hcl", old) })
	login := strings.Replace(old, "hunter1", "hunter2", 1)
	policy := strings.Replace(login, `{ topics = ["orders"] }`, "{\n  replication_policy = \"identity\"\n  topics = [\"orders\"]\n}", 1)
	for i, text := range []string{login, login + "# a remark\n", "flow {{{", policy} {
		w.put("strait.hcl", text)
		w.until("the edit", func() bool { return len(w.r.Revisions()) == i+2 })
	}
	w.ask <- struct{}{} // a refused edit is tried again
	w.until("the request", func() bool { return len(w.r.Revisions()) == 6 })

	var got []string
	for _, rev := range w.r.Revisions() {
		line := fmt.Sprintf("%d: %d %s %s %s", rev.ID, rev.Revision, rev.Trigger, rev.Outcome, rev.Plan)
		for _, c := range rev.Changes {
			line += fmt.Sprintf("; %s %s %q -> %q: %s", c.Part, c.Property, c.Before, c.After, c.Action)
		}
		if rev.Time.IsZero() || rev.Seconds < 0 || (rev.Error != "") != (rev.Outcome == status.Refused) {
			t.Errorf("a revision is %+v", rev)
		}
		got = append(got, line)
	}
	const refused = `2 %s refused destructive: 1; flow "a->b" replication_policy "default" -> "identity": destructive`
	want := []string{
		"1: 1 start applied ",
		`2: 2 files applied restart: 2; cluster "a" sasl.password "(secret)" -> "(secret)": restart; flow "a->b" cluster "a" -> "a": restart`,
		"3: 2 files unchanged ",
		"4: 2 files refused ",
		"5: " + fmt.Sprintf(refused, status.ByFiles),
		"6: " + fmt.Sprintf(refused, status.ByRequest),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text := fmt.Sprint(w.r.Revisions()); strings.Contains(text, "hunter") {
		t.Errorf("a secret is kept: %s", text)
	}
}

// TestEqualTextIsNoEdit touches the file.
func TestEqualTextIsNoEdit(t *testing.T) {
	w := begin(t, false, func(w *world) { w.put("strait.hcl", good) })
	w.put("strait.hcl", good)
	w.until("a look", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.reads > 1 })
	w.put("strait.hcl", good+"# a remark\n")
	w.until("the edit", func() bool { return !w.r.Status().Tried.IsZero() })
	if st := w.r.Status(); st.Revision != 1 || !st.Successful {
		t.Errorf("a remark is taken for more: %+v", st)
	}
}

func TestDestructiveEditsNeedConsent(t *testing.T) {
	policy := func(name, topic string) string {
		return strings.Replace(good, `{ topics = ["orders"] }`, "{\n  replication_policy = \""+name+"\"\n  topics = [\""+topic+"\"]\n}", 1)
	}
	for name, allowed := range map[string]bool{"refused": false, "allowed": true} {
		t.Run(name, func(t *testing.T) {
			w := begin(t, allowed, func(w *world) { w.put("strait.hcl", policy("default", "orders")) })
			w.put("strait.hcl", policy("identity", "new"))
			if allowed {
				w.awaits("new")
				return
			}
			w.until("the refusal", func() bool {
				return strings.Contains(w.r.Status().Error, `it is destructive: flow "a->b": replication_policy "default" -> "identity"; run with --allow-destructive`)
			})
		})
	}
}

// TestRefusalIsTriedAgainWhenAsked has the clusters refuse an edit first.
func TestRefusalIsTriedAgainWhenAsked(t *testing.T) {
	w := begin(t, false, func(w *world) { w.put("strait.hcl", good) })
	w.mu.Lock()
	w.fail = errors.New("cluster is down")
	w.mu.Unlock()
	w.put("strait.hcl", with("new"))
	w.until("the refusal", func() bool { return w.r.Status().Error == "cluster is down" })
	w.ask <- struct{}{}
	w.awaits("new")
}

// TestRefusalIsTriedAgainByItself has the clusters refuse an edit three times, and then
// saves one that cannot be read.
func TestRefusalIsTriedAgainByItself(t *testing.T) {
	w := beginRetrying(t, false, 20*time.Millisecond, func(w *world) { w.put("strait.hcl", good) })
	w.mu.Lock()
	w.fail, w.fails = errors.New("cluster is down"), 2
	w.mu.Unlock()
	w.put("strait.hcl", with("new"))
	w.awaits("new")
	w.until("the end", func() bool { return w.r.Status().Successful })
	var got []string
	for _, rev := range w.r.Revisions() {
		got = append(got, rev.Trigger+" "+rev.Outcome)
	}
	if diff := cmp.Diff([]string{"start applied", "files refused", "retry applied"}, got); diff != "" {
		t.Error(diff)
	}
	w.put("strait.hcl", "flow {{{")
	w.until("the refusal", func() bool { return !w.r.Status().Successful })
	w.mu.Lock()
	reads := w.reads
	w.mu.Unlock()
	w.put("strait.hcl", with("newer"))
	w.awaits("newer")
	if w.mu.Lock(); w.reads > reads+20 {
		t.Errorf("what cannot be read was read %d times", w.reads-reads)
	}
	w.mu.Unlock()
}
