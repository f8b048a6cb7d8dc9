package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/pipeline/dashboard"
)

func get(method, path, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	dashboard.Handler().ServeHTTP(w, r)
	return w
}

func TestServesItsFiles(t *testing.T) {
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/app.css": "text/css; charset=utf-8", "/js/main.js": "text/javascript; charset=utf-8", "/icon.svg": "image/svg+xml",
	} {
		w := get(http.MethodGet, path, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
			t.Errorf("%s is answered with %d %s", path, w.Code, w.Header())
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if again := get(http.MethodGet, path, w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s is sent again: %d", path, again.Code)
		}
	}
	for _, path := range []string{"/nothing", "/web/index.html", "/../go.mod", "/js/"} {
		if w := get(http.MethodGet, path, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered with %d", path, w.Code)
		}
	}
	if w := get(http.MethodPost, "/", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered with %d", w.Code)
	}
}

// TestAsksNobodyElse finds neither another host nor what the policy forbids in the
// files: a browser that is not there cannot say so.
func TestAsksNobodyElse(t *testing.T) {
	bad := regexp.MustCompile(`https?://|innerHTML|outerHTML|insertAdjacentHTML|eval\(|\sstyle="|\son\w+="|@import`)
	err := filepath.WalkDir("web", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range bad.FindAllString(strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", ""), -1) {
			if path != "web/js/dom.js" || found != "innerHTML" { // which says that there is none
				t.Errorf("%s: %q", path, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
