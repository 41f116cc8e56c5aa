//go:build !linux

package supervisor

import "syscall"

// contain puts the process into a group of its own, so that Ctrl-C at the
// console reaches us alone and we stop the parts in order. Only Linux can kill
// it when we die; elsewhere the end of its input has to do.
func contain() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
