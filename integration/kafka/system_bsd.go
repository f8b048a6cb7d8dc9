//go:build unix && !linux

package kafka

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// childAttr puts a child in a process group of its own. These systems have no
// way to tie a child's life to its parent's, so a killed test leaves brokers.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// liveUsage is not to be had here without cgo.
func liveUsage(int) (time.Duration, int64, error) {
	return 0, 0, errors.New("reading the use of a running process: only on Linux")
}

// limitFiles is not to be had here for another process.
func limitFiles(int) error { return errors.New("limiting the files of a process: only on Linux") }

// endedPeakRSS is not to be had here in one unit on every system.
func endedPeakRSS(*os.ProcessState) int64 { return 0 }
