package badinput

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should take a moment, on a machine
// that many share.
const patience = 60 * time.Second

// transcript is what a process has written so far.
type transcript struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// lines returns the complete lines that match a pattern.
func (t *transcript) lines(pattern string) []string {
	re := regexp.MustCompile(pattern)
	var found []string
	for line := range strings.Lines(t.String()) {
		if re.MatchString(line) {
			found = append(found, strings.TrimSuffix(line, "\n"))
		}
	}
	return found
}

// last returns the last line.
func (t *transcript) last() string {
	lines := strings.Split(strings.TrimRight(t.String(), "\n"), "\n")
	return lines[len(lines)-1]
}

// program is one run of the real binary.
type program struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, log transcript    // standard output and standard error
	ended    chan struct{} // closed when the process was waited for
	err      error         // of Wait; valid after ended
}

// start runs the program with arguments in a directory. It is killed at the end
// of the test, and what it said is shown when the test failed.
func start(t testing.TB, dir string, args ...string) *program {
	t.Helper()
	return startAs(t, childAttr(), dir, args...)
}

// startAs is start under another user, or with whatever attr says.
func startAs(t testing.TB, attr *syscall.SysProcAttr, dir string, args ...string) *program {
	t.Helper()
	p := &program{t: t, ended: make(chan struct{})}
	p.cmd = exec.Command(os.Getenv(binaryVariable), args...)
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	p.cmd.SysProcAttr = attr
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that forked for the parent's.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		<-p.ended
		t.Fatalf("starting the program: %v", err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() || testing.Verbose() {
			t.Logf("strait %s\n--- stdout\n%s--- stderr\n%s", strings.Join(args, " "), &p.out, &p.log)
		}
	})
	return p
}

// wait returns the exit code of a program that should end within a time.
func (p *program) wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("the program did not end within %v", within)
	}
	if _, ok := errors.AsType[*exec.ExitError](p.err); p.err != nil && !ok {
		p.t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// exits checks the exit code.
func (p *program) exits(code int, within time.Duration) {
	p.t.Helper()
	if got := p.wait(within); got != code {
		p.t.Fatalf("exit code %d, want %d", got, code)
	}
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// says waits until a line of one of the outputs matches.
func (p *program) says(of *transcript, pattern string, within time.Duration) {
	p.t.Helper()
	until(p.t, within, func() error {
		if len(of.lines(pattern)) > 0 {
			return nil
		}
		select {
		case <-p.ended:
			p.t.Fatalf("the program ended without saying %q", pattern)
		default:
		}
		return fmt.Errorf("no line matches %q", pattern)
	})
}

// saidOnce checks that exactly one line of the log matches.
func (p *program) saidOnce(pattern string) {
	p.t.Helper()
	if lines := p.log.lines(pattern); len(lines) != 1 {
		p.t.Errorf("%d lines of the log match %q, want 1:\n%s", len(lines), pattern, strings.Join(lines, "\n"))
	}
}

// quiet checks that the log has no more warnings and errors than expected.
func (p *program) quiet(most int) {
	p.t.Helper()
	if lines := p.log.lines(`level=(WARN|ERROR)`); len(lines) > most {
		p.t.Errorf("%d warnings and errors, want at most %d:\n%s", len(lines), most, strings.Join(lines, "\n"))
	}
}

// until polls a condition.
func until(t testing.TB, within time.Duration, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", within, err)
		}
		<-time.After(25 * time.Millisecond)
	}
}

// write puts a file into a new directory of the test and returns the directory.
func write(t testing.TB, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
