package simulator

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/pki"
)

// revocations is the part of the control API by which a certificate is revoked.
type revocations struct {
	pki   *pki.PKI
	clock func() time.Time
}

// revoked is a certificate that is revoked, as the control API lists it.
type revoked struct {
	Authority pki.AuthorityName `json:"authority"`
	pki.Record
}

func (v revocations) list(w http.ResponseWriter, _ *http.Request) {
	all := []revoked{}
	for _, name := range v.pki.Authorities() {
		for _, r := range v.pki.Revoked(name) {
			all = append(all, revoked{name, r})
		}
	}
	replyJSON(w, http.StatusOK, all)
}

// revoke takes a certificate as PEM, of which the first counts, and from when
// on it is not to be relied on: now, or an earlier time.
func (v revocations) revoke(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Certificate string     `json:"certificate"`
		At          time.Time  `json:"at"`
		Reason      pki.Reason `json:"reason"`
	}
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "bad_json", `send {"certificate":"-----BEGIN CERTIFICATE-----...","at":"2026-11-22T12:00:00Z","reason":1}`)
		return
	}
	block, _ := pem.Decode([]byte(in.Certificate))
	if block == nil {
		refuse(w, http.StatusBadRequest, "bad_certificate", "the certificate is not PEM")
		return
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_certificate", "the certificate cannot be read")
		return
	}
	if in.At.IsZero() {
		in.At = v.clock()
	}
	if err := v.pki.Revoke(c, in.At, in.Reason); err != nil {
		if e, ok := fault.As(err); ok {
			refuse(w, http.StatusConflict, e.Code, e.Message)
			return
		}
		refuse(w, http.StatusInternalServerError, "internal", "the revocation could not be kept")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	replyJSON(w, status, map[string]string{"code": code, "message": message})
}

func replyJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone; nobody is left to tell
}
