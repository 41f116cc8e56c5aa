package objectstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFileSystem writes the whole file system to disk, which covers the object,
// its attributes, the folders above it and anything versitygw keeps beside. It
// reports writeback errors from Linux 5.8 on (syncfs(2)).
func syncFileSystem(f *os.File) error { return unix.Syncfs(int(f.Fd())) }
