package bench

import (
	"fmt"
	"strings"
	"time"
)

// String is the measurement for people.
func (m *Following) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d attempts followed at the same time by one worker; all started and opened within %.0f s\n", m.Attempts, m.Ramp.Seconds())
	fmt.Fprintf(&b, "\nPace: how much later than 2 s after the one before, a collect reached BankID\n")
	for _, row := range []struct {
		what string
		pace Pace
	}{{"nothing else going on", m.Pace}, {"others start and sign", m.Busy}} {
		p := row.pace
		fmt.Fprintf(&b, "  %-24s %5d orders %7d collects   least %s  p50 %s  p99 %s  max %s\n", row.what, p.Orders, p.Collects,
			millis(quantile(p.Late, 0)), millis(quantile(p.Late, 0.5)), millis(quantile(p.Late, 0.99)), millis(quantile(p.Late, 1)))
	}
	fmt.Fprintf(&b, "\nHistory: %d events more in all %d workflows after %.0f s of waiting; the longest has %d\n",
		m.Grown, m.Attempts, m.Still.Seconds(), m.Length)
	fmt.Fprintf(&b, "\nMemory of the worker, after a collection of garbage (KB)\n  %-36s %10s %10s %10s %10s %12s\n", "", "reachable", "heap", "stacks", "resident", "goroutines")
	for _, row := range []struct {
		what string
		m    Memory
	}{{"no collection", m.Idle}, {"collections, and no attempt yet", m.Made}, {"all attempts live", m.Waiting}} {
		fmt.Fprintf(&b, "  %-36s %10d %10d %10d %10d %12d\n", row.what, row.m.Live>>10, row.m.Heap>>10, row.m.Stacks>>10, row.m.Resident>>10, row.m.Routines)
	}
	each, made := m.Waiting.per(m.Idle, m.Attempts), m.Waiting.per(m.Made, m.Attempts)
	fmt.Fprintf(&b, "  %-36s %10.1f %10.1f %10.1f %10.1f %12.1f\n", "per attempt, its workflow included", each[0], each[1], each[2], each[3], each[4])
	fmt.Fprintf(&b, "  %-36s %10.1f %10.1f %10.1f %10.1f %12.1f\n", "per attempt beside its workflow", made[0], made[1], made[2], made[3], made[4])
	fmt.Fprintf(&b, "  reachable and stacks, per attempt: %.1f KB, and with its workflow %.1f KB\n",
		float64(m.PerAttempt())/1024, each[0]+each[2])
	fmt.Fprintf(&b, "\nProcessor time while nothing else was going on (%.0f s)\n", m.Still.Seconds())
	for _, s := range m.CPU {
		fmt.Fprintf(&b, "  %-12s %6.2f of a core   %6.3f ms per live attempt and second\n", s.Name,
			s.Used.Seconds()/m.Still.Seconds(), 1000*s.Used.Seconds()/m.Still.Seconds()/float64(m.Attempts))
	}
	fmt.Fprintf(&b, "\nOthers who start and sign, %d one after the other\n", len(m.Alone.Start))
	for _, row := range []struct {
		what        string
		alone, amid []time.Duration
	}{
		{"start call to launch tokens", m.Alone.Start, m.Amid.Start},
		{"signed at BankID to shown by our API", m.Alone.Shown, m.Amid.Shown},
		{"shown to sealed", m.Alone.Sealed, m.Amid.Sealed},
	} {
		fmt.Fprintf(&b, "  %-38s alone p50 %s  p99 %s    amid all p50 %s  p99 %s\n", row.what,
			millis(quantile(row.alone, 0.5)), millis(quantile(row.alone, 0.99)), millis(quantile(row.amid, 0.5)), millis(quantile(row.amid, 0.99)))
	}
	return b.String()
}

func millis(d time.Duration) string { return fmt.Sprintf("%6.1f ms", float64(d.Microseconds())/1000) }

// PerAttempt is what each attempt added to the worker's memory, in bytes: what is
// reachable, and stacks. Its workflow is not in it.
func (m *Following) PerAttempt() int64 {
	return (m.Waiting.Live + m.Waiting.Stacks - m.Made.Live - m.Made.Stacks) / int64(m.Attempts)
}

// per is how much each of n added, in KB, and at last in goroutines.
func (m Memory) per(before Memory, n int) [5]float64 {
	kb := func(now, then int64) float64 { return float64(now-then) / 1024 / float64(n) }
	return [5]float64{
		kb(m.Live, before.Live), kb(m.Heap, before.Heap), kb(m.Stacks, before.Stacks), kb(m.Resident, before.Resident),
		float64(m.Routines-before.Routines) / float64(n),
	}
}
