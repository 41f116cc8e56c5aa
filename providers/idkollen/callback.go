package idkollen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// signatureHeader holds the base64 of the HMAC-SHA256 of the body as it was sent.
const signatureHeader = "X-Signature-SHA256"

// maxCallback is far above any callback.
const maxCallback = 64 << 10

// ReadPush implements providers.PushReader for callbacks. Whoever receives one
// answers 204 and collects. A callback repeats what a status call tells, person
// included, and yet no result is made of it: that IDkollen signs callbacks about
// BankID is not documented, and how old one is cannot be told.
func (c *Client) ReadPush(header http.Header, body []byte) (providers.Push, error) {
	if len(body) > maxCallback {
		return providers.Push{}, errNoCallback
	}
	authentic := c.signed(header, body)
	if !authentic && !c.config.UnprovenCallbacks {
		return providers.Push{}, errNotIDkollen
	}
	a, err := decodeAnswer(body)
	if err != nil || !idForm.MatchString(a.ID) {
		return providers.Push{}, errNoCallback
	}
	p := providers.Push{
		// A callback does not tell a signature from an identification.
		Orders: []providers.OrderRef{reference{kindSign, a.ID}.String(), reference{kindAuth, a.ID}.String()},
		Key:    a.ID + "+" + wire.Word(a.Status), Authentic: authentic,
	}
	if signing.ValidID(signing.AttemptPrefix, a.RefID) {
		p.Attempt = signing.AttemptID(a.RefID)
	}
	return p, nil
}

// signed reports whether the callback has exactly one signature, and ours.
func (c *Client) signed(header http.Header, body []byte) bool {
	values := header.Values(signatureHeader)
	key := c.keys().callback
	if key == "" || len(values) != 1 {
		return false
	}
	got, err := base64.StdEncoding.Strict().DecodeString(values[0])
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}
