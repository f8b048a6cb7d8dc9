package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"

	"github.com/strait-mirror/strait/pipeline/support"
)

// Support is all that a process says of itself, as files.
type Support struct {
	FormatVersion int            `json:"format_version"`
	Files         []support.File `json:"files"`
}

// supportPath is where it is asked for. It does not ask itself.
const supportPath = "/api/v1/support"

// support answers with what every other path that reads would, and what the process
// adds. It passes through one hand that takes secrets out.
func (a *api) support(r *http.Request) (any, error) {
	all := Support{FormatVersion: FormatVersion}
	add := func(name, text string) {
		all.Files = append(all.Files, support.File{Name: name, Text: a.p.Redact(text)})
	}
	asked := r.Clone(r.Context())
	asked.URL = &url.URL{Path: r.URL.Path, RawQuery: url.Values{"limit": {fmt.Sprint(maxLimit)}, "sort": {"lag_records"}}.Encode()}
	for _, route := range a.routes() {
		if route.Method != http.MethodGet || route.Path == supportPath {
			continue
		}
		answer, err := route.serve(asked)
		if err != nil {
			answer = Failure{err.Error()}
		}
		text, err := json.MarshalIndent(answer, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", route.Path, err)
		}
		add(path.Base(route.Path)+".json", string(text)+"\n")
	}
	for _, f := range a.p.Support() {
		add(f.Name, f.Text)
	}
	return all, nil
}
