package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// ProgramOptions say what program to start beside Kafka.
type ProgramOptions struct {
	Path  string        // required: the executable
	Args  []string      // without the program's name
	Env   []string      // as os.Environ's, over this process's own
	Files []*os.File    // what the program finds as file descriptors 3 and up; they remain the caller's
	Grace time.Duration // how long Stop waits; default 30s
}

// Program is a measured process. As the brokers do, it dies with the process
// that started it.
type Program struct {
	name  string
	proc  *process
	grace time.Duration
}

// NewProgram starts a program in dir, an existing directory that remains the
// caller's to remove. What the program prints goes to a file there.
func NewProgram(dir string, o ProgramOptions) (*Program, error) {
	if o.Path == "" {
		return nil, errors.New("starting a program: a path is required")
	}
	if o.Grace == 0 {
		o.Grace = stopGrace
	}
	cmd := exec.Command(o.Path, o.Args...)
	cmd.Env = append(os.Environ(), o.Env...)
	cmd.ExtraFiles = o.Files
	name := filepath.Base(o.Path)
	proc, err := startCommand(cmd, dir, filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	return &Program{name: name, proc: proc, grace: o.Grace}, nil
}

// Stop asks the process to end in good order and waits until it has.
func (p *Program) Stop(ctx context.Context) error {
	if err := p.proc.stop(ctx, p.grace); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	return nil
}

// Terminate asks the process to end in good order and does not wait.
func (p *Program) Terminate() error { return p.proc.signal(syscall.SIGTERM) }

// Running reports whether the process has not ended yet.
func (p *Program) Running() bool { return p.proc.running() }

// Wait waits for the end of the process and returns its exit code; −1 if a
// signal ended it.
func (p *Program) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.proc.exited:
		return p.proc.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for %s to end: %w", p.name, ctx.Err())
	}
}

// Kill ends the process at once, as a crash does, and waits until it is gone.
func (p *Program) Kill() error { return p.proc.kill() }

// Pause stops the process in its tracks with its connections open.
func (p *Program) Pause() error { return p.proc.signal(sigPause) }

// Resume lets a paused process go on.
func (p *Program) Resume() error { return p.proc.signal(sigResume) }

// Exited is closed when the process has ended, for whatever reason.
func (p *Program) Exited() <-chan struct{} { return p.proc.exited }

// ExitCode returns the exit code of an ended process, −1 of a running one or
// one that a signal ended.
func (p *Program) ExitCode() int {
	if p.proc.running() {
		return -1
	}
	return p.proc.cmd.ProcessState.ExitCode()
}

// Log returns the last n lines of what the process has printed.
func (p *Program) Log(n int) string { return tail(p.proc.log, n) }

// CPUTime returns the processor time used since the start of the process, by
// all its threads, in user and system mode: in hundredths of a second while it
// runs, to the microsecond once it has ended.
func (p *Program) CPUTime() (time.Duration, error) {
	cpu, _, err := p.proc.usage()
	return cpu, err
}

// PeakRSS returns the most bytes of memory that were resident at one time. Of
// an ended process it is the largest value that was seen while it ran, so
// whoever wants it asks now and then; nobody having asked, it is what the
// system kept, which on Linux is never less than the peak of the process that
// started it.
func (p *Program) PeakRSS() (int64, error) {
	_, rss, err := p.proc.usage()
	return rss, err
}
