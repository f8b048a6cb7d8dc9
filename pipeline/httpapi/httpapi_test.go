package httpapi_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

// world is a server under test, and what it is asked about.
type world struct {
	mu     sync.Mutex // guards flows and reload
	flows  []status.Flow
	reload *status.Reload
	base   string
}

func (w *world) status() status.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return status.Snapshot{Flows: w.flows, Reload: w.reload}
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{}
	s, err := httpapi.Listen(t.Context(), httpapi.Params{
		Address: "127.0.0.1:0", What: "metrics", Log: slog.New(slog.DiscardHandler),
		Content: httpapi.Content{Handler: httpapi.Health(w.status, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the metrics") }))},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if _, err := http.Get(w.base + "/healthz"); err == nil { //nolint:bodyclose // there is none
			t.Error("the server answers after it ended")
		}
	})
	w.base = "http://" + s.Address()
	return w
}

func (w *world) get(t *testing.T, method, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestHealth(t *testing.T) {
	w := start(t)
	tests := map[string]struct {
		flows  []status.Flow
		reload *status.Reload
		path   string
		code   int
		within string
	}{
		"alive whatever flows do": {flows: []status.Flow{{Name: "f", State: status.Unhealthy}}, path: "/healthz", code: 200, within: "ok"},
		"ready":                   {flows: []status.Flow{{Name: "f", State: status.Running}}, path: "/readyz", code: 200, within: "ready"},
		"ready without flows":     {path: "/readyz", code: 200, within: "ready"},
		"not ready while set up":  {flows: []status.Flow{{Name: "f", State: status.Running}, {Name: "g", State: status.Starting}}, path: "/readyz", code: 503, within: "not ready"},
		"ready while a cluster is down, which a restart would not mend": {
			flows: []status.Flow{{Name: "f", State: status.Waiting, Cause: "cluster a does not answer"}},
			path:  "/readyz?verbose", code: 200, within: "[+] flow f: waiting: cluster a does not answer",
		},
		"ready with a refused edit": {
			reload: &status.Reload{Revision: 2, Error: "a.hcl:1:1: nonsense"},
			path:   "/readyz?verbose", code: 200, within: "[!] topology: revision 2 is not what the files say, the last edit was refused: a.hcl:1:1: nonsense",
		},
		"which one is not ready": {flows: []status.Flow{{Name: "g", State: status.Starting}}, path: "/readyz?verbose", code: 503, within: "[-] flow g: starting"},
		"metrics":                {path: "/metrics", code: 200, within: "the metrics"},
		"nothing else":           {path: "/debug/pprof/", code: 404, within: "not found"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.mu.Lock()
			w.flows, w.reload = tt.flows, tt.reload
			w.mu.Unlock()
			if code, body := w.get(t, http.MethodGet, tt.path); code != tt.code || !strings.Contains(body, tt.within) {
				t.Errorf("answer is %d %q, want %d with %q", code, body, tt.code, tt.within)
			}
		})
	}
}

// TestOnlyReads refuses what would change something.
func TestOnlyReads(t *testing.T) {
	w := start(t)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if code, _ := w.get(t, method, "/metrics"); code != http.StatusMethodNotAllowed {
			t.Errorf("%s is answered with %d", method, code)
		}
	}
}

// TestAddressTaken says so before anything runs.
func TestAddressTaken(t *testing.T) {
	w := start(t)
	_, err := httpapi.Listen(t.Context(), httpapi.Params{Address: strings.TrimPrefix(w.base, "http://"), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("the error is %v", err)
	}
}
