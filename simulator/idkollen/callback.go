package idkollen

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/handslag/handslag/simulator/faults"
)

// SignatureHeader holds the base64 of the HMAC-SHA256 of a callback's body.
const SignatureHeader = "X-Signature-SHA256"

// delivery is a callback that is still to be sent.
type delivery struct {
	url, signature string
	body           []byte
	due            time.Time
	left           int // tries
}

// announce puts an order's callback in the queue, with whatever is wrong with
// it. The caller holds the lock.
func (s *Server) announce(o *order, now time.Time) {
	if o.request.CallbackURL == "" || s.takes(CallbackLost) {
		return
	}
	body, err := json.Marshal(o.end)
	if err != nil {
		return // it has strings only
	}
	d := delivery{
		url: o.request.CallbackURL, body: body, left: max(1, s.settings.CallbackTries),
		due: now.Add(time.Duration(s.settings.CallbackDelay)), signature: sign(o.account.CallbackKey, body),
	}
	if f, late := s.faults.Take(CallbackLate, callback, true); late {
		d.due = d.due.Add(time.Duration(f.Delay))
	}
	if s.takes(CallbackUnsigned) {
		d.signature = ""
	}
	if s.takes(CallbackWrongKey) {
		d.signature = sign("another key", body)
	}
	if s.takes(CallbackTampered) {
		d.body = bytes.Replace(body, []byte(`"id":"`), []byte(`"id":"0`), 1)
	}
	s.deliveries = append(s.deliveries, &d)
	if s.takes(CallbackDuplicate) {
		again := d
		s.deliveries = append(s.deliveries, &again)
	}
}

func (s *Server) takes(kind faults.Kind) bool {
	_, on := s.faults.Take(kind, callback, true)
	return on
}

func sign(key string, body []byte) string {
	if key == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Deliver brings every order up to date, sends the callbacks that are due and
// returns how many were answered with 204.
func (s *Server) Deliver(ctx context.Context) int {
	delivered := 0
	for _, d := range s.due() {
		if s.send(ctx, d) == nil {
			delivered++
			continue
		}
		s.mu.Lock()
		if d.left--; d.left > 0 {
			d.due = s.o.Clock().Add(time.Duration(s.settings.CallbackPause))
			s.deliveries = append(s.deliveries, d)
		}
		s.mu.Unlock()
	}
	return delivered
}

// Run delivers callbacks until ctx ends.
func (s *Server) Run(ctx context.Context) {
	turn := time.NewTicker(500 * time.Millisecond)
	defer turn.Stop()
	for {
		s.Deliver(ctx)
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
	}
}

func (s *Server) due() []*delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock()
	for _, o := range s.orders {
		s.settle(o, now)
	}
	var out []*delivery
	s.deliveries = slices.DeleteFunc(s.deliveries, func(d *delivery) bool {
		is := !now.Before(d.due)
		if is {
			out = append(out, d)
		}
		return is
	})
	return out
}

func (s *Server) send(ctx context.Context, d *delivery) error {
	if s.o.Callbacks == nil {
		return nil // nobody is told, as nobody could be
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return fmt.Errorf("make callback: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if d.signature != "" {
		r.Header.Set(SignatureHeader, d.signature)
	}
	answer, err := s.o.Callbacks.Do(r)
	if err != nil {
		return fmt.Errorf("send callback: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("callback answered with %d", answer.StatusCode)
	}
	return nil
}
