package bankid

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is what an order asks for, spelled as the path of its endpoint.
type kind string

const (
	auth      kind = "auth"
	sign      kind = "sign"
	phoneAuth kind = "phone/auth"
	phoneSign kind = "phone/sign"
)

func (k kind) phone() bool { return k == phoneAuth || k == phoneSign }
func (k kind) signs() bool { return k == sign || k == phoneSign }

// apiError is an answer of the Relying Party API other than 200.
type apiError struct {
	status        int
	code, details string
}

func (e *apiError) Error() string { return e.code + ": " + e.details }

func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "invalidParameters", fmt.Sprintf(format, args...)}
}

// request is a checked order request. The texts stay in the base64 that was
// sent, since that is what the signed XML repeats.
type request struct {
	EndUserIP      string      `json:"endUserIp,omitempty"`
	Visible        string      `json:"visible,omitempty"`
	NonVisible     string      `json:"nonVisible,omitempty"`
	Format         string      `json:"format,omitempty"`
	ReturnURL      string      `json:"returnUrl,omitempty"`
	ReturnRisk     bool        `json:"returnRisk,omitempty"`
	PersonalNumber string      `json:"personalNumber,omitempty"` // from the phone request or the requirement
	Requirement    requirement `json:"requirement"`
}

type requirement struct {
	PinCode    bool     `json:"pinCode,omitempty"`
	MRTD       bool     `json:"mrtd,omitempty"`
	CardReader string   `json:"cardReader,omitempty"`
	Policies   []string `json:"policies,omitempty"`
}

const simpleMarkdown = "simpleMarkdownV1"

// Limits of BankID's /auth and /sign pages, in characters of base64.
const (
	maxAuthText       = 1500
	maxSignVisible    = 40_000
	maxSignNonVisible = 200_000
	maxReturnURL      = 512
)

