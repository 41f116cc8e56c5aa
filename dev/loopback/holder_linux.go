package loopback

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// listening is the state LISTEN in /proc/net/tcp (proc(5), include/net/tcp_states.h).
const listening = "0A"

// holder names the process that listens on a port, as far as we may look.
func holder(port int) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := listeningSocket(table, port); inode != "" {
			return ownerOf("socket:[" + inode + "]")
		}
	}
	return "another process"
}

func listeningSocket(table string, port int) string {
	text, err := os.ReadFile(table)
	if err != nil {
		return ""
	}
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(text)) {
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], suffix) && f[3] == listening {
			return f[9]
		}
	}
	return ""
}

func ownerOf(socket string) string {
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return "another process"
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || target != socket {
			continue
		}
		process := filepath.Dir(filepath.Dir(fd))
		name, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil {
			return "process " + filepath.Base(process)
		}
		return fmt.Sprintf("process %s (%s)", filepath.Base(process), strings.TrimSpace(string(name)))
	}
	return "another user's process"
}
