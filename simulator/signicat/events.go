package signicat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// event is the envelope of Signicat's events service.
type event struct {
	ID           string            `json:"id"`
	Timestamp    string            `json:"timestamp"`
	Sender       string            `json:"sender"`
	Name         string            `json:"eventName"`
	Data         map[string]string `json:"eventData"`
	Account      string            `json:"accountId"`
	Organisation *string           `json:"organizationId"`
	Expires      string            `json:"expiresAt"`
	Tags         []string          `json:"tags"`
}

const (
	eventTime = "2006-01-02T15:04:05.0000000Z"
	// eventLife and eventTries are assumptions: the schedule of retries is not known.
	eventLife  = 30 * time.Second
	eventTries = 3
	eventPause = 200 * time.Millisecond
	// lookEvery is how often an event that is late looks at the clock.
	lookEvery = 20 * time.Millisecond
)

// delivery is an event on its way.
type delivery struct {
	hook   Webhook
	body   []byte
	due    time.Time // by the world's clock
	copies int
	forged bool
}

// emit sends an event. The caller holds the lock.
func (s *Server) emit(name string, data map[string]string) {
	if s.settings.Webhook.URL == "" || s.http == nil {
		return
	}
	id, err := s.drawn()
	if err != nil {
		return
	}
	now := s.clock().UTC()
	b, err := json.Marshal(event{
		ID: strings.ReplaceAll(id, "-", ""), Timestamp: now.Format(eventTime), Sender: "signature-api", Name: name, Data: data,
		Account: "a-simulated", Expires: now.Add(eventLife).Format(eventTime), Tags: []string{},
	})
	if err != nil || s.struck(WebhookDropped, endpointEvents) {
		return
	}
	d := delivery{hook: s.settings.Webhook, body: b, copies: 1, due: now, forged: s.struck(WebhookForged, endpointEvents)}
	if s.struck(WebhookUnsigned, endpointEvents) {
		d.hook.Secret = ""
	}
	if s.struck(WebhookDuplicate, endpointEvents) {
		d.copies = 2
	}
	if f, ok := s.faults.Take(WebhookDelayed, endpointEvents, false); ok {
		d.due = d.due.Add(time.Duration(f.Delay))
	}
	if s.struck(WebhookHeld, endpointEvents) {
		s.held = append(s.held, d)
		return
	}
	all := append([]delivery{d}, s.held...)
	s.held = nil
	s.events.Go(func() {
		for _, one := range all {
			s.deliver(one)
		}
	})
}

func (s *Server) deliver(d delivery) {
	for s.clock().Before(d.due) && s.closing.Err() == nil {
		wait(s.closing, lookEvery)
	}
	for range d.copies {
		for range eventTries {
			if s.post(d) {
				break
			}
			wait(s.closing, eventPause)
		}
	}
}

func (s *Server) post(d delivery) bool {
	ctx, cancel := context.WithTimeout(s.closing, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.hook.URL, bytes.NewReader(d.body))
	if err != nil {
		return true // the address is none; trying again helps nobody
	}
	r.Header.Set("Content-Type", "application/json")
	if d.hook.Secret != "" {
		r.Header.Set(d.hook.Header, d.sign())
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode/100 == 2
}

func (d delivery) sign() string {
	secret := d.hook.Secret
	if d.forged {
		secret += "?"
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(d.body)
	if d.hook.Encoding == "base64" {
		return d.hook.Prefix + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return d.hook.Prefix + hex.EncodeToString(mac.Sum(nil))
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
