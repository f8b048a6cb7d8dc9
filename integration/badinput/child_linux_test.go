package badinput

import "syscall"

// childAttr has the kernel kill the program when the test dies.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
