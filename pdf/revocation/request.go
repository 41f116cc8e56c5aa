package revocation

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Request is an OCSPRequest (RFC 6960 4.1.1) for the status of a certificate.
// It names it by SHA-1, the one digest that every responder knows (RFC 9654 3.1.1
// keeps it for that); what an answer says is bound by its signature. It has no
// nonce: responders sign ahead and leave it out (RFC 5019 2.1.1), and how old an
// answer may be is judged by its times.
func Request(certificate, issuer *x509.Certificate) ([]byte, error) {
	name, key := digest(crypto.SHA1, issuer.RawSubject), digest(crypto.SHA1, publicKeyBits(issuer))
	var b cryptobyte.Builder
	wrapped := func(inside cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
		return func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, inside) }
	}
	id := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26})
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(name)
		b.AddASN1OctetString(key)
		b.AddASN1BigInt(certificate.SerialNumber)
	}
	// OCSPRequest, TBSRequest, requestList, Request, CertID
	wrapped(wrapped(wrapped(wrapped(wrapped(id)))))(&b)
	return b.Bytes()
}
