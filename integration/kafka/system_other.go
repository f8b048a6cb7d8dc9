//go:build !unix

package kafka

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// supported says that this system lacks what the harness needs: findJava says
// so to the user before anything else here is reached.
const supported = false

// Signals that this system lacks.
const (
	sigPause  = syscall.SIGTERM
	sigResume = syscall.SIGTERM
)

var errUnsupported = errors.New("the Kafka harness needs a Unix system")

func tryLock(string) (*os.File, error) { return nil, errUnsupported }

func lockFile(context.Context, string) (func(), error) { return nil, errUnsupported }

func childAttr() *syscall.SysProcAttr { return nil }

func liveUsage(int) (time.Duration, int64, error) { return 0, 0, errUnsupported }

func limitFiles(int) error { return errUnsupported }

func endedPeakRSS(*os.ProcessState) int64 { return 0 }
