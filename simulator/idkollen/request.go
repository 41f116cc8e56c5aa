package idkollen

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/handslag/handslag/simulator/bankid"
)

// maxText is what IDkollen's clients document. BankID takes less.
const maxText = 50_000

var (
	twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)
	orgNumber    = regexp.MustCompile(`^[0-9]{6}-[0-9]{4}$`)
)

// request is the body of every start. A member that an endpoint has no use for
// is refused, lest a misspelt or misplaced one goes unnoticed; but the
// documentation itself sends intent to sign and ipAddress by phone, so those are
// taken and ignored.
type request struct {
	Text           string `json:"text"`
	Intent         string `json:"intent"`
	Digest         string `json:"digest"`
	SSN            string `json:"ssn"`
	CallInitiator  string `json:"callInitiator"`
	IPAddress      string `json:"ipAddress"`
	PINRequired    bool   `json:"pinRequired"`
	OrgNumber      string `json:"orgNumber"`
	RequestAddress bool   `json:"requestAddress"`
	CallbackURL    string `json:"callbackUrl"`
	RefID          string `json:"refId"`
}

func parse(endpoint string, a Account, sent []byte) (request, error) {
	d := json.NewDecoder(strings.NewReader(string(sent)))
	d.DisallowUnknownFields()
	var q request
	if err := d.Decode(&q); err != nil || d.More() {
		return q, errInvalid
	}
	signs, phone := strings.HasSuffix(endpoint, "sign"), strings.HasPrefix(endpoint, "phone/")
	_, addressErr := netip.ParseAddr(q.IPAddress)
	switch {
	case signs && (q.Text == "" || utf8.RuneCountInString(q.Text) > maxText),
		!signs && (q.Text != "" || q.Digest != ""),
		q.SSN != "" && !twelveDigits.MatchString(q.SSN),
		phone && q.SSN == "",
		phone && q.CallInitiator != "USER" && q.CallInitiator != "RP",
		!phone && q.CallInitiator != "",
		q.IPAddress != "" && addressErr != nil,
		q.OrgNumber != "" && (!orgNumber.MatchString(q.OrgNumber) || !a.CompanySignatory),
		q.CallbackURL != "" && !a.calls(q.CallbackURL):
		return q, errInvalid
	}
	return q, nil
}

// calls reports whether a callback may go to an address: HTTPS, and listed.
func (a Account) calls(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && slices.Contains(a.CallbackHosts, u.Host)
}

// atBankID is the order that IDkollen makes of it.
func (q request) atBankID(endpoint string, digestAsIs bool) (bankid.BrokerOrder, error) {
	o := bankid.BrokerOrder{
		Sign: strings.HasSuffix(endpoint, "sign"), Phone: strings.HasPrefix(endpoint, "phone/"), PersonalNumber: q.SSN,
		EndUserIP: q.IPAddress, CalledByUser: q.CallInitiator == "USER", Text: q.Intent, RequirePIN: q.PINRequired,
	}
	if o.EndUserIP == "" {
		o.EndUserIP = "127.0.0.1" // BankID demands one
	}
	if !o.Sign {
		return o, nil
	}
	o.Text, o.NonVisible = q.Text, []byte(q.Digest)
	if digestAsIs {
		decoded, err := base64.StdEncoding.DecodeString(q.Digest)
		if err != nil {
			return o, errInvalid
		}
		o.NonVisible = decoded
	}
	return o, nil
}
