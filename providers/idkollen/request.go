package idkollen

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"unicode/utf8"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// The limits on texts. IDkollen documents 50,000 characters, and passes the text
// on to BankID, which takes 40,000 characters of base64 to sign and 1,500 to
// identify; those are the smaller ones.
const (
	maxText   = 40_000
	maxIntent = 1_500
)

// order is the body of every call that creates an order.
type order struct {
	SSN            string `json:"ssn"`
	Text           string `json:"text,omitempty"`   // to sign
	Digest         string `json:"digest,omitempty"` // to sign
	Intent         string `json:"intent,omitempty"` // to identify
	CallInitiator  string `json:"callInitiator,omitempty"`
	IPAddress      string `json:"ipAddress,omitempty"`
	PINRequired    bool   `json:"pinRequired,omitempty"`
	OrgNumber      string `json:"orgNumber,omitempty"`
	RequestAddress bool   `json:"requestAddress,omitempty"`
	CallbackURL    string `json:"callbackUrl,omitempty"`
	RefID          string `json:"refId,omitempty"`
}

// invalid is a request that IDkollen would not take. The text never quotes it.
func invalid(pointer, code, format string, args ...any) error {
	return fault.New(fault.Invalid, "idkollen_order_invalid", "The order is not one that IDkollen takes: "+format, args...).
		In(pointer, code, format, args...).From(name, "")
}

// order returns the path and body of the call that creates the order.
func (c *Client) order(r providers.StartRequest) (string, order, error) {
	if r.Signer.IsZero() || r.Signer.Norwegian() {
		return "", order{}, invalid("/signer", "required", "The person must be named by Swedish personal number.")
	}
	o := order{
		SSN: r.Signer.Reveal(), PINRequired: c.config.RequirePIN, RequestAddress: c.config.RequestAddress,
		CallbackURL: c.config.CallbackURL, RefID: string(r.Attempt),
	}
	path, err := o.bind(r)
	if err != nil {
		return "", order{}, err
	}
	if r.Organisation != "" && c.config.CompanySignatory {
		parts := orgNumber.FindStringSubmatch(r.Organisation)
		if parts == nil {
			return "", order{}, invalid("/organisation", "format", "The organisation must be a number such as 559000-0948.")
		}
		o.OrgNumber = parts[1] + "-" + parts[2]
	}
	switch r.Channel {
	case signing.ChannelQR, signing.ChannelSameDevice:
		if r.EndUser.IP.IsValid() && !r.EndUser.IP.IsUnspecified() {
			o.IPAddress = r.EndUser.IP.Unmap().WithZone("").String()
		}
		return path, o, nil
	case signing.ChannelPhone:
		switch r.CallInitiator {
		case providers.CallByUser:
			o.CallInitiator = "USER"
		case providers.CallByOwner:
			o.CallInitiator = "RP"
		default:
			return "", order{}, invalid("/callInitiator", "required", "It must be said who called whom.")
		}
		return "phone/" + path, o, nil
	}
	return "", order{}, invalid("/channel", "unsupported", "The channel is not one of IDkollen's.")
}

var orgNumber = regexp.MustCompile(`^([0-9]{6})-?([0-9]{4})$`)

// bind adds what the person is shown and signs.
func (o *order) bind(r providers.StartRequest) (path string, err error) {
	text, limit := r.VisibleText.Reveal(), maxText
	switch r.Method {
	case signing.MethodBankIDSE:
		path, o.Text = kindSign, text
		if text == "" {
			return "", invalid("/visibleText", "required", "There is no text to sign.")
		}
		if len(r.Manifest) > 0 {
			// It is not said whether IDkollen encodes what it passes on to BankID, so
			// this is text in any case, and valid base64 in itself.
			digest := sha256.Sum256(r.Manifest)
			o.Digest = hex.EncodeToString(digest[:])
		}
	case signing.MethodBankIDSEIdentify:
		path, limit, o.Intent = kindAuth, maxIntent, text
	default:
		return "", invalid("/method", "unsupported", "The method is not one of IDkollen's.")
	}
	switch {
	case !utf8.ValidString(text):
		return "", invalid("/visibleText", "encoding", "The text is not UTF-8.")
	case base64.StdEncoding.EncodedLen(len(text)) > limit:
		return "", invalid("/visibleText", "too_long", "The text is longer than %d bytes.", base64.StdEncoding.DecodedLen(limit))
	}
	return path, nil
}
