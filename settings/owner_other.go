//go:build !unix

package settings

import "io/fs"

func ownedByRoot(fs.FileInfo) bool { return false }
