// Package dashboard owns the pages that show a running Strait in a browser. They
// ask the API that serves them and nothing else: no other host, no inline script.
package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
)

//go:embed web
var web embed.FS

// policy lets pages load what is served beside them, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is one of the pages' files.
type file struct {
	kind, tag string
	text      []byte
}

// Handler serves the pages at / and their parts beside.
func Handler() http.Handler {
	files := map[string]file{}
	// The files are part of the program, so that nothing here can fail.
	_ = fs.WalkDir(web, "web", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := web.ReadFile(name)
		sum := sha256.Sum256(text)
		files[name[len("web"):]] = file{kindOf(name), `"` + hex.EncodeToString(sum[:8]) + `"`, text}
		return err
	})
	files["/"] = files["/index.html"]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "pages are only read", http.StatusMethodNotAllowed)
		case r.Header.Get("If-None-Match") == f.tag:
			w.WriteHeader(http.StatusNotModified)
		default:
			h.Set("Content-Type", f.kind)
			h.Set("Cache-Control", "no-cache") // asked for again, and mostly not sent
			h.Set("ETag", f.tag)
			_, _ = w.Write(f.text) // who asked may be gone
		}
	})
}

// kindOf is the content type of a file: the system's own table may say otherwise.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}
