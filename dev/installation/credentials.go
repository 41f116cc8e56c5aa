package installation

import (
	"crypto/rand"
	"fmt"
	"os"

	"github.com/handslag/handslag/dev/home"
)

// Credentials are what our accounts at the simulated providers are told by. At
// BankID that is a certificate, rp.pem in the folder of certificates.
type Credentials struct {
	Dir string // they are files in it, by the names below

	IDkollenSecret, IDkollenCallbackKey string
	SBABSecret                          string
	QronaToken                          string
	SignicatSecret, SignicatWebhook     string
}

// The files of the credentials.
const (
	idkollenSecret      = "idkollen-secret"
	idkollenCallbackKey = "idkollen-callback-key"
	sbabSecret          = "sbab-secret"
	qronaToken          = "qrona-token"
	signicatSecret      = "signicat-secret"
	signicatWebhook     = "signicat-webhook"
)

// keepCredentials makes what is not there yet. They are drawn for each
// installation, and so nowhere by chance: a test can look for them.
func keepCredentials(dir string) (Credentials, error) {
	c := Credentials{Dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return c, fmt.Errorf("make folder of credentials: %w", err)
	}
	for name, to := range map[string]*string{
		idkollenSecret: &c.IDkollenSecret, idkollenCallbackKey: &c.IDkollenCallbackKey, sbabSecret: &c.SBABSecret,
		qronaToken: &c.QronaToken, signicatSecret: &c.SignicatSecret, signicatWebhook: &c.SignicatWebhook,
	} {
		secret, err := home.SecretIn(dir, name, rand.Reader)
		if err != nil {
			return c, err
		}
		*to = secret
	}
	return c, nil
}

// All are the secrets, for who looks for them where they must not be.
func (c Credentials) All() map[string]string {
	return map[string]string{
		"IDkollen's secret": c.IDkollenSecret, "IDkollen's callback key": c.IDkollenCallbackKey, "SBAB's secret": c.SBABSecret,
		"Qrona's token": c.QronaToken, "Signicat's secret": c.SignicatSecret, "Signicat's webhook secret": c.SignicatWebhook,
	}
}
