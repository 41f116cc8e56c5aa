// Package answer is how the measured Go programs answer; see ../README.md.
package answer

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"time"
)

var resident = regexp.MustCompile(`VmHWM:\s+(\d+)`)

// Write says how long it took since began, the most memory that was resident (in
// KB; 0 where the system does not say), and the verdict.
func Write(began time.Time, said string) error {
	took := time.Since(began)
	peak := 0
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		if m := resident.FindSubmatch(status); m != nil {
			if peak, err = strconv.Atoi(string(m[1])); err != nil {
				return err
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"ms": float64(took.Microseconds()) / 1000, "peak": peak, "said": said})
}
