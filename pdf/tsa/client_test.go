package tsa_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/tsa"
)

type query struct {
	Version int
	Imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Nonce   *big.Int
	CertReq bool
}

type reply struct {
	Status struct{ Status int }
	Token  asn1.RawValue `asn1:"optional"`
}

// authority serves tokens; change may spoil the query it answers or the reply.
func authority(t *testing.T, w *pdftest.World, by *pdftest.Identity, change func(*query, *reply)) string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "application/timestamp-query", r.Header.Get("Content-Type"))
		var q query
		_, err = asn1.Unmarshal(body, &q)
		assert.NoError(t, err)
		assert.True(t, q.CertReq)
		var p reply
		if change != nil {
			change(&q, &p)
		}
		token, err := w.Token(by, q.Imprint.Digest, q.Nonce)
		assert.NoError(t, err)
		if p.Status.Status <= 1 {
			p.Token = asn1.RawValue{FullBytes: token}
		}
		der, err := asn1.Marshal(p)
		assert.NoError(t, err)
		rw.Write(der)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTimestamp(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	stranger := pdftest.NewWorld(t, pdftest.P256(t))
	good := authority(t, w, w.Stamp, nil)
	down := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) }))
	defer down.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // else the server does not see the caller leave
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Second):
		}
	}))
	defer slow.Close()
	endless := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write(make([]byte, 1<<20)) }))
	defer endless.Close()
	spoiled := func(change func(*query, *reply)) string { return authority(t, w, w.Stamp, change) }

	for _, tt := range []struct {
		name string
		urls []string
		ok   bool
	}{
		{"granted", []string{good}, true},
		{"granted with modifications", []string{spoiled(func(_ *query, p *reply) { p.Status.Status = 1 })}, true},
		{"first is down", []string{down.URL, good}, true},
		{"first is slow", []string{slow.URL, good}, true},
		{"first sends without end", []string{endless.URL, good}, true},
		{"none", nil, false},
		{"refused", []string{spoiled(func(_ *query, p *reply) { p.Status.Status = 2 })}, false},
		{"another digest", []string{spoiled(func(q *query, _ *reply) { q.Imprint.Digest[0] ^= 1 })}, false},
		{"another nonce", []string{spoiled(func(q *query, _ *reply) { q.Nonce.Add(q.Nonce, big.NewInt(1)) })}, false},
		{"no nonce", []string{spoiled(func(q *query, _ *reply) { q.Nonce = nil })}, false},
		{"not a stamping certificate", []string{authority(t, w, w.Seal, nil)}, false},
		{"unknown root", []string{authority(t, stranger, stranger.Stamp, nil)}, false},
		{"no response at all", []string{"http://127.0.0.1:1"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &tsa.Client{URLs: tt.urls, HTTP: http.DefaultClient, Roots: w.Pool(), Timeout: 200 * time.Millisecond}
			digest := sha256.Sum256([]byte("signature"))
			token, err := c.Timestamp(context.Background(), digest[:])
			if tt.ok {
				require.NoError(t, err)
				require.True(t, bytes.Contains(token, digest[:]))
				return
			}
			require.Equal(t, "tsa_unavailable", fault.CodeOf(err))
			require.Equal(t, fault.Unavailable, fault.KindOf(err))
		})
	}
}

// Some authorities leave out of their tokens what is between them and the root.
func TestTimestampOverACertificateThatIsNotInTheToken(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	middle := w.Issue(t, pdftest.P256(t), "Middle", func(c *x509.Certificate) { c.IsCA = true })
	made := w.IssueUnder(t, middle, pdftest.P256(t), "TSA", func(c *x509.Certificate) {
		usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		require.NoError(t, err)
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	})
	alone := &pdftest.Identity{Key: made.Key, Cert: made.Cert}
	c := &tsa.Client{URLs: []string{authority(t, w, alone, nil)}, HTTP: http.DefaultClient, Roots: w.Pool()}
	_, err := c.Timestamp(context.Background(), make([]byte, 32))
	require.Error(t, err)
	c.Known = []*x509.Certificate{middle.Cert}
	_, err = c.Timestamp(context.Background(), make([]byte, 32))
	require.NoError(t, err)
}

// A clock that is ahead makes a timestamp that nobody believes for a while.
func TestTimestampOfATimeToCome(t *testing.T) {
	w, ahead := pdftest.NewWorld(t, pdftest.P256(t)), time.Hour
	late := *w
	late.Now = w.Now.Add(ahead)
	for name, tt := range map[string]struct {
		world *pdftest.World
		now   time.Time
		ok    bool
	}{
		"right": {w, w.Now, true}, "a little ahead": {w, w.Now.Add(-30 * time.Second), true}, "an hour ahead": {&late, w.Now, false},
		"our own an hour ahead": {w, w.Now.Add(ahead), true},
	} {
		t.Run(name, func(t *testing.T) {
			c := &tsa.Client{URLs: []string{authority(t, tt.world, w.Stamp, nil)}, HTTP: http.DefaultClient, Clock: func() time.Time { return tt.now }}
			_, err := c.Timestamp(context.Background(), make([]byte, 32))
			require.Equal(t, tt.ok, err == nil, "%v", err)
		})
	}
}
