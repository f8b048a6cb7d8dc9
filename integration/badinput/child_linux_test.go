package badinput

import (
	"syscall"
	"testing"
)

// childAttr has the kernel kill the program when the test dies.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// nobody is childAttr for a user without rights; only root may use it.
func nobody(testing.TB) *syscall.SysProcAttr {
	const id = 65534 // the kernel's overflow user
	attr := childAttr()
	attr.Credential = &syscall.Credential{Uid: id, Gid: id}
	return attr
}
