//go:build unix

package group

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// mode lets several users run the same file on a host.
const mode os.FileMode = 0o666

// lockFile takes a lock that ends with the process.
func lockFile(path string) (lock io.Closer, taken bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, mode) //nolint:gosec // the path is made of legal characters
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, false, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, true, nil
	}
	return nil, false, err
}
