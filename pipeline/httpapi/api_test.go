package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/support"
)

// served is an API over a made-up topology, with everything there is to say.
func served(access httpapi.Access) (httpapi.APIParams, http.Handler) {
	at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	cfg := &model.Config{
		Clusters: []*model.Cluster{{Alias: "a", BootstrapServers: []string{"a:9092"}}, {Alias: "b", BootstrapServers: []string{"b:9092"}}},
		Flows:    []*model.Flow{{Name: "a->b", From: "a", To: "b", Enabled: true, Topics: []string{"orders.*"}}},
	}
	p := httpapi.APIParams{
		Access: access, Version: "1.2.3", Started: at, Log: slog.New(slog.DiscardHandler), Pprof: true,
		Status: func() status.Snapshot {
			return status.Snapshot{FormatVersion: 1, Time: at, Reload: &status.Reload{Revision: 2, Applied: at, Successful: true}, Flows: []status.Flow{{
				Name: "a->b", From: "a", To: "b", State: status.Running, Reasons: map[string]int64{"codec": 1},
				Problems: slices.Repeat([]status.Problem{{Topic: "orders", Summary: "leader is gone", Since: at}}, 300),
			}}}
		},
		Partitions: func(want func(string) bool) []status.Partition {
			var list []status.Partition
			for _, flow := range []string{"a->b", "b->a"} {
				for i := range int32(6) {
					if want(flow) {
						list = append(list, status.Partition{
							Flow: flow, Topic: fmt.Sprintf("orders.%d", i/2), Partition: i % 2, State: status.Running,
							LagRecords: int64(i * 10), LagSeconds: float64(10 - i), Headroom: int64(i) - 1,
						})
					}
				}
			}
			return list
		},
		Graph: func() *graph.Graph { return graph.New(cfg, graph.NewKey()) },
		Events: func(int64, int) []events.Event {
			return []events.Event{{ID: 1, Time: at, Level: "info", Message: "edit applied"}}
		},
		Revisions: func() []status.Revision {
			return []status.Revision{{
				ID: 1, Revision: 1, Time: at, Trigger: status.ByFiles, Outcome: status.Refused, Error: "nonsense", Plan: "add: 1", MoreChanges: 1,
				Changes: []status.RevisionChange{{Part: "x", Action: "add", Property: "p", Before: "1", After: "2", Note: "n"}},
			}}
		},
		Reload:   func(context.Context) (status.Reload, error) { return status.Reload{Revision: 3, Successful: true}, nil },
		Support:  func() []support.File { return []support.File{{Name: "facts.txt", Text: "the password is hunter22\n"}} },
		Redact:   func(text string) string { return strings.ReplaceAll(text, "hunter22", "(secret)") },
		Steering: steered{},
		Dashboard: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "the dashboard")
		}),
	}
	return p, httpapi.API(p)
}

// steered is a topology whose flows do what they are told, unless there is an error
// for those that are to go on.
type steered struct{ resume error }

func (steered) Pause(string) error { return nil }

func (s steered) Resume(string) error { return s.resume }

func (steered) Restart(string) error { return nil }

func TestSteering(t *testing.T) {
	p, _ := served(httpapi.Access{Local: true})
	p.Steering = steered{errors.New("paused by its file")}
	h := httpapi.API(p)
	for path, tt := range map[string]struct {
		code int
		want string
	}{
		"pause?flow=a-%3Eb":   {200, `"flow":{"name":"a-\u003eb"`},
		"restart?flow=a-%3Eb": {200, `"state":"running"`},
		"resume?flow=a-%3Eb":  {409, `{"error":"paused by its file"}`},
		"pause?flow=x":        {404, `no flow`},
		"pause":               {400, `flow is required`},
	} {
		w := ask(h, "POST", "/api/v1/"+path, map[string]string{httpapi.RequestHeader: "1"})
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: answer is %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "POST", "/api/v1/pause?flow=a-%3Eb", nil); w.Code != 403 {
		t.Errorf("without the header the answer is %d", w.Code)
	}
}

