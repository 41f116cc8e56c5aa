package bankid

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// BankID's limits on an order (BankID, "Sign" and "Auth"). Those on texts count
// characters after base64.
const (
	maxVisible          = 40_000
	maxNonVisible       = 200_000
	maxIdentify         = 1_500 // each of the two texts, to identify with
	maxReturnURL        = 512
	minReferringDomain  = 3
	maxReferringDomain  = 253
	maxUserAgent        = 256
	maxDeviceIdentifier = 64
)

type (
	// orderRequest is the body of sign and auth; phoneRequest that of phone/sign
	// and phone/auth.
	orderRequest struct {
		EndUserIP  string      `json:"endUserIp"`
		ReturnURL  string      `json:"returnUrl,omitempty"`
		ReturnRisk bool        `json:"returnRisk,omitempty"`
		Web        *webData    `json:"web,omitempty"`
		App        *appData    `json:"app,omitempty"`
		Needs      requirement `json:"requirement"`
		texts
	}
	phoneRequest struct {
		PersonalNumber string       `json:"personalNumber"`
		CallInitiator  string       `json:"callInitiator"`
		Needs          *requirement `json:"requirement,omitempty"`
		texts
	}
	texts struct {
		Visible       string `json:"userVisibleData,omitempty"`
		VisibleFormat string `json:"userVisibleDataFormat,omitempty"`
		NonVisible    string `json:"userNonVisibleData,omitempty"`
	}
	requirement struct {
		PersonalNumber      string   `json:"personalNumber,omitempty"`
		PINCode             bool     `json:"pinCode,omitempty"`
		CertificatePolicies []string `json:"certificatePolicies,omitempty"`
	}
	webData struct {
		ReferringDomain  string `json:"referringDomain,omitempty"`
		UserAgent        string `json:"userAgent,omitempty"`
		DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
	}
	appData struct {
		AppIdentifier    string `json:"appIdentifier,omitempty"`
		DeviceOS         string `json:"deviceOS,omitempty"`
		DeviceModelName  string `json:"deviceModelName,omitempty"`
		DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
	}
)

// invalid is a request that BankID would not take. The text never quotes it.
func invalid(pointer, code, format string, args ...any) error {
	return fault.New(fault.Invalid, "bankid_order_invalid", "The order is not one that BankID takes: "+format, args...).
		In(pointer, code, format, args...).From(name, "")
}

// order returns the path and body of the call that creates the order.
func (c *Client) order(r providers.StartRequest) (string, any, error) {
	p, ok := purposeOf(r.Method)
	if !ok {
		return "", nil, invalid("/method", "unsupported", "The method is not one of BankID's.")
	}
	if r.Signer.IsZero() || r.Signer.Norwegian() {
		return "", nil, invalid("/signer", "required", "The person must be named by Swedish personal number.")
	}
	t, err := p.texts(r.VisibleText, r.Manifest)
	if err != nil {
		return "", nil, err
	}
	switch r.Channel {
	case signing.ChannelQR, signing.ChannelSameDevice:
		body, err := c.orderRequest(r, t)
		return p.path, body, err
	case signing.ChannelPhone:
		body, err := c.phoneRequest(r, t)
		return "phone/" + p.path, body, err
	}
	return "", nil, invalid("/channel", "unsupported", "The channel is not one of BankID's.")
}

func (c *Client) orderRequest(r providers.StartRequest, t texts) (orderRequest, error) {
	body := orderRequest{
		ReturnRisk: c.config.ReturnRisk, texts: t,
		Needs: requirement{
			PersonalNumber: r.Signer.Reveal(), PINCode: c.config.RequirePIN, CertificatePolicies: c.config.CertificatePolicies,
		},
	}
	var err error
	if body.EndUserIP, err = endUserIP(r.EndUser.IP); err != nil {
		return orderRequest{}, err
	}
	// The app goes back to it on the device that it runs on, so with a QR code it
	// would open our page on a phone that never saw it.
	if r.Channel == signing.ChannelSameDevice {
		if body.ReturnURL, err = returnURL(r.ReturnURL); err != nil {
			return orderRequest{}, err
		}
	}
	body.Web, body.App, err = device(r.EndUser)
	return body, err
}

func endUserIP(ip netip.Addr) (string, error) {
	if !ip.IsValid() || ip.IsUnspecified() {
		return "", invalid("/endUser/ip", "required", "The address of the person's device must be given.")
	}
	return ip.Unmap().WithZone("").String(), nil
}

func returnURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if u, err := url.Parse(s); len(s) > maxReturnURL || err != nil || u.Scheme == "" {
		return "", invalid("/returnUrl", "invalid", "The return address must be an absolute URL of at most %d bytes.", maxReturnURL)
	}
	return s, nil
}

// device checks what is known of the device. A description without any member is
// left out, since BankID refuses it.
func device(e providers.EndUser) (*webData, *appData, error) {
	if e.Web != nil && e.App != nil {
		return nil, nil, invalid("/endUser", "exclusive", "The device is described as a browser and as an app; it can be one of them.")
	}
	if e.App != nil && *e.App != (providers.AppDevice{}) {
		if len(e.App.DeviceIdentifier) > maxDeviceIdentifier {
			return nil, nil, invalid("/endUser/app/deviceIdentifier", "too_long", "The device identifier is longer than %d bytes.", maxDeviceIdentifier)
		}
		a := appData(*e.App)
		return nil, &a, nil
	}
	if e.Web == nil || *e.Web == (providers.WebDevice{}) {
		return nil, nil, nil
	}
	w := webData(*e.Web)
	switch n := len(w.ReferringDomain); {
	case n > 0 && (n < minReferringDomain || n > maxReferringDomain || strings.Trim(w.ReferringDomain, "abcdefghijklmnopqrstuvwxyz0123456789.-") != ""):
		return nil, nil, invalid("/endUser/web/referringDomain", "invalid", "The referring domain must be %d to %d characters of a-z, 0-9, dot and hyphen.", minReferringDomain, maxReferringDomain)
	case len(w.DeviceIdentifier) > maxDeviceIdentifier:
		return nil, nil, invalid("/endUser/web/deviceIdentifier", "too_long", "The device identifier is longer than %d bytes.", maxDeviceIdentifier)
	}
	w.UserAgent = truncate(strings.ToValidUTF8(w.UserAgent, ""), maxUserAgent) // BankID asks for the first 256 characters
	return &w, nil, nil
}

// truncate cuts s to at most n bytes, between characters.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (c *Client) phoneRequest(r providers.StartRequest, t texts) (phoneRequest, error) {
	body := phoneRequest{PersonalNumber: r.Signer.Reveal(), texts: t}
	switch r.CallInitiator {
	case providers.CallByUser:
		body.CallInitiator = "user"
	case providers.CallByOwner:
		body.CallInitiator = "RP"
	default:
		return phoneRequest{}, invalid("/callInitiator", "required", "It must be said who called whom.")
	}
	if c.config.RequirePIN || len(c.config.CertificatePolicies) > 0 {
		body.Needs = &requirement{PINCode: c.config.RequirePIN, CertificatePolicies: c.config.CertificatePolicies}
	}
	return body, nil
}
