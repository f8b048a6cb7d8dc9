package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// clockTicks is the unit of the times in /proc/<pid>/stat: USER_HZ, which is
// 100 on every architecture that Go runs on.
const clockTicks = 100

// childAttr puts a child in a process group of its own, so that an interrupt
// at the terminal reaches it only through the harness, and has the kernel kill
// it when the thread that started it ends.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limitFiles has every write of a process that makes a file longer fail.
func limitFiles(pid int) error {
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 0, Max: unix.RLIM_INFINITY}, nil)
}

// liveUsage reads the processor time and peak memory of a running process.
func liveUsage(pid int) (time.Duration, int64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading processor time: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading peak memory: %w", err)
	}
	// The command name is in brackets and may hold blanks; utime and stime are
	// the 12th and 13th fields after it.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, 0, errors.New("reading processor time: the stat line is too short")
	}
	user, err1 := strconv.ParseInt(string(f[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0, 0, fmt.Errorf("reading peak memory: process %d has none", pid)
	}
	kib, err3 := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, fmt.Errorf("reading the use of process %d: %w", pid, err)
	}
	return time.Duration(user+system) * time.Second / clockTicks, kib << 10, nil
}

// endedPeakRSS is the peak memory of a process that was waited for.
func endedPeakRSS(s *os.ProcessState) int64 {
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		return r.Maxrss << 10 // kilobytes on Linux
	}
	return 0
}
