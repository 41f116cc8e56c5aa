package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxLog is the size from which a log is set aside when its part starts, so
// that a stack which is started every day does not fill the disk.
const maxLog = 16 << 20

// LogFile returns the path of a part's log, after setting a large one aside
// under the same name with .1 behind it.
func (h *Home) LogFile(part string) (string, error) {
	path := filepath.Join(h.LogDir(), part+".log")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", fmt.Errorf("look at log of %s: %w", part, err)
	case info.Size() < maxLog:
		return path, nil
	}
	if err := os.Rename(path, path+".1"); err != nil {
		return "", fmt.Errorf("set log of %s aside: %w", part, err)
	}
	return path, nil
}
