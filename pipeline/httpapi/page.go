package httpapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/support"
)

// Page is the reference page of the API, in Markdown.
func Page() string {
	// Every function is there, so that every path is; none is called.
	p := APIParams{
		Graph:      func() *graph.Graph { return nil },
		Partitions: func(func(string) bool) []status.Partition { return nil },
		Events:     func(int64, int) []events.Event { return nil },
		Revisions:  func() []status.Revision { return nil },
		Support:    func() []support.File { return nil },
		Reload:     func(context.Context) (status.Reload, error) { return status.Reload{}, nil },
	}
	var b strings.Builder
	b.WriteString("# HTTP API\n\n" +
		"A running Strait answers at `server { listen = \"host:port\" }`, or at `strait run --server-listen host:port`, with\n" +
		"its dashboard at `/` and the API below `/api/v1/`. `strait status`, `strait lag`, `strait events`,\n" +
		"`strait revisions` and `strait support-bundle` ask it.\n\n" +
		"* On loopback everybody on the machine may read. Requests that name another host are refused (421), so that no page\n" +
		"  of another site reaches the API through a name that leads here.\n" +
		"* `POST` takes the token (`Authorization: Bearer TOKEN`) or a client certificate. Where neither is set up, a program on\n" +
		"  this machine sends `" + RequestHeader + ": 1` instead; pages cannot change anything then.\n" +
		"* Beyond loopback TLS is required, and every request to the API needs the token or a certificate.\n" +
		"* `pprof = true` adds `/debug/pprof/`, for those who may change something.\n\n" +
		"Answers are JSON, an error is `{\"error\": \"...\"}`. `/api/v1/openapi.json` describes all of it for programs. Fields may be\n" +
		"added under the same `format_version`.\n\n" +
		"| method | path | answer |\n|---|---|---|\n")
	routes := (&api{p}).routes()
	for _, r := range routes {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", r.Method, r.Path, r.Doc)
	}
	for _, r := range routes {
		if len(r.Query) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| query | meaning |\n|---|---|\n", r.Path)
		for _, q := range r.Query {
			words := ""
			if q.Words != nil {
				words = " One of `" + strings.Join(q.Words, "`, `") + "`."
			}
			fmt.Fprintf(&b, "| `%s` | %s%s |\n", q.Name, q.Doc, words)
		}
	}
	return b.String()
}
