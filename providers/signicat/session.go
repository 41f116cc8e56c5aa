package signicat

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// The states that decide.
const (
	stateSigned   = "SIGNED"
	stateRejected = "REJECTED"
)

// session is what we read of a session. Members that we do not know are ignored,
// and one of another type than expected stays empty.
type session struct {
	ID                string          `json:"id"`
	ExternalReference string          `json:"externalReference"`
	SignatureURL      signing.Private `json:"signatureUrl"`
	CreatedAt         string          `json:"createdAt"` // seen, and not documented
	Lifecycle         struct {
		State string `json:"state"`
		Final bool   `json:"stateIsFinal"`
	} `json:"lifecycle"`
	Documents []struct {
		Action     string `json:"action"`
		DocumentID string `json:"documentId"`
	} `json:"documents"`
	Signer struct {
		NIN signing.Private `json:"nationalIdentificationNumber"`
	} `json:"signer"`
	Output struct {
		Signatures []struct {
			Result   string `json:"resultDocumentId"`
			Type     string `json:"signatureType"`
			Original string `json:"originalDocumentId"`
		} `json:"signatures"`
	} `json:"output"`
}

// The errors do not wrap those of the decoder, which may quote the body.
var (
	errNoJSON    = errors.New("the answer is not JSON of the form that a session has")
	errNoSession = errors.New("the answer has no session in it")
)

// decode reads JSON. A member of another type than expected stays empty, and the
// rest is read all the same.
func decode(raw []byte, into any) error {
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, into); err != nil && !errors.As(err, &other) {
		return errNoJSON
	}
	return nil
}

func decodeSession(raw []byte) (session, error) {
	var s session
	if err := decode(raw, &s); err != nil {
		return session{}, err
	}
	if s.ID == "" || s.Lifecycle.State == "" {
		return session{}, errNoSession
	}
	return s, nil
}

// ended reports whether nothing more will happen to the session. A signature
// that is there and has no result yet is waited for, though the results are said
// to come with it. A state that we do not know is a live session, unless Signicat
// calls it final.
func (s session) ended() bool {
	switch s.Lifecycle.State {
	case stateSigned:
		return len(s.Output.Signatures) > 0
	case stateRejected:
		return true
	}
	return s.Lifecycle.Final
}

// order is what a person needs of a session. It never takes an id out of the
// address: the two may differ.
func (s session) order(at time.Time) (providers.Order, error) {
	u, err := url.Parse(s.SignatureURL.Reveal())
	if err != nil || !isID(s.ID) || u.Host == "" || u.Scheme != "https" && !loopback(u) {
		return providers.Order{}, errUnreadable
	}
	return providers.Order{Ref: providers.OrderRef(s.ID), StartedAt: at, RedirectURL: s.SignatureURL}, nil
}

// isID reports whether s can be an id of Signicat's. It becomes part of an
// address, and a push may have brought it.
func isID(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
