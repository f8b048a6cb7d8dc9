package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Health answers for metrics and health. Nothing of it changes anything, or shows
// a setting or data: it may be served beyond loopback. read may be called at any
// time.
func Health(read func() status.Snapshot, metrics http.Handler) http.Handler {
	h := &health{read}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	return mux
}

type health struct{ status func() status.Snapshot }

// healthz says that the process answers. What its clusters do is no reason to
// restart it.
func (h *health) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "ok\n")
}

// readyz says whether every flow has been set up. A flow that waits for a cluster
// counts: it goes on by itself once that answers, which no restart would hasten.
// Neither does an edit that was refused: what ran before runs on.
// With ?verbose it names each flow, its state and the cause of that.
func (h *health) readyz(w http.ResponseWriter, r *http.Request) {
	code, snapshot := http.StatusOK, h.status()
	var b strings.Builder
	for _, f := range snapshot.Flows {
		mark := "+"
		if f.State == status.Starting {
			code, mark = http.StatusServiceUnavailable, "-"
		}
		fmt.Fprintf(&b, "[%s] flow %s: %s", mark, f.Name, f.State)
		if f.Cause != "" {
			fmt.Fprintf(&b, ": %s", f.Cause)
		}
		b.WriteByte('\n')
	}
	if r := snapshot.Reload; r != nil {
		mark, said := "+", "is what the files say"
		if !r.Successful {
			mark, said = "!", "is not what the files say, the last edit was refused: "+r.Error
		}
		fmt.Fprintf(&b, "[%s] topology: revision %d %s\n", mark, r.Revision, said)
	}
	word := "ready\n"
	if code != http.StatusOK {
		word = "not ready: flows are being set up\n"
	}
	if !r.URL.Query().Has("verbose") {
		b.Reset()
	}
	answer(w, code, b.String()+word)
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // who asked may be gone
}