// ask sends a request as if to this machine.
func ask(h http.Handler, method, path string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8844"+path, nil)
	for name, value := range header {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhoMayAsk(t *testing.T) {
	local, withToken := httpapi.Access{Local: true}, httpapi.Access{Local: true, Token: "s3cret"}
	outside := httpapi.Access{Token: "s3cret"}
	const reload, read = "POST /api/v1/reload", "GET /api/v1/status"
	bearer := map[string]string{"Authorization": "Bearer s3cret"}
	tests := map[string]struct {
		access httpapi.Access
		ask    string
		header map[string]string
		want   int
	}{
		"reads here":                              {local, read, nil, 200},
		"reads here by name":                      {local, read, map[string]string{"Host": "localhost:1"}, 200},
		"reads here by IPv6":                      {local, read, map[string]string{"Host": "[::1]:8844"}, 200},
		"a name that was made to lead here":       {local, read, map[string]string{"Host": "evil.example:8844"}, 421},
		"the page by such a name":                 {local, "GET /", map[string]string{"Host": "evil.example"}, 421},
		"the page":                                {local, "GET /", nil, 200},
		"a program reloads here":                  {local, reload, map[string]string{"X-Strait-Request": "1"}, 200},
		"without the header":                      {local, reload, nil, 403},
		"a form of another site":                  {local, reload, map[string]string{"Origin": "https://evil.example", "Content-Type": "text/plain"}, 403},
		"a script of another site":                {local, reload, map[string]string{"Origin": "https://evil.example", "X-Strait-Request": "1"}, 403},
		"another port of this machine":            {local, reload, map[string]string{"Origin": "http://127.0.0.1:3000", "X-Strait-Request": "1"}, 403},
		"the page, which has no token":            {local, reload, map[string]string{"Origin": "http://127.0.0.1:8844", "X-Strait-Request": "1"}, 403},
		"reads where there is a token":            {withToken, read, nil, 200},
		"changes where there is a token":          {withToken, reload, map[string]string{"X-Strait-Request": "1"}, 401},
		"a wrong token":                           {withToken, reload, map[string]string{"Authorization": "Bearer s3cre"}, 401},
		"a wrong token does not even read":        {withToken, read, map[string]string{"Authorization": "Bearer nope"}, 401},
		"an empty token":                          {local, reload, map[string]string{"Authorization": "Bearer "}, 401},
		"the token":                               {withToken, reload, bearer, 200},
		"the page with the token":                 {withToken, reload, map[string]string{"Authorization": "Bearer s3cret", "Origin": "http://127.0.0.1:8844", "Sec-Fetch-Site": "same-origin"}, 200},
		"another site with the token":             {withToken, reload, map[string]string{"Authorization": "Bearer s3cret", "Origin": "http://evil.example"}, 403},
		"another site by what the browser says":   {withToken, reload, map[string]string{"Authorization": "Bearer s3cret", "Sec-Fetch-Site": "same-site"}, 403},
		"reads from outside":                      {outside, read, map[string]string{"Host": "strait.example"}, 401},
		"reads from outside with the token":       {outside, read, map[string]string{"Host": "strait.example", "Authorization": "Bearer s3cret"}, 200},
		"the page from outside, which is no data": {outside, "GET /", map[string]string{"Host": "strait.example"}, 200},
		"profiles here":                           {local, "GET /debug/pprof/cmdline", nil, 200},
		"profiles where there is a token":         {withToken, "GET /debug/pprof/cmdline", nil, 401},
		"profiles with the token":                 {withToken, "GET /debug/pprof/cmdline", bearer, 200},
		"no such path":                            {local, "GET /api/v1/nothing", nil, 404},
		"no such method":                          {local, "DELETE /api/v1/status", nil, 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, h := served(tt.access)
			method, path, _ := strings.Cut(tt.ask, " ")
			if w := ask(h, method, path, tt.header); w.Code != tt.want {
				t.Errorf("answer is %d %s, want %d", w.Code, w.Body, tt.want)
			}
		})
	}
}

// TestNoProfilesUnasked has no pprof without the switch.
func TestNoProfilesUnasked(t *testing.T) {
	p, _ := served(httpapi.Access{Local: true})
	p.Pprof, p.Dashboard = false, nil
	if w := ask(httpapi.API(p), "GET", "/debug/pprof/cmdline", nil); w.Code != http.StatusNotFound {
		t.Errorf("answer is %d", w.Code)
	}
}

func TestLists(t *testing.T) {
	_, h := served(httpapi.Access{Local: true})
	tests := map[string]struct {
		path  string
		total int
		want  []string // the first ones
	}{
		"by name":           {"lag?flow=a->b", 6, []string{"a->b orders.0/0 lag 0", "a->b orders.0/1 lag 10"}},
		"by lag":            {"lag?sort=lag_records&limit=3", 12, []string{"a->b orders.2/1 lag 50", "b->a orders.2/1 lag 50", "a->b orders.2/0 lag 40"}},
		"by time":           {"lag?sort=lag_seconds&limit=1&offset=1", 12, []string{"b->a orders.0/0 lag 0"}},
		"by headroom":       {"lag?sort=headroom_records&flow=a->b", 6, []string{"a->b orders.0/1 lag 10", "a->b orders.1/0 lag 20"}},
		"part of a name":    {"lag?topic=s.2&flow=b->a", 2, []string{"b->a orders.2/0 lag 40", "b->a orders.2/1 lag 50"}},
		"behind the end":    {"lag?offset=100", 12, nil},
		"no such flow":      {"lag?flow=nope", 0, nil},
		"topics":            {"topics?flow=a->b", 3, []string{"a->b orders.0 of 2 lag 10", "a->b orders.1 of 2 lag 50"}},
		"topics by lag":     {"topics?sort=lag_records&limit=1", 6, []string{"a->b orders.2 of 2 lag 90"}},
		"topics by lag end": {"topics?sort=lag_records&limit=1&offset=5", 6, []string{"b->a orders.0 of 2 lag 10"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := ask(h, "GET", "/api/v1/"+strings.ReplaceAll(tt.path, ">", "%3E"), nil)
			var got struct {
				Total      int
				Partitions []status.Partition
				Topics     []status.Topic
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			var list []string
			for _, p := range got.Partitions {
				list = append(list, fmt.Sprintf("%s %s/%d lag %d", p.Flow, p.Topic, p.Partition, p.LagRecords))
			}
			for _, p := range got.Topics {
				list = append(list, fmt.Sprintf("%s %s of %d lag %d", p.Flow, p.Topic, p.Partitions, p.LagRecords))
			}
			if diff := cmp.Diff(tt.want, list[:min(len(list), len(tt.want))]); diff != "" || got.Total != tt.total {
				t.Errorf("total %d, want %d; %s", got.Total, tt.total, diff)
			}
		})
	}
	for _, path := range []string{"lag?sort=color", "lag?limit=1001", "lag?limit=-1", "topics?offset=x", "events?after=x", "events?limit=1e9"} {
		if w := ask(h, "GET", "/api/v1/"+path, nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered with %d", path, w.Code)
		}
	}
}

func TestProblemsAreCut(t *testing.T) {
	_, h := served(httpapi.Access{Local: true})
	var got status.Snapshot
	if err := json.Unmarshal(ask(h, "GET", "/api/v1/status", nil).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if f := got.Flows[0]; len(f.Problems) != 200 || f.MoreProblems != 100 {
		t.Errorf("%d problems and %d more", len(f.Problems), f.MoreProblems)
	}
}

func TestReload(t *testing.T) {
	tests := map[string]struct {
		st   status.Reload
		err  error
		code int
		want string
	}{
		"applied":   {status.Reload{Revision: 3, Successful: true}, nil, 200, `"revision":3`},
		"refused":   {status.Reload{Revision: 2, Error: "a.hcl:1:1: nonsense"}, nil, 422, `"error":"a.hcl:1:1: nonsense"`},
		"not tried": {status.Reload{}, errors.New("took too long"), 503, `{"error":"took too long"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, _ := served(httpapi.Access{Local: true})
			p.Reload = func(context.Context) (status.Reload, error) { return tt.st, tt.err }
			w := ask(httpapi.API(p), "POST", "/api/v1/reload", map[string]string{httpapi.RequestHeader: "1"})
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestDocument holds every answer to what the OpenAPI document says of it.
func TestDocument(t *testing.T) {
	_, h := served(httpapi.Access{Local: true})
	var doc map[string]any
	if err := json.Unmarshal(ask(h, "GET", "/api/v1/openapi.json", nil).Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	v := validator{schemas: doc["components"].(map[string]any)["schemas"].(map[string]any)}
	paths := doc["paths"].(map[string]any)
	if len(paths) < 8 {
		t.Errorf("only %d paths are described", len(paths))
	}
	for path, operations := range paths {
		for method, operation := range operations.(map[string]any) {
			w := ask(h, strings.ToUpper(method), path+"?flow=a-%3Eb", map[string]string{httpapi.RequestHeader: "1"})
			var got any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
				t.Fatalf("%s is answered with %d %s", path, w.Code, w.Body)
			}
			schema := operation.(map[string]any)["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"]
			for _, wrong := range v.check(path, schema.(map[string]any), got) {
				t.Error(wrong)
			}
		}
	}
	if wrong := v.check("x", map[string]any{"$ref": "#/components/schemas/Info"}, map[string]any{"version": 1.5, "else": true}); len(wrong) < 3 {
		t.Errorf("the check finds only %q", wrong)
	}
}

// validator checks values against the part of JSON Schema that we use.
type validator struct{ schemas map[string]any }

func (v validator) check(at string, schema map[string]any, value any) []string {
	if ref, ok := schema["$ref"].(string); ok {
		return v.check(at, v.schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any), value)
	}
	var wrong []string
	is := map[string]bool{"array": false, "string": false, "boolean": false, "number": false, "integer": false, "object": false}
	switch x := value.(type) {
	case map[string]any:
		is["object"] = true
		wrong = v.members(at, schema, x)
	case []any:
		is["array"] = true
		for i, e := range x {
			if items, ok := schema["items"].(map[string]any); ok {
				wrong = append(wrong, v.check(fmt.Sprintf("%s[%d]", at, i), items, e)...)
			}
		}
	case string:
		is["string"] = true
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339Nano, x); err != nil {
				wrong = append(wrong, at+": "+err.Error())
			}
		}
	case bool:
		is["boolean"] = true
	case float64:
		is["number"], is["integer"] = true, x == float64(int64(x))
	}
	if kind, _ := schema["type"].(string); !is[kind] {
		wrong = append(wrong, fmt.Sprintf("%s is %v, not of type %s", at, value, kind))
	}
	return wrong
}

func (v validator) members(at string, schema, value map[string]any) []string {
	var wrong []string
	properties, _ := schema["properties"].(map[string]any)
	for name, member := range value {
		of, known := properties[name].(map[string]any)
		if more, ok := schema["additionalProperties"].(map[string]any); !known && ok {
			of, known = more, true
		}
		if !known {
			wrong = append(wrong, at+"."+name+" is not described")
			continue
		}
		wrong = append(wrong, v.check(at+"."+name, of, member)...)
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, there := value[name.(string)]; !there {
			wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	return wrong
}

// TestSupport has all that is asked for one by one, without secrets, and only for
// those who may see the process from inside.
func TestSupport(t *testing.T) {
	_, h := served(httpapi.Access{Local: true, Token: "s3cret"})
	if w := ask(h, http.MethodGet, "/api/v1/support", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("without the token it is answered %d", w.Code)
	}
	w := ask(h, http.MethodGet, "/api/v1/support", map[string]string{"Authorization": "Bearer s3cret"})
	var got httpapi.Support
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("answered %d, %v", w.Code, err)
	}
	files := map[string]string{}
	for _, f := range got.Files {
		files[f.Name] = f.Text
	}
	for name, want := range map[string]string{
		"info.json": `"version": "1.2.3"`, "status.json": "leader is gone", "graph.json": "a:9092", "lag.json": `"total": 12`,
		"topics.json": "orders.2", "events.json": "edit applied", "revisions.json": "nonsense", "facts.txt": "the password is (secret)\n",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not say %q:\n%s", name, want, files[name])
		}
	}
	if len(files) != 8 || strings.Contains(w.Body.String(), "hunter22") {
		t.Errorf("there are %d files:\n%s", len(files), w.Body)
	}
}
