package pdf_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

func judged(t testing.TB, b []byte, trust pdf.Trust) *pdf.Verification {
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), trust)
	require.NoError(t, err)
	return v
}

// overYears is a B-LTA document whose timestamp authority changes with each
// renewal and whose certificates run out one after the other: the signer's in
// the second year, each authority's a year later.
type overYears struct {
	world   *pdftest.World
	file    []byte
	signed  time.Time
	renewed []time.Time
}

func newOverYears(t testing.TB) *overYears {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	a := &overYears{world: w, signed: w.Now}
	w.Seal = w.Issue(t, w.Seal.Key, "Signer", func(c *x509.Certificate) {
		c.NotAfter, c.OCSPServer = w.Now.AddDate(1, 0, 0), []string{"http://ocsp.test/"}
	})
	w.Stamp = a.authority(t, 2)
	a.file = sealWith(t, pdftest.Pages(1).Table(), lasting(t, w, pdf.LevelLTA))
	return a
}

func (a *overYears) authority(t testing.TB, years int) *pdftest.Identity {
	return a.world.Stamper(t, fmt.Sprintf("TSA %d", years), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = a.world.Now.AddDate(0, 0, -1), a.signed.AddDate(years, 0, 0)
		c.OCSPServer = []string{"http://ocsp.test/"}
	})
}

func (a *overYears) renew(t testing.TB, after time.Duration, years int) {
	a.world.Now = a.world.Now.Add(after)
	a.world.Stamp = a.authority(t, years)
	tail, err := pdf.Renew(context.Background(), revision(a.file), pdf.RenewOptions{
		Timestamper: a.world, Revocation: &pdftest.Status{T: t, World: a.world}, Known: []*x509.Certificate{a.world.Root.Cert},
	})
	require.NoError(t, err)
	a.file, a.renewed = append(a.file, tail...), append(a.renewed, a.world.Now)
}

// at judges in some year, with a fresh word on the newest authority.
func (a *overYears) at(t testing.TB, now time.Time, proofs bool) *pdf.Verification {
	trust := trust(a.world)
	trust.Now = now
	if proofs {
		trust.Proofs.OCSP = [][]byte{a.world.OCSP(t, a.world.Stamp.Cert, a.world.Root, func(r *pdftest.Response) {
			r.ProducedAt, r.Singles[0].ThisUpdate, r.Singles[0].NextUpdate = now, now, now.AddDate(0, 0, 1)
		})}
	}
	return judged(t, a.file, trust)
}

const year = 365 * 24 * time.Hour

func TestRenewedDocumentOutlivesItsCertificates(t *testing.T) {
	a := newOverYears(t)
	v := a.at(t, a.signed.AddDate(1, 6, 0), false)
	require.Equal(t, pdf.TotalPassed, v.Indication, "the signer's certificate has run out: %s", v.Signatures[0].Reason)
	require.Equal(t, pdf.LevelLTA, v.Signatures[0].Level)
	require.Equal(t, a.signed, v.Signatures[0].Timestamp.UTC())

	v = a.at(t, a.signed.AddDate(2, 6, 0), false)
	require.Equal(t, pdf.Indeterminate, v.Indication, "the authority's too, and nothing was renewed")
	require.Equal(t, pdf.NoProofOfTime, v.SubIndication)

	a.renew(t, year+year/2, 4)
	v = a.at(t, a.signed.AddDate(2, 6, 0), true)
	require.Equal(t, pdf.TotalPassed, v.Indication, v.Signatures[0].Reason)
	require.Equal(t, pdf.LevelLTA, v.Signatures[0].Level)
	for _, s := range v.Signatures {
		require.Equal(t, pdf.TotalPassed, s.Indication, s.Reason)
	}

	a.renew(t, 2*year, 6)
	v = a.at(t, a.signed.AddDate(5, 0, 0), true)
	require.Equal(t, pdf.TotalPassed, v.Indication, v.Signatures[0].Reason)
	require.Equal(t, a.signed, v.Signatures[0].Timestamp.UTC())
	require.Equal(t, a.renewed[0], v.Signatures[2].Timestamp.UTC())
	require.Equal(t, pdf.TotalPassed, a.at(t, a.signed.AddDate(5, 0, 0), false).Indication, "the file vouches for its newest authority too")
	require.Equal(t, pdf.NoProofOfTime, a.at(t, a.signed.AddDate(7, 0, 0), true).SubIndication)
}

