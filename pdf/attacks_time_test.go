package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

const (
	tryLater    = "INDETERMINATE TRY_LATER"
	revokedThen = "INDETERMINATE REVOKED_NO_POE"
	outOfBounds = "INDETERMINATE OUT_OF_BOUNDS_NO_POE"
)

// named has a certificate say where its status is told.
func named(c *x509.Certificate) { c.OCSPServer = []string{"http://status.invalid/"} }

// Proofs of status that are somebody else's, too old, too new, or say another
// thing: the document security store is the attacker's to fill.
func TestStatusTricks(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		w := k.World
		signer := w.Issue(t, pdftest.P256(t), "Counterparty", named)
		other := w.Issue(t, pdftest.P256(t), "Counterparty Two", named)
		responder := w.Responder(t, nil)
		stranger := pdftest.NewWorld(t, pdftest.P256(t))
		signed := k.Sign(k.Base(), attack.Signing{By: signer})
		ocsp := func(about *pdftest.Identity, by *pdftest.Identity, change func(*pdftest.Response)) []byte {
			return w.OCSP(t, about.Cert, by, change)
		}
		with := func(s attack.Store) []byte { return k.Keep(signed, s) }
		oneOCSP := func(der []byte) []byte { return with(attack.Store{OCSPs: [][]byte{der}}) }
		oneCRL := func(der []byte) []byte { return with(attack.Store{CRLs: [][]byte{der}}) }
		at := func(this, next time.Duration) func(*pdftest.Response) {
			return func(r *pdftest.Response) {
				r.ProducedAt = w.Now.Add(this)
				r.Singles[0].ThisUpdate, r.Singles[0].NextUpdate = w.Now.Add(this), w.Now.Add(next)
			}
		}
		revoked := func(ago time.Duration) func(*pdftest.Response) {
			return func(r *pdftest.Response) { r.Singles[0].RevokedAt = w.Now.Add(-ago) }
		}
		good := ocsp(signer, responder, nil)
		flipped := bytes.Clone(good)
		flipped[len(flipped)-1-len(responder.Cert.Raw)-10] ^= 1
		unauthorised := w.Issue(t, pdftest.P256(t), "Responder", nil)
		authority := w.Issue(t, pdftest.P256(t), "Other CA", func(c *x509.Certificate) { c.IsCA = true })
		resist(t, k, []attempt{
			{"no proof", signed, tryLater, ""},
			{"good", oneOCSP(good), totalPassed, ""},
			{"good by the authority", oneOCSP(ocsp(signer, w.Root, nil)), totalPassed, ""},
			{"good by list", oneCRL(w.CRL(t, nil)), totalPassed, ""},
			{"an empty store", with(attack.Store{}), tryLater, ""},
			{"about another", oneOCSP(ocsp(other, responder, nil)), tryLater, ""},
			{"by a stranger", oneOCSP(stranger.OCSP(t, signer.Cert, stranger.Responder(t, nil), nil)), tryLater, ""},
			{"by a stranger's root", oneOCSP(stranger.OCSP(t, signer.Cert, stranger.Root, nil)), tryLater, ""},
			{"by the signer", oneOCSP(ocsp(signer, signer, nil)), tryLater, ""},
			{"by nobody special", oneOCSP(ocsp(signer, unauthorised, nil)), tryLater, ""},
			{"by another authority below the root", oneOCSP(ocsp(signer, authority, nil)), tryLater, ""},
			{"forged", oneOCSP(flipped), tryLater + " or " + failedFormat, ""},
			{"unknown", oneOCSP(ocsp(signer, responder, func(r *pdftest.Response) { r.Singles[0].Unknown = true })), tryLater, ""},
			{"too old", oneOCSP(ocsp(signer, responder, at(-48*time.Hour, -24*time.Hour))), tryLater, ""},
			{"from the future", oneOCSP(ocsp(signer, responder, at(24*time.Hour, 48*time.Hour))), tryLater, ""},
			{"revoked before", oneOCSP(ocsp(signer, responder, revoked(time.Hour))), revokedThen, ""},
			{"revoked long before, told now", oneOCSP(ocsp(signer, responder, revoked(200*24*time.Hour))), revokedThen, ""},
			{"revoked by list", oneCRL(w.CRL(t, nil, signer.Cert)), revokedThen, ""},
			{"good and revoked", with(attack.Store{OCSPs: [][]byte{good, ocsp(signer, responder, revoked(time.Hour))}}), revokedThen, ""},
			{"good by OCSP, revoked by list", with(attack.Store{OCSPs: [][]byte{good}, CRLs: [][]byte{w.CRL(t, nil, signer.Cert)}}), revokedThen, ""},
			{"a stranger's list", oneCRL(stranger.CRL(t, nil)), tryLater, ""},
			{"a list of old", oneCRL(w.CRL(t, func(l *x509.RevocationList) {
				l.ThisUpdate, l.NextUpdate = w.Now.Add(-48*time.Hour), w.Now.Add(-24*time.Hour)
			})), tryLater, ""},
			{"a list among responses", with(attack.Store{OCSPs: [][]byte{w.CRL(t, nil)}}), failedFormat + " or " + tryLater + " or " + totalPassed, ""},
			{"text among responses", with(attack.Store{OCSPs: [][]byte{[]byte("BT (Pay) Tj ET")}}), failedFormat, ""},
			{"text among certificates", with(attack.Store{Certs: [][]byte{[]byte("BT (Pay) Tj ET")}, OCSPs: [][]byte{good}}), failedFormat, ""},
			{"a store with more", with(attack.Store{OCSPs: [][]byte{good}, More: "/Contents 6 0 R"}), failedFormat, ""},
			{"a store with text in it", with(attack.Store{OCSPs: [][]byte{good}, More: "/VRI <</AA <</TU (D:2026) /OCSP [6 0 R]>>>>"}), failedFormat, ""},
		})

		t.Run("the operator knows better", func(t *testing.T) {
			by := trust(w)
			by.Proofs.OCSP = [][]byte{ocsp(signer, responder, revoked(time.Hour))}
			got, reason := verdictBy(oneOCSP(good), by)
			require.Equal(t, revokedThen, got, reason)
		})
	})
}

