package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// BuildStrait compiles the program for the length of a test.
func BuildStrait(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "strait")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/strait")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building strait: %v\n%s", err, out)
	}
	return path
}

// MirrorParams say what a Mirror mirrors.
type MirrorParams struct {
	Strait   string // required: the program
	From, To *Side  // required
	Topics   string // required: a pattern
	Flow     string // more HCL inside the flow block
	More     string // HCL beside the flow block
	Args     []string
	HCL      string // in place of the flow block; From and To are declared
}

// Mirror is a strait process that may be ended in any way and started again.
type Mirror struct {
	p       MirrorParams
	dir     string
	program *kafka.Program
	Kills   []time.Time // when Kill ended it
}

// NewMirror writes the topology; it starts nothing. Should the test fail, the
// end of the process's log is printed.
func NewMirror(t *testing.T, p MirrorParams) *Mirror {
	t.Helper()
	m := &Mirror{p: p, dir: t.TempDir()}
	if err := os.WriteFile(m.file("strait.hcl"), []byte(m.topology()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if m.program == nil {
			return
		}
		if err := m.program.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending strait: %v", err)
		}
		if t.Failed() {
			t.Logf("strait's last words:\n%s", m.program.Log(60))
		}
		if keep := os.Getenv(keepLogs); keep != "" {
			m.keepLog(t, keep)
		}
	})
	return m
}

// keepLogs names the environment variable with a directory where the whole logs
// of strait are kept, in every detail, for looking at a failure.
const keepLogs = "STRAIT_FAULTS_LOGS"

// keepLog copies the whole log to a directory, for looking at a failure.
func (m *Mirror) keepLog(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(m.file("strait.log"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+"-"+filepath.Base(m.dir)+".log"), text, 0o600)
	}
	if err != nil {
		t.Logf("keeping the log: %v", err)
	}
}

func (m *Mirror) file(name string) string { return filepath.Join(m.dir, name) }

func (m *Mirror) topology() string {
	var b strings.Builder
	for _, s := range []*Side{m.p.From, m.p.To} {
		b.WriteString(clusterBlock(s))
	}
	if m.p.HCL != "" {
		return b.String() + m.p.HCL
	}
	b.WriteString(m.p.More)
	fmt.Fprintf(&b, "flow \"%s->%s\" {\n  topics = [%q]\n%s\n}\n", m.p.From.Alias, m.p.To.Alias, m.p.Topics, m.p.Flow)
	return b.String()
}

// clusterBlock declares a side.
func clusterBlock(s *Side) string {
	var login string
	if s.user != "" {
		login = fmt.Sprintf("  sasl \"plain\" {\n    username = %q\n    password = %q\n  }\n", s.user, password)
	}
	return fmt.Sprintf("cluster %q {\n  bootstrap_servers = [\"%s\"]\n%s}\n\n", s.Alias, strings.Join(s.Bootstrap(), `", "`), login)
}

// Start starts the process. It waits for nothing.
func (m *Mirror) Start() error {
	level := "info"
	if os.Getenv(keepLogs) != "" {
		level = "debug"
	}
	args := append([]string{"run", "--log-level", level, "--log-format", "text"}, m.p.Args...)
	p, err := kafka.NewProgram(m.dir, kafka.ProgramOptions{Path: m.p.Strait, Args: append(args, m.file("strait.hcl"))})
	if err != nil {
		return fmt.Errorf("starting strait: %w", err)
	}
	m.program = p
	return nil
}

// Kill ends the process as a crash does.
func (m *Mirror) Kill() error {
	if !m.program.Running() {
		return errors.New("killing strait: it had ended by itself")
	}
	err := m.program.Kill()
	m.Kills = append(m.Kills, time.Now())
	return err
}

// Terminate asks the process to end in good order and waits for that. It
// returns the exit code and how long it took.
func (m *Mirror) Terminate(ctx context.Context) (code int, took time.Duration, err error) {
	if !m.program.Running() {
		return 0, 0, errors.New("asking strait to end: it had ended by itself")
	}
	began := time.Now()
	if err := m.program.Terminate(); err != nil {
		return 0, 0, err
	}
	code, err = m.program.Wait(ctx)
	return code, time.Since(began), err
}

// Program returns the present or last process.
func (m *Mirror) Program() *kafka.Program { return m.program }

// Output returns everything that all processes of this mirror have printed.
func (m *Mirror) Output() string {
	text, err := os.ReadFile(m.file("strait.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// WaitOutput waits until the process has printed a text.
func (m *Mirror) WaitOutput(ctx context.Context, text string) error {
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if strings.Contains(m.Output(), text) {
			return true, nil
		}
		return false, fmt.Errorf("strait has not said %q", text)
	})
}

// poll calls ready at every interval until it returns true or ctx ends, whose
// error then includes the last one of ready.
func poll(ctx context.Context, every time.Duration, ready func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := ready()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
