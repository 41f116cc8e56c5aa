//go:build !unix

package main

import "os"

// reloadSignals: there is none here, and [signal.Notify] without signals would
// take all of them.
func reloadSignals() []os.Signal { return []os.Signal{never{}} }

type never struct{}

func (never) String() string { return "never" }
func (never) Signal()        {}