func stampingOnly(t *testing.T) []pkix.Extension {
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	require.NoError(t, err)
	return []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
}

// worldAt is the world at another time.
func worldAt(w *pdftest.World, by time.Duration) *pdftest.World {
	other := *w
	other.Now = w.Now.Add(by)
	return &other
}

// Times that nobody vouches for, or that contradict each other.
func TestTimeTricks(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		w := k.World
		stranger := pdftest.NewWorld(t, pdftest.P256(t))
		stampBy := func(world *pdftest.World, by *pdftest.Identity) attack.Stamp {
			return func(digest []byte) []byte {
				token, err := world.Token(by, digest, nil)
				require.NoError(t, err)
				return token
			}
		}
		stamped := func(stamp attack.Stamp, by *pdftest.Identity) []byte {
			return k.Sign(k.Base(), attack.Signing{By: by, CMS: func(digest []byte) []byte {
				return attack.CMS{By: by, Digest: digest, Stamps: []attack.Stamp{stamp}}.Encode(t)
			}})
		}
		document := func(b []byte, stamp attack.Stamp) []byte {
			return k.Sign(b, attack.Signing{Stamp: true, CMS: stamp})
		}
		usual := stampBy(w, w.Stamp)
		brief := w.Issue(t, pdftest.P256(t), "Counterparty", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = w.Now.Add(-2*time.Hour), w.Now.Add(-time.Hour) })
		young := w.Issue(t, pdftest.P256(t), "Young TSA", func(c *x509.Certificate) {
			c.NotBefore, c.ExtraExtensions = w.Now.Add(-time.Hour), stampingOnly(t)
		})
		sealed := k.Sealed()
		resist(t, k, []attempt{
			{"honest document timestamp", document(sealed, usual), totalPassed, ""},
			{"a run-out certificate", stamped(usual, brief), outOfBounds + " or " + noChain, ""},
			{"a run-out certificate, stamped in time", stamped(stampBy(worldAt(w, -90*time.Minute), w.Stamp), brief), totalPassed, ""},
			{"a run-out certificate, stamped in time by a stranger", stamped(stampBy(worldAt(stranger, -90*time.Minute), stranger.Stamp), brief), noTime, ""},
			{"a run-out certificate, stamped in time by itself", stamped(stampBy(worldAt(w, -90*time.Minute), brief), brief), noTime, ""},
			{"stamped before the certificate began", stamped(stampBy(worldAt(w, -3*time.Hour), w.Stamp), brief), "INDETERMINATE NOT_YET_VALID or TOTAL-FAILED NOT_YET_VALID or " + noChain + " or " + outOfBounds, ""},
			{"stamped tomorrow", stamped(stampBy(worldAt(w, 24*time.Hour), w.Stamp), w.Seal), "INDETERMINATE TIMESTAMP_ORDER_FAILURE", ""},
			{"stamped before the authority began", stamped(stampBy(worldAt(w, -2*time.Hour), young), w.Seal), noTime, ""},
			{"a document timestamp before the signature's", document(sealed, stampBy(worldAt(w, -time.Hour), w.Stamp)), "INDETERMINATE TIMESTAMP_ORDER_FAILURE", ""},
			{"a document timestamp over nothing", document(sealed, func([]byte) []byte { return usual(make([]byte, 32)) }), failedHash, ""},
			{"a document timestamp that is a signature", document(sealed, func(digest []byte) []byte {
				return attack.CMS{By: w.Seal, Digest: digest}.Encode(t)
			}), failedFormat, ""},
			{"a signature that is a document timestamp", k.Sign(k.Base(), attack.Signing{CMS: usual}), failedFormat, ""},
			{"a document timestamp alone", document(k.Base(), usual), noSignature, ""},
			{"a timestamp with content of a signature", k.Sign(sealed, attack.Signing{Stamp: true, Form: "ETSI.CAdES.detached"}), failedFormat, ""},
		})

		t.Run("a foreign document timestamp gives nothing", func(t *testing.T) {
			file := document(k.Keep(sealed, attack.Store{Certs: [][]byte{w.Root.Cert.Raw}}), stampBy(stranger, stranger.Stamp))
			v, err := pdf.Verify(context.Background(), bytes.NewReader(file), int64(len(file)), trust(w))
			require.NoError(t, err)
			require.Len(t, v.Signatures, 2)
			require.NotEqual(t, pdf.LevelLTA, v.Signatures[0].Level)
			require.Equal(t, pdf.Indeterminate, v.Signatures[1].Indication)
		})
		t.Run("a store does not make a basic signature long-lived", func(t *testing.T) {
			basic := k.Sign(k.Base(), attack.Signing{CMS: func(digest []byte) []byte { return attack.CMS{By: w.Seal, Digest: digest}.Encode(t) }})
			file := k.Keep(basic, attack.Store{Certs: [][]byte{w.Root.Cert.Raw}})
			v, err := pdf.Verify(context.Background(), bytes.NewReader(file), int64(len(file)), trust(w))
			require.NoError(t, err)
			require.Equal(t, pdf.LevelB, v.Signatures[0].Level)
		})
		t.Run("a signature after the archive timestamp is not archived", func(t *testing.T) {
			file := k.Sign(document(k.Keep(sealed, attack.Store{Certs: [][]byte{w.Root.Cert.Raw}}), usual), attack.Signing{})
			v, err := pdf.Verify(context.Background(), bytes.NewReader(file), int64(len(file)), trust(w))
			require.NoError(t, err)
			require.Equal(t, pdf.TotalPassed, v.Indication)
			require.NotEqual(t, pdf.LevelLTA, v.Signatures[2].Level)
		})
	})
}
