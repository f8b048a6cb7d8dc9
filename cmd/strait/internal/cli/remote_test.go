package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

// observedEngine also tells where its partitions are.
type observedEngine struct {
	fakeEngine
	cfg *model.Config
}

func (o observedEngine) Topology() *model.Config { return o.cfg }

func (observedEngine) Partitions(want func(string) bool) []status.Partition {
	if !want("a->b") {
		return nil
	}
	return []status.Partition{
		{Flow: "a->b", Topic: "orders", Partition: 0, TargetTopic: "a.orders", State: status.Running, Position: 900, End: 1000, LagRecords: 100, LagSeconds: 3, Headroom: 12345},
		{Flow: "a->b", Topic: "orders", Partition: 1, TargetTopic: "a.orders", State: status.Unhealthy, Cause: "leader is gone", Position: -1, End: -1, LagRecords: -1, Headroom: -1},
	}
}

func (observedEngine) Pause(string) error { return nil }

func (observedEngine) Resume(string) error { return errors.New("the flow is paused by its file") }

func (observedEngine) Restart(string) error { return nil }

func (o observedEngine) Apply(_ context.Context, cfg *model.Config) error { return nil }

// TestAskingWhatRuns runs a topology with a token and asks it as a user would.
func TestAskingWhatRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.hcl")
	text := `server {
  listen = "127.0.0.1:0"
  token  = env("TOKEN")
}
cluster "a" { bootstrap_servers = ["127.0.0.1:1"] }
cluster "b" { bootstrap_servers = ["127.0.0.1:1"] }
flow "a->b" {}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"TOKEN": "s3cret", "STRAIT_TOKEN": "s3cret"}[name]
		return v, ok
	}
	ctx, stop := context.WithCancel(t.Context())
	var out, errOut buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, []string{"run", file}, Params{
			Stdout: &out, Stderr: &errOut, Getenv: env,
			Make: func(p engine.Params) (engine.Engine, error) {
				return observedEngine{fakeEngine{func(ctx context.Context) error { <-ctx.Done(); return nil }}, p.Config}, nil
			},
		})
	}()
	defer func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("run ended with %d\n%s", code, errOut.String())
		}
	}()
	address := waitFor(t, &errOut, `the API and the dashboard","address":"([^"]+)"`)

	tests := map[string]struct {
		args     []string
		env      func(string) (string, bool)
		code     int
		out, err string // parts
	}{
		"status":                    {args: []string{"status"}, out: "a->b             running"},
		"status for programs":       {args: []string{"status", "--output", "json"}, out: `"records": 1234`},
		"lag":                       {args: []string{"lag"}, out: "a->b  orders  0          900       1,000  100  3.0s    12,345    running"},
		"what is not known":         {args: []string{"lag"}, out: "a->b  orders  1          -         -      -    -       -         unhealthy: leader is gone"},
		"lag of topics":             {args: []string{"lag", "--topics"}, out: "a->b  orders  a.orders  2           1          100  3.0s    12,345"},
		"lag for programs":          {args: []string{"lag", "--output", "json", "--flow", "a->b"}, out: `"headroom_records": 12345`},
		"lag cut":                   {args: []string{"lag", "--limit", "1"}, out: "1 of 2 partitions; --limit shows more"},
		"a sort there is not":       {args: []string{"lag", "--sort", "color"}, code: 1, err: "sort must be one of topic, lag_records"},
		"top":                       {args: []string{"top"}, out: "a->b             running          0       0.0s        0       0 B        0"},
		"top of topics":             {args: []string{"top", "--topics", "--interval", "100ms", "--sort", "name"}, out: "a->b orders      unhealthy      100       3.0s        0       0 B        1"},
		"top for programs":          {args: []string{"top", "--sort", "rate", "--output", "json"}, out: `"sort": "rate"`},
		"top by what there is not":  {args: []string{"top", "--sort", "lagg"}, code: 64, err: `--sort is "lagg": did you mean "lag"?`},
		"events":                    {args: []string{"events"}, out: "serving the API and the dashboard"},
		"revisions":                 {args: []string{"revisions"}, out: "revision 1  applied (start)"},
		"revisions for programs":    {args: []string{"revisions", "--output", "json"}, out: `"trigger": "start"`},
		"reload":                    {args: []string{"reload"}, out: "revision 1, applied 20"},
		"reload for programs":       {args: []string{"reload", "--output", "json"}, out: `"successful": true`},
		"reload without the token":  {args: []string{"reload"}, env: noEnv, code: 1, err: "a token is required"},
		"pause":                     {args: []string{"pause", "a->b"}, out: "a->b running"},
		"pause for programs":        {args: []string{"pause", "a->b", "--output", "json"}, out: `"name": "a->b"`},
		"pause without the token":   {args: []string{"pause", "a->b"}, env: noEnv, code: 1, err: "a token is required"},
		"pause of nothing":          {args: []string{"pause", "x->y"}, code: 1, err: `no flow "x->y" runs here; strait status lists`},
		"resume refused":            {args: []string{"resume", "a->b"}, code: 1, err: "the flow is paused by its file"},
		"restart":                   {args: []string{"restart", "a->b"}, out: "a->b running"},
		"reading without the token": {args: []string{"status"}, env: noEnv, out: "a->b"},
		"with another token": {args: []string{"status"}, code: 1, err: "the one shown is not it", env: func(name string) (string, bool) {
			return "wrong", name == "STRAIT_TOKEN"
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out, errOut buffer
			if tt.env == nil {
				tt.env = env
			}
			code := Main(t.Context(), append(tt.args, "--server", address), Params{Stdout: &out, Stderr: &errOut, Getenv: tt.env})
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(errOut.String(), tt.err) {
				t.Errorf("exit code %d\n%s%s", code, out.String(), errOut.String())
			}
		})
	}
}

// TestReloadRefused breaks the file of a running topology and has it read again.
func TestReloadRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.hcl")
	text := `server { listen = "127.0.0.1:0" }
cluster "a" { bootstrap_servers = ["127.0.0.1:1"] }
cluster "b" { bootstrap_servers = ["127.0.0.1:1"] }
flow "a->b" {}
`
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	ctx, stop := context.WithCancel(t.Context())
	var log buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, []string{"run", file}, Params{
			Stdout: &log, Stderr: &log, Getenv: noEnv,
			Make: func(p engine.Params) (engine.Engine, error) {
				return observedEngine{fakeEngine{func(ctx context.Context) error { <-ctx.Done(); return nil }}, p.Config}, nil
			},
		})
	}()
	defer func() { stop(); <-ended }()
	address := waitFor(t, &log, `the API and the dashboard","address":"([^"]+)"`)

	reload := func() (int, string) {
		var out buffer
		code := Main(t.Context(), []string{"reload", "--server", address}, Params{Stdout: &out, Stderr: &out, Getenv: noEnv})
		return code, out.String()
	}
	write(text + "flow \"a->c\" {}\n")
	if code, out := reload(); code != 3 || !strings.Contains(out, "revision 1 runs on: the edit of 20") || !strings.Contains(out, "was refused: "+file+":5:") {
		t.Errorf("a broken file: exit code %d\n%s", code, out)
	}
	write(strings.Replace(text, "{}", `{ topics = ["orders"] }`, 1))
	if code, out := reload(); code != 0 || !strings.Contains(out, "revision 2, applied 20") {
		t.Errorf("the file is right again: exit code %d\n%s", code, out)
	}
	var out buffer
	Main(t.Context(), []string{"revisions", "--server", address}, Params{Stdout: &out, Stderr: &out, Getenv: noEnv})
	for _, want := range []string{"revision 1  applied (start)", "refused (", file + ":5:", "revision 2  applied (", `flow "a->b" topics ".*" -> "orders": update live`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

// waitFor returns what a pattern finds in the log, once it does.
func waitFor(t *testing.T, log *buffer, pattern string) string {
	t.Helper()
	for wait := time.NewTicker(10 * time.Millisecond); ; <-wait.C {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(log.String()); m != nil {
			return m[1]
		}
		if t.Context().Err() != nil {
			t.Fatal("the test was ended")
		}
	}
}

func TestAskingNobody(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		err  string
	}{
		"nobody there":   {[]string{"status", "--server", "127.0.0.1:1"}, 1, "asking http://127.0.0.1:1: dial tcp 127.0.0.1:1"},
		"no address":     {[]string{"status", "--server", "ftp://x"}, 64, `the server's address "ftp://x" is neither`},
		"half a pair":    {[]string{"lag", "--cert-file", "x"}, 64, "--cert-file and --key-file go together"},
		"no such output": {[]string{"lag", "--output", "xml"}, 64, "not text or json"},
		"no token file":  {[]string{"events", "--token-file", "/nope"}, 1, "reading the token: open /nope"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var errOut buffer
			if code := Main(t.Context(), tt.args, Params{Stdout: &errOut, Stderr: &errOut, Getenv: noEnv}); code != tt.code || !strings.Contains(errOut.String(), tt.err) {
				t.Errorf("exit code %d\n%s", code, errOut.String())
			}
		})
	}
}

// TestServerFollowsEdits has the server change with the topology: what it asks for
// at one address, where it listens, and neither where an edit fails.
func TestServerFollowsEdits(t *testing.T) {
	var log buffer
	a := &app{p: Params{Getenv: noEnv}, view: view.New(view.Params{Out: &log, Err: &log})}
	logger, err := a.newLog("info", "text")
	if err != nil {
		t.Fatal(err)
	}
	e := fakeEngine{func(context.Context) error { return nil }}
	s := newServing(runFlags{}, e, &events.Ring{}, logger, noEnv)
	def := func(listen, token string) *model.Config {
		server := model.NewServer()
		server.Listen, server.Token = listen, model.NewSecret(token)
		return &model.Config{Server: server}
	}
	if err := s.start(t.Context(), def("127.0.0.1:0", "old"), &reloading{read: e.Status}); err != nil {
		t.Fatal(err)
	}
	defer s.close(t.Context())
	address := s.open[forAPI].server.Address()
	asks := func(address, token string) error {
		c, err := httpapi.NewClient(address, token, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Status(t.Context())
		return err
	}
	apply := func() error { return nil }
	if err := s.change(t.Context(), def("127.0.0.1:0", "new"), func() error { return errors.New("refused") }); err == nil || asks(address, "old") != nil {
		t.Errorf("an edit that fails changes the server: %v", err)
	}
	if err := s.change(t.Context(), def("127.0.0.1:0", "new"), apply); err != nil || asks(address, "new") != nil || asks(address, "old") == nil {
		t.Errorf("the token is not the new one: %v", err)
	}
	if err := s.change(t.Context(), def("192.0.2.1:1", "new"), apply); err == nil || asks(address, "new") != nil {
		t.Errorf("an address that cannot be had changes the server: %v", err)
	}
	if err := s.change(t.Context(), def("localhost:0", "new"), apply); err != nil || asks(address, "new") == nil || asks(s.open[forAPI].server.Address(), "new") != nil {
		t.Errorf("the server is not elsewhere: %v", err)
	}
	address = s.open[forAPI].server.Address()
	if err := s.change(t.Context(), &model.Config{}, apply); err != nil || asks(address, "new") == nil {
		t.Errorf("the server answers though nothing asks for it: %v", err)
	}
}
