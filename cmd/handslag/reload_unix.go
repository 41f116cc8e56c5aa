//go:build unix

package main

import (
	"os"
	"syscall"
)

// reloadSignals ask a process to read its settings anew.
func reloadSignals() []os.Signal { return []os.Signal{syscall.SIGHUP} }
