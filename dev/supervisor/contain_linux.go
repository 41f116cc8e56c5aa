package supervisor

import "syscall"

// contain puts the process into a group of its own, so that Ctrl-C at the
// console reaches us alone and we stop the parts in order, and asks the kernel
// to kill it when we die.
func contain() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
