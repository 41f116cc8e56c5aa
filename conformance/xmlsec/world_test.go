// Package xmlsec has two verifiers judge the same signatures: xmlsec1, which
// canonicalises XML as the standard has it, and ours, which accepts BankID's one
// form and hashes raw bytes. Where they disagree one of them is wrong, unless it
// is said here why ours refuses what is valid XML Signature.
//
// The test needs xmlsec1, named by HANDSLAG_XMLSEC1; run.sh finds or installs it
// and runs the test.
package xmlsec

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
)

const tolvan, other = "191212121212", "200211242383"

// world is a simulated BankID, a relying party and xmlsec1.
type world struct {
	t      *testing.T
	tool   string
	dir    string
	app    *person.App
	client *bankid.Client
	trust  bankidsig.Trust
}

func newWorld(t *testing.T) *world {
	t.Helper()
	tool := os.Getenv("HANDSLAG_XMLSEC1")
	if tool == "" {
		t.Skip("HANDSLAG_XMLSEC1 is not set; conformance/xmlsec/run.sh sets it")
	}
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	s, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	api := httptest.NewUnstartedServer(s.RPAPI())
	api.Listener = tls.NewListener(api.Listener, s.RPTLS())
	api.Start()
	t.Cleanup(api.Close)
	control := httptest.NewServer(s.Control())
	t.Cleanup(control.Close)

	w := &world{t: t, tool: tool, dir: t.TempDir(), app: person.New(control.URL, control.Client())}
	for _, number := range []string{tolvan, other} {
		require.NoError(t, w.app.Register(t.Context(), simulated.Person{PersonalNumber: number, GivenName: "Åsa", Surname: "Öberg"}))
	}
	root := p.Anchors(pki.BankID)[0]
	w.trust = bankidsig.Trust{{Environment: bankidsig.Simulator, Certificate: root}}
	w.write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	w.client, err = bankid.New(bankid.Config{
		BaseURL: "https://" + api.Listener.Addr().String() + "/rp/v6.0", Credentials: p.RP().TLS(), ServerRoots: p.ServerRoots(),
		Environment: bankidsig.Simulator, Anchors: w.trust, Clock: time.Now,
	})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	return w
}

func (w *world) write(name string, content []byte) string {
	w.t.Helper()
	name = filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(name, content, 0o600))
	return name
}

// document is what BankID handed out for one order.
type document struct {
	xml, ocsp      string // ocsp in base64
	identification bool
	at             time.Time
}

// ask is an order: who, what for, and what with.
type ask struct {
	method   signing.Method
	person   string
	text     string
	manifest string
	fault    faults.Kind
}

// document runs an order to its end.
func (w *world) document(a ask) document {
	w.t.Helper()
	ctx := w.t.Context()
	if a.fault != "" {
		require.NoError(w.t, w.app.Fault(ctx, faults.Fault{Kind: a.fault, Count: 1}))
	}
	who, err := signing.ParsePersonalNumber(a.person)
	require.NoError(w.t, err)
	o, err := w.client.Start(ctx, providers.StartRequest{
		Method: a.method, Channel: signing.ChannelSameDevice, Signer: who, VisibleText: signing.Private(a.text), Manifest: []byte(a.manifest),
		EndUser: providers.EndUser{IP: netip.MustParseAddr("192.0.2.1")},
	})
	require.NoError(w.t, err)
	_, err = w.app.Open(ctx, a.person, o.AutoStartToken.Reveal())
	require.NoError(w.t, err)
	_, err = w.app.Sign(ctx, a.person, string(o.Ref))
	require.NoError(w.t, err)
	answer, err := w.client.Collect(ctx, o.Ref)
	require.NoError(w.t, err)
	var body struct {
		Data struct {
			Signature string `json:"signature"`
			OCSP      string `json:"ocspResponse"`
		} `json:"completionData"`
	}
	require.NoError(w.t, json.Unmarshal(answer.Raw, &body))
	xml, err := base64.StdEncoding.DecodeString(body.Data.Signature)
	require.NoError(w.t, err)
	return document{string(xml), body.Data.OCSP, a.method == signing.MethodBankIDSEIdentify, time.Now()}
}

// xmlsec reports whether xmlsec1 accepts the signature and its chain.
func (w *world) xmlsec(d document) (bool, string) {
	w.t.Helper()
	out, err := exec.CommandContext(
		w.t.Context(), w.tool, "--verify", "--trusted-pem", filepath.Join(w.dir, "root.pem"),
		"--verification-time", d.at.Local().Format("2006-01-02 15:04:05"), // it reads local time
		"--id-attr:Id", "http://www.bankid.com/signature/v1.0.0/types:bankIdSignedData",
		"--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:KeyInfo",
		w.write("signature.xml", []byte(d.xml)),
	).CombinedOutput()
	return err == nil, strings.TrimSpace(string(out))
}

// ours judges what xmlsec1 does and nothing more: the document and its chain. The
// OCSP response gives the time; its nonce binds nothing unless that is asked for.
func (w *world) ours(d document) bankidsig.Reason {
	w.t.Helper()
	_, err := bankidsig.Verify(bankidsig.Input{
		Signature: base64.StdEncoding.EncodeToString([]byte(d.xml)), OCSP: d.ocsp,
		Mode: bankidsig.Mode{Identification: d.identification},
	}, w.trust)
	if err == nil {
		return ""
	}
	reason := bankidsig.ReasonOf(err)
	require.NotEmpty(w.t, reason, "%v", err)
	return reason
}
