package pdf_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/pdf/tsa"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	served "github.com/handslag/handslag/simulator/revocation"
	stamping "github.com/handslag/handslag/simulator/tsa"
)

// network is the simulated authorities, reached over HTTP.
type network struct {
	pki           *pki.PKI
	status        *served.Service
	first, second *stamping.Authority
	options       pdf.SealOptions
	roots         []*x509.Certificate
}

func newNetwork(t *testing.T, order pki.SealOrder) *network {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	clock := func() time.Time { return time.Now().UTC() }
	n := &network{}
	var err error
	n.pki, err = pki.Create(pki.Options{Clock: clock, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: server.URL + "/status"})
	require.NoError(t, err)
	n.status, err = served.New(served.Options{PKI: n.pki, Clock: clock, Entropy: rand.Reader})
	require.NoError(t, err)
	n.first, err = stamping.New(stamping.Options{PKI: n.pki, Clock: clock, Entropy: rand.Reader})
	require.NoError(t, err)
	other := n.pki.SecondTSA()
	n.second, err = stamping.New(stamping.Options{PKI: n.pki, Clock: clock, Entropy: rand.Reader, Identity: &other})
	require.NoError(t, err)
	mux.Handle("/status/", http.StripPrefix("/status", n.status))
	mux.Handle("/first", n.first)
	mux.Handle("/second", n.second)

	order.CommonName = "Seal"
	id, err := n.pki.IssueSeal(order)
	require.NoError(t, err)
	n.roots = append(n.pki.Anchors(pki.Sealing), n.pki.Anchors(pki.Timestamp)...)
	n.options = pdf.SealOptions{
		Key: id.Key, Chain: append([]*x509.Certificate{id.Certificate}, id.Chain...), Time: clock(), Level: pdf.LevelLTA, Known: n.roots,
		Timestamper: &tsa.Client{URLs: []string{server.URL + "/first", server.URL + "/second"}, HTTP: &http.Client{}, Timeout: 2 * time.Second},
		Revocation:  &online.Client{HTTP: &http.Client{}, Clock: clock, Timeout: 2 * time.Second},
	}
	return n
}

func down(t *testing.T, s *faults.Set, endpoint string) {
	_, err := s.Add(faults.Fault{Kind: faults.Maintenance, Endpoint: endpoint})
	require.NoError(t, err)
}

// verify judges as somebody does who has the anchors and no network.
func (n *network) verify(t *testing.T, b []byte, now time.Time) *pdf.Verification {
	pool := x509.NewCertPool()
	for _, c := range n.roots {
		pool.AddCert(c)
	}
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), pdf.Trust{Seal: pool, Timestamp: pool, Now: now})
	require.NoError(t, err)
	return v
}

func TestSealOverTheNetwork(t *testing.T) {
	in := pdftest.Pages(2).ObjStm()
	for name, c := range map[string]struct {
		order pki.SealOrder
		spoil func(*network)
		code  string
	}{
		"all is well":        {},
		"a chain of three":   {order: pki.SealOrder{Intermediate: true, Key: pki.P384}},
		"OCSP alone":         {order: pki.SealOrder{Status: pki.StatusOCSP}},
		"a list alone":       {order: pki.SealOrder{Status: pki.StatusCRL, Key: pki.Ed25519}},
		"short-lived":        {order: pki.SealOrder{ShortLived: true}},
		"first stamper down": {spoil: func(n *network) { down(t, n.first.Faults(), "") }},
		"OCSP down": {spoil: func(n *network) {
			down(t, n.status.Faults(), "ocsp")
		}},
		"both stampers down": {spoil: func(n *network) {
			down(t, n.first.Faults(), "")
			down(t, n.second.Faults(), "")
		}, code: "tsa_unavailable"},
		"status down": {spoil: func(n *network) {
			down(t, n.status.Faults(), "ocsp")
			down(t, n.status.Faults(), "crl")
		}, code: "revocation_unavailable"},
		"seal revoked": {spoil: func(n *network) { require.NoError(t, n.pki.Revoke(n.options.Chain[0], time.Time{}, pki.KeyCompromise)) }, code: "certificate_revoked"},
		"stamper revoked": {spoil: func(n *network) {
			require.NoError(t, n.pki.Revoke(n.pki.TSA().Certificate, time.Time{}, pki.KeyCompromise))
		}, code: "certificate_revoked"},
		"status nowhere": {order: pki.SealOrder{Status: pki.StatusNone}, code: "seal_status_unnamed"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, c.order)
			if c.spoil != nil {
				c.spoil(n)
			}
			tail, err := pdf.Seal(context.Background(), revision(in), n.options)
			if c.code != "" {
				require.Equal(t, c.code, fault.CodeOf(err), "%v", err)
				require.Nil(t, tail)
				return
			}
			require.NoError(t, err)
			out := append(bytes.Clone(in), tail...)
			v := n.verify(t, out, time.Now())
			require.Equal(t, pdf.TotalPassed, v.Indication, "%+v", v)
			require.Equal(t, pdf.LevelLTA, v.Signatures[0].Level)
			require.Len(t, v.Signatures, 2)

			more, err := pdf.Renew(context.Background(), revision(out), pdf.RenewOptions{
				Timestamper: n.options.Timestamper, Revocation: n.options.Revocation, Known: n.roots,
			})
			require.NoError(t, err)
			v = n.verify(t, append(out, more...), time.Now())
			require.Equal(t, pdf.TotalPassed, v.Indication, "%+v", v)
			require.Len(t, v.Signatures, 3)
		})
	}
}

// An authority that was replaced in good order leaves its timestamps as they are,
// and documents have to go on with another one. One whose key came into other hands
// leaves nothing.
func TestRenewWhenTheAuthorityWasClosed(t *testing.T) {
	in := pdftest.Pages(1).Table()
	for name, c := range map[string]struct {
		reason pki.Reason
		code   string
	}{"replaced": {reason: pki.Superseded}, "stolen": {pki.KeyCompromise, "certificate_revoked"}} {
		for _, status := range []string{"ocsp", "crl"} {
			t.Run(name+"/"+status, func(t *testing.T) {
				n := newNetwork(t, pki.SealOrder{})
				out := sealWith(t, in, n.options)
				time.Sleep(1100 * time.Millisecond) // statuses are told to the second
				require.NoError(t, n.pki.Revoke(n.pki.TSA().Certificate, time.Time{}, c.reason))
				down(t, n.first.Faults(), "")
				if status == "crl" {
					down(t, n.status.Faults(), "ocsp")
				}
				n.options.Revocation = &online.Client{HTTP: &http.Client{}, Clock: time.Now} // that remembers nothing
				tail, err := pdf.Renew(context.Background(), revision(out), pdf.RenewOptions{
					Timestamper: n.options.Timestamper, Revocation: n.options.Revocation, Known: n.roots,
				})
				require.Equal(t, c.code, codeOf(err), "%v", err)
				if c.code != "" {
					require.Nil(t, tail)
					return
				}
				v := n.verify(t, append(out, tail...), time.Now())
				require.Equal(t, pdf.TotalPassed, v.Indication, "%+v", v)
				require.Equal(t, pdf.LevelLTA, v.Signatures[0].Level)
			})
		}
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}