// Revocation counts from when it was, held to when the signature is proven to exist.
func TestRevocation(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	stamped := sealWith(t, pdftest.Pages(1).Table(), lasting(t, w, pdf.LevelT))
	status := func(about *x509.Certificate, at time.Time, reason int) func(*pdf.Trust) {
		return func(trust *pdf.Trust) {
			trust.Now = w.Now.AddDate(0, 1, 0)
			for _, c := range []*x509.Certificate{w.Seal.Cert, w.Stamp.Cert} {
				trust.Proofs.OCSP = append(trust.Proofs.OCSP, w.OCSP(t, c, w.Root, func(r *pdftest.Response) {
					r.ProducedAt, r.Singles[0].ThisUpdate, r.Singles[0].NextUpdate = trust.Now, trust.Now, trust.Now.AddDate(0, 0, 1)
					if c == about {
						r.Singles[0].RevokedAt, r.Singles[0].Reason = at, reason
					}
				}))
			}
		}
	}
	const keyCompromise, superseded = 1, 4
	for _, tt := range []struct {
		name   string
		change func(*pdf.Trust)
		want   pdf.Indication
		sub    string
	}{
		{"never", status(nil, time.Time{}, 0), pdf.TotalPassed, ""},
		{"nothing known", func(*pdf.Trust) {}, pdf.Indeterminate, pdf.TryLater},
		{"signer, afterwards", status(w.Seal.Cert, w.Now.Add(time.Hour), keyCompromise), pdf.TotalPassed, ""},
		{"signer, before", status(w.Seal.Cert, w.Now.Add(-time.Hour), keyCompromise), pdf.Indeterminate, pdf.Revoked},
		{"authority, in good order", status(w.Stamp.Cert, w.Now.Add(time.Hour), superseded), pdf.TotalPassed, ""},
		{"authority, its key lost", status(w.Stamp.Cert, w.Now.Add(time.Hour), keyCompromise), pdf.Indeterminate, pdf.NoProofOfTime},
		{"authority, before", status(w.Stamp.Cert, w.Now.Add(-time.Hour), superseded), pdf.Indeterminate, pdf.NoProofOfTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			trust := trust(w)
			tt.change(&trust)
			v := judged(t, stamped, trust)
			require.Equal(t, tt.want, v.Indication, v.Signatures[0].Reason)
			require.Equal(t, tt.sub, v.SubIndication, v.Signatures[0].Reason)
			if tt.sub == pdf.TryLater {
				require.Equal(t, pdf.LevelT, v.Signatures[0].Level)
			}
		})
	}
}

func TestOrderOfTimes(t *testing.T) {
	w := pdftest.NewNamedWorld(t, pdftest.P256(t))
	archive := sealWith(t, pdftest.Pages(1).Table(), lasting(t, w, pdf.LevelLTA))
	early := trust(w)
	early.Now = w.Now.Add(-time.Hour)
	v := judged(t, archive, early)
	require.Equal(t, pdf.TimestampOrder, v.SubIndication, "a timestamp from the future")

	w = pdftest.NewWorld(t, pdftest.P256(t))
	young := *w
	young.Now = w.Now.AddDate(-2, 0, 0)
	young.Stamp = w.Issue(t, pdftest.P256(t), "Old TSA", func(c *x509.Certificate) {
		c.NotBefore = young.Now.AddDate(0, 0, -1)
		usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		require.NoError(t, err)
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	})
	o := options(w)
	o.Timestamper = stampedBy{&young, young.Stamp}
	v = judged(t, sealWith(t, pdftest.Pages(1).Table(), o), trust(w))
	require.Equal(t, pdf.TotalFailed, v.Indication, v.Signatures[0].Reason)
	require.Equal(t, pdf.NotYetValid, v.SubIndication)
}

func TestNationalID(t *testing.T) {
	const number = "01010012345"
	oid := asn1.ObjectIdentifier{2, 16, 578, 1, 61, 2, 4}
	wrapped := func(tag int) []byte {
		b, err := asn1.Marshal(asn1.RawValue{Tag: tag, Bytes: []byte(number)})
		require.NoError(t, err)
		return b
	}
	for name, tt := range map[string]struct {
		value []byte
		want  string
	}{
		"utf8": {wrapped(asn1.TagUTF8String), number}, "printable": {wrapped(asn1.TagPrintableString), number},
		"octets": {wrapped(asn1.TagOctetString), number}, "bare": {[]byte(number), number},
		"too short": {[]byte("0101001234"), ""}, "letters": {[]byte("0101001234x"), ""}, "nothing": {nil, ""},
		"integer": {[]byte{2, 1, 5}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := pdftest.NewWorld(t, pdftest.P256(t))
			w.Seal = w.Issue(t, w.Seal.Key, "Signer", func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: oid, Value: tt.value}}
			})
			v := judged(t, seal(t, w, pdftest.Pages(1).Table()), trust(w))
			require.Equal(t, pdf.TotalPassed, v.Indication, v.Signatures[0].Reason)
			id := v.Signatures[0].NationalID
			require.Equal(t, tt.want, id.Reveal())
			require.Equal(t, tt.want == "", id.IsZero())
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "id", id, "all", v.Signatures[0].NationalID)
			raw, err := json.Marshal(map[string]any{"id": id, "map": map[pdf.NationalID]int{id: 1}})
			require.NoError(t, err)
			shown := fmt.Sprintf("%v %s %d %x %#v %+v", id, id, id, id, id, struct{ ID pdf.NationalID }{id}) + log.String() + string(raw)
			require.False(t, strings.Contains(shown, number) || strings.Contains(shown, fmt.Sprintf("%x", number)))
		})
	}
}
