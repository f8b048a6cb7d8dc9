//go:build !linux

package badinput

import "syscall"

// childAttr is nothing special where the kernel cannot tie a child to its parent.
func childAttr() *syscall.SysProcAttr { return nil }
