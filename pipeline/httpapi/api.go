package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/support"
)

// APIParams is what API needs. Functions may be called at any time, by several
// goroutines; what is nil is not served.
type APIParams struct {
	Access  Access
	Version string       // of the program
	Started time.Time    // the process
	Log     *slog.Logger // required
	Pprof   bool

	Status     func() status.Snapshot // required
	Partitions func(want func(flow string) bool) []status.Partition
	Graph      func() *graph.Graph
	Events     func(after int64, limit int) []events.Event
	Revisions  func() []status.Revision
	// Reload reads the topology again and returns what became of that; an error says
	// that it was not tried.
	Reload func(ctx context.Context) (status.Reload, error)

	Steering Steering // nil: flows do what the file says

	// Support returns what the process says of itself beside what is asked for above,
	// and Redact a text without secrets; both or neither.
	Support func() []support.File
	Redact  func(text string) string

	Dashboard http.Handler // nil: none
}

// API serves everything below /api/v1/, and the dashboard.
func API(p APIParams) http.Handler {
	a := &api{p}
	mux := http.NewServeMux()
	for _, r := range a.routes() {
		mux.Handle(r.Method+" "+r.Path, a.handler(r))
	}
	document := OpenAPI(a.routes(), p.Version)
	mux.Handle("GET /api/v1/openapi.json", a.handler(Route{Method: http.MethodGet, serve: func(*http.Request) (any, error) { return document, nil }}))
	mux.Handle("/api/", a.handler(Route{Method: http.MethodGet, serve: func(*http.Request) (any, error) {
		return nil, &refusal{http.StatusNotFound, "there is no such path or method; see /api/v1/openapi.json"}
	}}))
	if p.Pprof {
		a.profiles(mux)
	}
	if p.Dashboard != nil {
		mux.Handle("/", a.guarded(p.Dashboard))
	}
	return mux
}

type api struct{ p APIParams }

// Route is one path of the API.
type Route struct {
	Method, Path string
	Doc          string // a sentence
	Query        []Query
	Answer       any // a zero value of what is answered

	serve   func(r *http.Request) (any, error)
	allowed func(r *http.Request) error // nil: by the method
}

// Query is one thing that a request may say behind the question mark.
type Query struct {
	Name  string
	Doc   string
	Words []string // that it may be; nil: any
	Max   int      // of a number; 0: it is text
}

// routes is every path that is served.
func (a *api) routes() []Route {
	list := []Route{
		{Path: "/api/v1/info", Doc: "What answers, and what whoever asks may do.", Answer: Info{}, serve: a.info},
		{Path: "/api/v1/status", Doc: "The state of every flow.", Answer: status.Snapshot{}, serve: a.status},
	}
	if a.p.Graph != nil {
		list = append(list, Route{
			Path: "/api/v1/graph", Doc: "The topology that runs, as strait graph --format json draws it.", Answer: graph.Document{},
			serve: func(*http.Request) (any, error) { return a.p.Graph().Document(), nil },
		})
	}
	if a.p.Partitions != nil {
		list = append(list,
			Route{Path: "/api/v1/lag", Doc: "Where partitions are, and how far behind.", Answer: Partitions{}, Query: listQueries(), serve: a.partitions},
			Route{Path: "/api/v1/topics", Doc: "The same, by topic.", Answer: Topics{}, Query: listQueries(), serve: a.topics})
	}
	if a.p.Events != nil {
		list = append(list, Route{
			Path: "/api/v1/events", Doc: "What lately happened: changes of state, of clusters and of the topology.", Answer: Events{},
			Query: []Query{
				{Name: "after", Doc: "Only events with a greater id.", Max: 1 << 53},
				{Name: "limit", Doc: "The most to be answered, the last ones; 100 if not given.", Max: maxLimit},
			},
			serve: a.events,
		})
	}
	if a.p.Revisions != nil {
		list = append(list, Route{
			Path: "/api/v1/revisions", Doc: "The last topologies that were read: when, why, what they change, and what became of them.",
			Answer: Revisions{}, serve: a.revisions,
		})
	}
	if a.p.Support != nil {
		list = append(list, Route{
			Path: supportPath, Doc: "All of this in one answer, with settings in effect, metrics, the stacks of goroutines and what the process runs in, as files without secrets. Where there is a token, it is required.",
			Answer: Support{}, serve: a.support, allowed: a.p.Access.profile,
		})
	}
	for i := range list {
		list[i].Method = http.MethodGet
	}
	if a.p.Reload != nil {
		list = append(list, Route{
			Method: http.MethodPost, Path: "/api/v1/reload", Answer: Reloaded{}, serve: a.reload,
			Doc: "Reads the topology again and applies it. 422 with what is wrong where it was refused: everything runs on as it was.",
		})
	}
	for _, r := range a.steers() {
		r.Method = http.MethodPost
		list = append(list, r)
	}
	return list
}

// handler answers for a route.
func (a *api) handler(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := a.p.Access.read
		if route.Method != http.MethodGet {
			allowed = a.p.Access.change
		}
		if route.allowed != nil {
			allowed = route.allowed
		}
		err := allowed(r)
		var answer any
		if err == nil {
			answer, err = route.serve(r)
		}
		code := http.StatusOK
		if err != nil {
			code = http.StatusInternalServerError
			if why, ok := errors.AsType[*refusal](err); ok {
				code = why.code
			}
			if answer == nil {
				answer = Failure{err.Error()}
			}
		}
		a.write(w, code, answer)
	})
}

// write answers with JSON.
func (a *api) write(w http.ResponseWriter, code int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		a.p.Log.Error("an answer could not be written", "err", err)
		code, text = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if code == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="strait"`)
	}
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // who asked may be gone
}

// guarded serves what holds no data: whoever reaches the server may have it.
func (a *api) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		only := Access{Local: a.p.Access.Local}
		if only.Local {
			r.Header.Del("Authorization")
			if err := only.read(r); err != nil {
				answer(w, http.StatusMisdirectedRequest, err.Error()+"\n")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// profiles adds /debug/pprof/.
func (a *api) profiles(mux *http.ServeMux) {
	for path, h := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		mux.HandleFunc("GET /debug/pprof/"+path, func(w http.ResponseWriter, r *http.Request) {
			if err := a.p.Access.profile(r); err != nil {
				a.write(w, http.StatusUnauthorized, Failure{err.Error()})
				return
			}
			h(w, r)
		})
	}
}
