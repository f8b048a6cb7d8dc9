package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one running Java process. It dies with this one: see start.
type process struct {
	cmd    *exec.Cmd
	log    string        // path of its standard output and error
	exited chan struct{} // closed after the process was waited for
	err    error         // why it ended; valid after exited
	peak   atomic.Int64  // the largest VmHWM that usage has read
}

// start runs a program with its output appended to a log file.
func start(path string, args []string, dir, log string) (*process, error) {
	return startCommand(exec.Command(path, args...), dir, log)
}

// startCommand is start for a command with more settings.
//
// On Linux the kernel kills the child when the *thread* that forked it ends,
// so one goroutine holds its thread from the start of the process to its end.
func startCommand(cmd *exec.Cmd, dir, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log of a process: %w", err)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = childAttr()
	p := &process{cmd: cmd, log: log, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		p.err = errors.Join(p.err, out.Close())
		close(p.exited)
	}()
	if err := <-started; err != nil {
		<-p.exited
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(cmd.Path), err)
	}
	return p, nil
}

// running reports whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal sends a signal; a process that has ended already is no error.
func (p *process) signal(s os.Signal) error {
	err := p.cmd.Process.Signal(s)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v: %w", s, err)
	}
	return nil
}

// kill ends the process at once and waits for it.
func (p *process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.exited
	return nil
}

// stop asks the process to end, waits, and kills it when grace is over or ctx
// ends, which is an error.
func (p *process) stop(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("stopping a process: %w", ctx.Err()), p.kill())
	}
}

// usage returns what the process has used: of processor time since its start,
// and of memory at its peak. The memory of an ended process is 0 on systems
// that do not tell it.
func (p *process) usage() (cpu time.Duration, peakRSS int64, err error) {
	if p.running() {
		cpu, peakRSS, err = liveUsage(p.cmd.Process.Pid)
		if err == nil {
			p.peak.Store(max(p.peak.Load(), peakRSS))
		}
		if err == nil || !p.ending() {
			return cpu, peakRSS, err
		}
		<-p.exited
	}
	s := p.cmd.ProcessState
	// The kernel counts the memory of the forking process as the child's, up
	// to the moment the child becomes another program: what was seen is better.
	return s.UserTime() + s.SystemTime(), cmp.Or(p.peak.Load(), endedPeakRSS(s)), nil
}

// ending reports whether the process has ended or is about to be waited for:
// what is left of an ended process has no memory to report on.
func (p *process) ending() bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(time.Second):
		return false
	}
}

// tail returns the last n lines of a log file.
func tail(path string, n int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
