package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

// TestProbe asks a process that is ready, one that is not, and somebody else.
func TestProbe(t *testing.T) {
	state := status.Starting
	health := httpapi.Health(func() status.Snapshot {
		return status.Snapshot{Flows: []status.Flow{{Name: "a->b", State: state}}}
	}, http.NotFoundHandler())
	server := httptest.NewServer(health)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	_, port, _ := strings.Cut(address, ":")

	text, good, err := httpapi.Probe(t.Context(), address, "/readyz?verbose")
	if err != nil || good || !strings.Contains(text, "[-] flow a->b: starting") {
		t.Errorf("one that starts is ready %t, %q, %v", good, text, err)
	}
	if _, good, err = httpapi.Probe(t.Context(), address, "/healthz"); err != nil || !good {
		t.Errorf("one that starts is healthy %t, %v", good, err)
	}
	state = status.Waiting
	if text, good, err = httpapi.Probe(t.Context(), ":"+port, "/readyz"); err != nil || !good || text != "ready" {
		t.Errorf("one that is set up is ready %t, %q, %v", good, text, err)
	}
	if _, good, err = httpapi.Probe(t.Context(), address, "/other"); err == nil || good || !strings.Contains(err.Error(), "it is no Strait") {
		t.Errorf("somebody else: %t, %v", good, err)
	}
}
