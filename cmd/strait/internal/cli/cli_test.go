package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/status"
)

// fakeEngine is an engine whose Run is the test's.
type fakeEngine struct {
	run func(context.Context) error
}

func (f fakeEngine) Run(ctx context.Context) error { return f.run(ctx) }

func (f fakeEngine) Status() status.Snapshot {
	return status.Snapshot{Time: time.Unix(0, 0).UTC(), Flows: []status.Flow{{
		Name: "a->b", State: status.Running, Records: 1234, Bytes: 5_600_000,
	}}}
}

// buffer is a bytes.Buffer that several goroutines may use.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func oneFlow([]string, func(string) (string, bool), *diag.Sources) (*model.Config, diag.List) {
	return &model.Config{Flows: []*model.Flow{{Name: "a->b", Enabled: true, BufferMemory: 64 << 20}}}, nil
}

func noEnv(string) (string, bool) { return "", false }

func TestRunExitCodes(t *testing.T) {
	engineOf := func(err error) engine.Maker {
		return func(engine.Params) (engine.Engine, error) {
			return fakeEngine{func(context.Context) error { return err }}, nil
		}
	}
	problem := diag.Diagnostic{
		Summary: "unknown cluster \"x\"", Code: "ST012", Fix: "did you mean \"y\"?",
		Subject: diag.Range{File: "f.hcl", Start: diag.Pos{Line: 3, Column: 7}},
	}
	loaderOf := func(s diag.Severity) engine.Loader {
		return func(paths []string, env func(string) (string, bool), src *diag.Sources) (*model.Config, diag.List) {
			cfg, _ := oneFlow(paths, env, src)
			p := problem
			p.Severity = s
			return cfg, diag.List{p}
		}
	}
	tests := map[string]struct {
		load        engine.Loader
		make        engine.Maker
		code        int
		out, errOut string // parts of what is printed
	}{
		"done":    {oneFlow, engineOf(nil), 0, "copied 1,234 records (5.6 MB) in ", ""},
		"failed":  {oneFlow, engineOf(errors.New("dialing b: refused")), 1, "", "strait: error: running f.hcl: dialing b: refused\n"},
		"warning": {loaderOf(diag.Warning), engineOf(nil), 0, "copied", "f.hcl:3:7: warning"},
		"configuration": {
			loaderOf(diag.Error), engineOf(nil), 78, "",
			"f.hcl:3:7: error: unknown cluster \"x\" (ST012)\n  fix: did you mean \"y\"?\n",
		},
		"engine refuses": {
			oneFlow, func(engine.Params) (engine.Engine, error) { return nil, errors.New("no flow") }, 78, "", "no flow",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out, errOut buffer
			code := Main(t.Context(), []string{"run", "--once", "f.hcl"}, Params{
				Stdout: &out, Stderr: &errOut, Load: test.load, Make: test.make, Getenv: noEnv,
			})
			if code != test.code {
				t.Errorf("exit code %d, want %d\n%s", code, test.code, errOut.String())
			}
			if !strings.Contains(out.String(), test.out) || !strings.Contains(errOut.String(), test.errOut) {
				t.Errorf("stdout %q, stderr %q", out.String(), errOut.String())
			}
		})
	}
}

func TestRunHandsItsFlagsDown(t *testing.T) {
	var got engine.Params
	code := Main(t.Context(), []string{"run", "--once", "--timeout=5s", "--drain-timeout=7s", "--log-format=json", "f.hcl"}, Params{
		Stdout: io.Discard, Stderr: io.Discard, Load: oneFlow, Getenv: noEnv,
		Make: func(p engine.Params) (engine.Engine, error) {
			got = p
			return fakeEngine{func(context.Context) error { return nil }}, nil
		},
	})
	if code != 0 || !got.Once || got.Timeout != 5*time.Second || got.DrainTimeout != 7*time.Second || got.Log == nil || got.Config == nil {
		t.Errorf("exit code %d, params %+v", code, got)
	}
}

func TestFirstSignalDrains(t *testing.T) {
	for name, end := range map[string]func(context.Context) error{
		"nil":   func(context.Context) error { return nil },
		"cause": context.Cause,
	} {
		t.Run(name, func(t *testing.T) {
			signals := make(chan os.Signal, 1)
			var errOut buffer
			code := Main(t.Context(), []string{"run", "f.hcl"}, Params{
				Stdout: io.Discard, Stderr: &errOut, Load: oneFlow, Getenv: noEnv, Signals: signals,
				Make: func(engine.Params) (engine.Engine, error) {
					return fakeEngine{func(ctx context.Context) error {
						signals <- os.Interrupt
						<-ctx.Done()
						return end(ctx)
					}}, nil
				},
			})
			if code != 0 || !strings.Contains(errOut.String(), "finishing what is under way") {
				t.Errorf("exit code %d, stderr %q", code, errOut.String())
			}
		})
	}
}

func TestFailedDrainFails(t *testing.T) {
	signals := make(chan os.Signal, 1)
	code := Main(t.Context(), []string{"run", "f.hcl"}, Params{
		Stdout: io.Discard, Stderr: io.Discard, Load: oneFlow, Getenv: noEnv, Signals: signals,
		Make: func(engine.Params) (engine.Engine, error) {
			return fakeEngine{func(ctx context.Context) error {
				signals <- os.Interrupt
				<-ctx.Done()
				return errors.New("draining: 3 partitions were not finished within 30s")
			}}, nil
		},
	})
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	signals := make(chan os.Signal, 2)
	exited := make(chan int, 1)
	Main(t.Context(), []string{"run", "f.hcl"}, Params{
		Stdout: io.Discard, Stderr: io.Discard, Load: oneFlow, Getenv: noEnv, Signals: signals,
		Exit: func(code int) { exited <- code },
		Make: func(engine.Params) (engine.Engine, error) {
			return fakeEngine{func(ctx context.Context) error {
				signals <- os.Interrupt
				<-ctx.Done()
				signals <- os.Interrupt
				if code := <-exited; code != 1 { // a drain that never ends
					t.Errorf("exit code %d, want 1", code)
				}
				return nil
			}}, nil
		},
	})
}

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	debug.SetMemoryLimit(math.MaxInt64)
	cfg := &model.Config{Flows: []*model.Flow{
		{Enabled: true, BufferMemory: 32 << 20},
		{Enabled: true, BufferMemory: 64 << 20},
		{Enabled: false, BufferMemory: 1 << 40},
	}}
	restore := limitMemory(cfg, noEnv)
	if got := debug.SetMemoryLimit(-1); got != memoryOverhead+64<<20 {
		t.Errorf("limit %d, want the budget and the overhead", got)
	}
	restore()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("limit %d after restoring", got)
	}
	limitMemory(cfg, func(name string) (string, bool) { return "1GiB", name == "GOMEMLIMIT" })()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("limit %d, though the user had set one", got)
	}
}
