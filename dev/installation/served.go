package installation

import (
	"net/http"
	"path"
	"sync"
	"time"
)

// Call is one call that the simulated BankID answered.
type Call struct {
	At   time.Time // when its answer had been written
	Took time.Duration
}

// served remembers the latest call of each kind, for measurements that leave
// the simulator's own time out.
type served struct {
	mu     sync.Mutex
	latest map[string]Call
}

func (s *served) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.latest == nil {
			s.latest = map[string]Call{}
		}
		s.latest[path.Base(r.URL.Path)] = Call{At: time.Now(), Took: time.Since(began)}
	})
}

// Served returns the latest call of a kind, such as collect, that the simulated
// BankID answered after a time; the zero Call when there was none.
func (w *World) Served(kind string, after time.Time) Call {
	w.served.mu.Lock()
	defer w.served.mu.Unlock()
	if c := w.served.latest[kind]; c.At.After(after) {
		return c
	}
	return Call{}
}
