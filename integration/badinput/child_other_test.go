//go:build !linux

package badinput

import (
	"syscall"
	"testing"
)

// childAttr is nothing special where the kernel cannot tie a child to its parent.
func childAttr() *syscall.SysProcAttr { return nil }

// nobody is for the kernels where the tests run as root.
func nobody(t testing.TB) *syscall.SysProcAttr {
	t.Helper()
	t.Skip("NOT RUN: root may read every file; run this test as another user")
	return nil
}
