package pdfcpuchild

import "golang.org/x/sys/unix"

// reservedBytes is address space that the Go runtime reserves but never uses;
// RLIMIT_AS counts it.
const reservedBytes = 1 << 30

func limitProcess(memory int64, cpuSeconds uint64) error {
	if memory > 0 {
		total := uint64(memory) + reservedBytes
		if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: total, Max: total}); err != nil {
			return err
		}
	}
	if cpuSeconds > 0 {
		return unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: cpuSeconds, Max: cpuSeconds})
	}
	return nil
}
