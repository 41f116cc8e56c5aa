package installation

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"text/template"
	"time"

	"github.com/handslag/handslag/simulator/idkollen"
	"github.com/handslag/handslag/simulator/sbab"
	"github.com/handslag/handslag/simulator/signicat"
)

// The paths below [World.Callbacks] by which providers tell of orders.
const (
	CallbacksPath     = "/v1/callbacks/"
	idkollenCallbacks = CallbacksPath + "idkollen/idkollen"
	signicatCallbacks = CallbacksPath + "signicat/signicat"
)

// EndUserIPHeader is where the simulated SBAB is told who is asked, once its
// settings say so.
const EndUserIPHeader = "X-End-User-IP"

// Accounts are the settings of our accounts in this world, one at each provider,
// for a product that finds the world's certificates in a folder and their secrets
// in another. orderLife is how long a person has at Signicat; 0 is Signicat's own
// 15 minutes.
//
// By the route, a Swede signs at BankID itself; where that certainly made no
// order and the collection accepts what IDkollen attests, at IDkollen.
func (w *World) Accounts(certificates, secrets string, orderLife time.Duration) ([]byte, error) {
	var b bytes.Buffer
	err := accounts.Execute(&b, map[string]any{
		"World": w, "OrderLife": cmp.Or(orderLife, 15*time.Minute),
		"IDkollenCallbacks": w.Callbacks + idkollenCallbacks, "EndUserIPHeader": EndUserIPHeader,
		"SBABClient": sbab.ClientID, "SignicatClient": signicat.DefaultClient().ID, "IDkollenAccount": idkollen.Demo().ID,
		"Root": filepath.Join(certificates, "server-root.pem"), "Certificates": certificates, "Secrets": secrets,
	})
	if err != nil {
		return nil, fmt.Errorf("write the settings of accounts: %w", err)
	}
	return b.Bytes(), nil
}

var accounts = template.Must(template.New("accounts.yaml").Parse(`# Accounts at the simulated providers.
default:
  accounts: [bankid, idkollen, sbab, qrona, signicat]
  routes:
    bankid-se: [bankid, idkollen]
    bankid-se-identify: [bankid, idkollen, qrona]
    bankid-se-process: [sbab]
    nbid-pki: [signicat]
accounts:
  bankid:
    environment: simulator
    bankid:
      baseURL: {{printf "%q" .World.BankID}}
      serverRoots: {{printf "%q" .Root}}
      credentials:
        pem: {certificates: {{printf "%q" (print .Certificates "/rp.pem")}}, key: {{printf "%q" (print .Certificates "/rp.key")}}}
  idkollen:
    environment: simulator
    idkollen:
      baseURL: {{printf "%q" .World.IDkollen}}
      serverRoots: {{printf "%q" .Root}}
      accountID: {{printf "%q" .IDkollenAccount}}
      secretKey: {file: {{printf "%q" (print .Secrets "/idkollen-secret")}}}
      callbackURL: {{printf "%q" .IDkollenCallbacks}}
      callbackKey: {file: {{printf "%q" (print .Secrets "/idkollen-callback-key")}}}
      companySignatory: true
  sbab:
    environment: simulator
    sbab:
      baseURL: {{printf "%q" .World.SBAB}}
      tokenURL: {{printf "%q" .World.SBABTokens}}
      serverRoots: {{printf "%q" .Root}}
      clientID: {{printf "%q" .SBABClient}}
      clientSecret: {file: {{printf "%q" (print .Secrets "/sbab-secret")}}}
      endUserIPHeader: {{printf "%q" .EndUserIPHeader}}
  qrona:
    environment: simulator
    qrona:
      baseURL: {{printf "%q" .World.Qrona}}
      serverRoots: {{printf "%q" .Root}}
      token: {file: {{printf "%q" (print .Secrets "/qrona-token")}}}
  signicat:
    environment: simulator
    signicat:
      baseURL: {{printf "%q" .World.Signicat}}
      tokenURL: {{printf "%q" .World.SignicatTokens}}
      serverRoots: {{printf "%q" .Root}}
      clientID: {{printf "%q" .SignicatClient}}
      clientSecret: {file: {{printf "%q" (print .Secrets "/signicat-secret")}}}
      orderLife: {{.OrderLife}}
      settling: 5s # the simulated Signicat shows a session at once
      webhook:
        secret: {file: {{printf "%q" (print .Secrets "/signicat-webhook")}}}
        required: true
`))
