package signicat

import (
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/simulator/faults"
)

// Settings are what the documentation leaves open, and what an account can set.
type Settings struct {
	// SignURL is the address below which people sign, where the control API is
	// mounted.
	SignURL string `json:"signUrl"`
	// TokenLife is 1 s to an hour; the Dashboard has it.
	TokenLife faults.Duration `json:"tokenLife"`
	// InvalidClientStatus is 400 or 401.
	InvalidClientStatus int `json:"invalidClientStatus"`
	// MaxDocument is in bytes.
	MaxDocument int64 `json:"maxDocument"`
	// HashEncoding is that of documentHash: hex or base64.
	HashEncoding string `json:"hashEncoding"`
	// ResultIDs has results name the documents that they were made of. The
	// documented NBID result does not.
	ResultIDs bool `json:"resultIds"`
	// EchoesNothing leaves out of a session what was asked for.
	EchoesNothing bool `json:"echoesNothing"`
	// AllowsPackages lets a PKI session ask for a package.
	AllowsPackages bool `json:"allowsPackages"`
	// MismatchRejects has the wrong person end the session; else it stays open.
	MismatchRejects bool `json:"mismatchRejects"`
	// ShowsReason puts the reason of a rejection into lifecycle.rejectionReason.
	ShowsReason bool `json:"showsReason"`
	// RequestsPerSecond is the rate beyond which 429 is answered; 0 is none.
	RequestsPerSecond int `json:"requestsPerSecond"`
	// Level is that of NBID signatures: B-B, B-T, B-LT or B-LTA.
	Level pdf.Level `json:"level"`
	// PackageDelay is how long packaging takes.
	PackageDelay faults.Duration `json:"packageDelay"`
	Webhook      Webhook         `json:"webhook"`
}

// Webhook is where events go.
type Webhook struct {
	URL    string `json:"url"`
	Secret string `json:"secret"` // empty sends them unsigned
	Header string `json:"header"`
	// Encoding is hex or base64, and Prefix stands before it.
	Encoding string `json:"encoding"`
	Prefix   string `json:"prefix"`
}

// DefaultSettings are the assumptions.
func DefaultSettings() Settings {
	return Settings{
		SignURL: "http://127.0.0.1:8444", TokenLife: faults.Duration(10 * time.Minute), InvalidClientStatus: 401, MaxDocument: 25 << 20,
		HashEncoding: "base64", Level: pdf.LevelT, PackageDelay: faults.Duration(3 * time.Second),
		Webhook: Webhook{Header: "X-Signicat-Signature", Encoding: "hex"},
	}
}

func (v Settings) check() error {
	oneOf := func(s string, allowed ...string) bool { return slices.Contains(allowed, s) }
	switch {
	case time.Duration(v.TokenLife) < time.Second || time.Duration(v.TokenLife) > time.Hour,
		v.InvalidClientStatus != 400 && v.InvalidClientStatus != 401, v.MaxDocument < 1,
		!oneOf(v.HashEncoding, "hex", "base64"), !oneOf(v.Webhook.Encoding, "hex", "base64"), v.Webhook.Header == "",
		!oneOf(string(v.Level), string(pdf.LevelB), string(pdf.LevelT), string(pdf.LevelLT), string(pdf.LevelLTA)),
		v.RequestsPerSecond < 0:
		return fault.New(fault.Invalid, "bad_settings", "a setting has a value that it cannot have")
	}
	return nil
}