var (
	twelveDigits    = regexp.MustCompile(`^[0-9]{12}$`)
	referringDomain = regexp.MustCompile(`^[a-z0-9.-]{3,253}$`)
	// certificatePolicy is an OID, or the beginning of one and a single
	// wildcard, which BankID allows from the fifth position on.
	certificatePolicy = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3,}(\.\*)?$`)
)

// parseRequest checks an order request by every rule that BankID documents.
func parseRequest(k kind, body []byte) (request, *apiError) {
	m, err := readMembers(body)
	if err != nil {
		return request{}, err
	}
	var q request
	m.texts(&q, k)
	if k.phone() {
		m.phone(&q)
	} else {
		m.device(&q)
	}
	m.requirement(&q, k)
	m.refuseRest()
	if m.err != nil {
		return request{}, m.err
	}
	return q, nil
}

// members reads a JSON object with exact member names; it keeps the first
// error. BankID's answer to unknown members is not documented: they are refused
// so that a misspelt one is noticed, except in requirement, where new features
// appear before they are documented.
type members struct {
	path string
	raw  map[string]json.RawMessage
	err  *apiError
}

func readMembers(body []byte) (*members, *apiError) {
	m := &members{}
	if err := json.Unmarshal(body, &m.raw); err != nil || m.raw == nil {
		return nil, invalid("The body is not a JSON object")
	}
	return m, nil
}

func (m *members) fail(name, why string) {
	if m.err == nil {
		m.err = invalid("Invalid parameter %s%s: %s", m.path, name, why)
	}
}

// take decodes one member into to and reports whether it was there. JSON null
// counts as absent.
func (m *members) take(name string, to any) bool {
	raw, ok := m.raw[name]
	delete(m.raw, name)
	if !ok || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, to); err != nil {
		m.fail(name, "wrong type")
		return false
	}
	return true
}

func (m *members) text(name string, most int) string {
	var s string
	if m.take(name, &s) && (s == "" || utf8.RuneCountInString(s) > most) {
		m.fail(name, fmt.Sprintf("must have 1 to %d characters", most))
	}
	return s
}

func (m *members) oneOf(name string, allowed ...string) string {
	var s string
	if m.take(name, &s) && !slices.Contains(allowed, s) {
		m.fail(name, "must be one of "+strings.Join(allowed, ", "))
	}
	return s
}

func (m *members) object(name string) *members {
	sub := &members{path: m.path + name + "."}
	if !m.take(name, &sub.raw) {
		return nil
	}
	return sub
}

func (m *members) adopt(sub *members) {
	if m.err == nil {
		m.err = sub.err
	}
}

func (m *members) refuseRest() {
	for name := range m.raw {
		m.fail(name, "unknown")
	}
}

// encoded reads a base64 text and returns it as it was sent.
func (m *members) encoded(name string, most int) (text string, decoded []byte) {
	if !m.take(name, &text) {
		return "", nil
	}
	if len(text) < 1 || len(text) > most {
		m.fail(name, fmt.Sprintf("must have 1 to %d characters", most))
		return "", nil
	}
	// Go's decoder skips line breaks, and the signed XML repeats the text as is.
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		m.fail(name, "not base64")
	}
	return text, decoded
}

func (m *members) texts(q *request, k kind) {
	visible, nonVisible := maxAuthText, maxAuthText
	if k.signs() {
		visible, nonVisible = maxSignVisible, maxSignNonVisible
	}
	text, decoded := m.encoded("userVisibleData", visible)
	if text == "" && k.signs() {
		m.fail("userVisibleData", "required")
	}
	if !utf8.Valid(decoded) {
		m.fail("userVisibleData", "not UTF-8")
	}
	q.Visible = text
	q.NonVisible, _ = m.encoded("userNonVisibleData", nonVisible)
	q.Format = m.oneOf("userVisibleDataFormat", "plaintext", simpleMarkdown)
}

func (m *members) phone(q *request) {
	q.PersonalNumber = m.number("personalNumber")
	if q.PersonalNumber == "" {
		m.fail("personalNumber", "required")
	}
	if m.oneOf("callInitiator", "user", "RP") == "" {
		m.fail("callInitiator", "required")
	}
}

func (m *members) number(name string) string {
	var s string
	if m.take(name, &s) && !twelveDigits.MatchString(s) {
		m.fail(name, "must be 12 digits")
	}
	return s
}

func (m *members) device(q *request) {
	m.take("endUserIp", &q.EndUserIP)
	if ip, err := netip.ParseAddr(q.EndUserIP); err != nil || ip.Zone() != "" {
		m.fail("endUserIp", "must be an IPv4 or IPv6 address")
	}
	q.ReturnURL = m.text("returnUrl", maxReturnURL)
	m.take("returnRisk", &q.ReturnRisk)
	app, web := m.object("app"), m.object("web")
	if app != nil && web != nil {
		m.fail("app", "must not be used together with web")
	}
	if app != nil {
		m.some(app, "app")
		for _, name := range []string{"appIdentifier", "deviceOS", "deviceModelName", "deviceIdentifier"} {
			app.text(name, 256)
		}
		app.refuseRest()
		m.adopt(app)
	}
	if web != nil {
		m.some(web, "web")
		var domain string
		if web.take("referringDomain", &domain) && !referringDomain.MatchString(domain) {
			web.fail("referringDomain", "must be 3 to 253 of a-z, 0-9, '.' and '-'")
		}
		web.text("userAgent", 256)
		web.text("deviceIdentifier", 64)
		web.refuseRest()
		m.adopt(web)
	}
}

func (m *members) some(sub *members, name string) {
	if len(sub.raw) == 0 {
		m.fail(name, "must have at least one member")
	}
}

func (m *members) requirement(q *request, k kind) {
	r := m.object("requirement")
	if r == nil {
		return
	}
	r.take("pinCode", &q.Requirement.PinCode)
	r.take("certificatePolicies", &q.Requirement.Policies)
	for _, policy := range q.Requirement.Policies {
		if !certificatePolicy.MatchString(policy) {
			r.fail("certificatePolicies", "not a certificate policy")
		}
	}
	q.Requirement.CardReader = r.oneOf("cardReader", "class1", "class2")
	if !k.phone() {
		r.take("mrtd", &q.Requirement.MRTD)
		q.PersonalNumber = r.number("personalNumber")
	}
	m.adopt(r)
}

// parseReference reads the body of collect and cancel.
func parseReference(body []byte) (string, *apiError) {
	m, err := readMembers(body)
	if err != nil {
		return "", err
	}
	var ref string
	if !m.take("orderRef", &ref) {
		m.fail("orderRef", "required")
	}
	m.refuseRest()
	return ref, m.err
}
