package simulator_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/pki"
)

// encodedLength returns a base64 text of exactly n characters; n is a multiple of 4.
func encodedLength(n int) string { return b64(strings.Repeat("a", n/4*3)) }

func TestRequestRules(t *testing.T) {
	s := start(t, "")
	without := func(name string) object {
		body := signBody(nil)
		delete(body, name)
		return body
	}
	phone := func(more object) object {
		body := phoneBody(tolvan)
		maps.Copy(body, more)
		return body
	}
	for name, row := range map[string]struct {
		endpoint string
		body     any
		refusal  string // a part of details; empty is accepted
	}{
		"least sign":                 {"sign", signBody(nil), ""},
		"least auth":                 {"auth", object{"endUserIp": "192.0.2.1"}, ""},
		"not JSON":                   {"sign", []byte("endUserIp=192.0.2.1"), "not a JSON object"},
		"an array":                   {"sign", []byte("[]"), "not a JSON object"},
		"null":                       {"sign", []byte("null"), "not a JSON object"},
		"two objects":                {"sign", []byte("{}{}"), "not a JSON object"},
		"unknown member":             {"sign", signBody(object{"personalNumber": tolvan}), "personalNumber: unknown"},
		"misspelt case":              {"sign", signBody(object{"ReturnRisk": true}), "ReturnRisk: unknown"},
		"no IP":                      {"sign", without("endUserIp"), "endUserIp"},
		"IP is a name":               {"sign", signBody(object{"endUserIp": "localhost"}), "endUserIp"},
		"IP with port":               {"sign", signBody(object{"endUserIp": "192.0.2.1:80"}), "endUserIp"},
		"IP with zone":               {"sign", signBody(object{"endUserIp": "fe80::1%eth0"}), "endUserIp"},
		"IP is a number":             {"sign", signBody(object{"endUserIp": 1}), "endUserIp: wrong type"},
		"IPv6":                       {"sign", signBody(object{"endUserIp": "2001:db8::1"}), ""},
		"sign without text":          {"sign", without("userVisibleData"), "userVisibleData: required"},
		"empty text":                 {"sign", signBody(object{"userVisibleData": ""}), "userVisibleData"},
		"text is not base64":         {"sign", signBody(object{"userVisibleData": "Jag!"}), "not base64"},
		"base64 with line break":     {"sign", signBody(object{"userVisibleData": "SmFn\nSmFn"}), "not base64"},
		"base64 without padding":     {"sign", signBody(object{"userVisibleData": "SmE"}), "not base64"},
		"base64 with loose bits":     {"sign", signBody(object{"userVisibleData": "SmF="}), "not base64"},
		"text is not UTF-8":          {"sign", signBody(object{"userVisibleData": "/////w=="}), "not UTF-8"},
		"non-visible need not be":    {"sign", signBody(object{"userNonVisibleData": "/////w=="}), ""},
		"longest sign text":          {"sign", signBody(object{"userVisibleData": encodedLength(40_000)}), ""},
		"sign text too long":         {"sign", signBody(object{"userVisibleData": encodedLength(40_004)}), "userVisibleData"},
		"longest non-visible":        {"sign", signBody(object{"userNonVisibleData": encodedLength(200_000)}), ""},
		"non-visible too long":       {"sign", signBody(object{"userNonVisibleData": encodedLength(200_004)}), "userNonVisibleData"},
		"longest auth text":          {"auth", object{"endUserIp": "192.0.2.1", "userVisibleData": encodedLength(1500)}, ""},
		"auth text too long":         {"auth", object{"endUserIp": "192.0.2.1", "userVisibleData": encodedLength(1504)}, "userVisibleData"},
		"auth non-visible too long":  {"auth", object{"endUserIp": "192.0.2.1", "userNonVisibleData": encodedLength(1504)}, "userNonVisibleData"},
		"body too large":             {"sign", signBody(object{"userNonVisibleData": encodedLength(600_000)}), "too large"},
		"plaintext":                  {"sign", signBody(object{"userVisibleDataFormat": "plaintext"}), ""},
		"markdown":                   {"sign", signBody(object{"userVisibleDataFormat": "simpleMarkdownV1"}), ""},
		"unknown format":             {"sign", signBody(object{"userVisibleDataFormat": "html"}), "userVisibleDataFormat"},
		"longest return URL":         {"sign", signBody(object{"returnUrl": "https://" + strings.Repeat("a", 504)}), ""},
		"return URL too long":        {"sign", signBody(object{"returnUrl": "https://" + strings.Repeat("a", 505)}), "returnUrl"},
		"risk is not a flag":         {"sign", signBody(object{"returnRisk": "yes"}), "returnRisk"},
		"app and web":                {"sign", signBody(object{"app": object{"deviceOS": "IOS 18"}, "web": object{"userAgent": "x"}}), "together"},
		"app":                        {"sign", signBody(object{"app": object{"appIdentifier": "com.example", "deviceOS": "IOS 18", "deviceModelName": "x", "deviceIdentifier": "y"}}), ""},
		"empty app":                  {"sign", signBody(object{"app": object{}}), "app"},
		"empty web":                  {"sign", signBody(object{"web": object{}}), "web"},
		"web":                        {"sign", signBody(object{"web": object{"referringDomain": "xn--rksmrgs-5wao1o.se", "userAgent": "Mozilla", "deviceIdentifier": "abc"}}), ""},
		"web domain not punycode":    {"sign", signBody(object{"web": object{"referringDomain": "räksmörgås.se"}}), "web.referringDomain"},
		"web domain too short":       {"sign", signBody(object{"web": object{"referringDomain": "se"}}), "web.referringDomain"},
		"web user agent too long":    {"sign", signBody(object{"web": object{"userAgent": strings.Repeat("a", 257)}}), "web.userAgent"},
		"web identifier too long":    {"sign", signBody(object{"web": object{"deviceIdentifier": strings.Repeat("a", 65)}}), "web.deviceIdentifier"},
		"web unknown member":         {"sign", signBody(object{"web": object{"cookie": "a"}}), "web.cookie: unknown"},
		"requirement":                {"sign", signBody(object{"requirement": object{"pinCode": true, "mrtd": false, "cardReader": "class1", "certificatePolicies": []string{"1.2.752.78.*"}, "personalNumber": tolvan}}), ""},
		"requirement grows":          {"sign", signBody(object{"requirement": object{"faceScan": true}}), ""},
		"requirement not an object":  {"sign", signBody(object{"requirement": "pinCode"}), "requirement: wrong type"},
		"pinCode not a flag":         {"sign", signBody(object{"requirement": object{"pinCode": "yes"}}), "requirement.pinCode"},
		"unknown card reader":        {"sign", signBody(object{"requirement": object{"cardReader": "class3"}}), "requirement.cardReader"},
		"early wildcard":             {"sign", signBody(object{"requirement": object{"certificatePolicies": []string{"1.2.*"}}}), "requirement.certificatePolicies"},
		"inner wildcard":             {"sign", signBody(object{"requirement": object{"certificatePolicies": []string{"1.2.*.78.1.5"}}}), "requirement.certificatePolicies"},
		"number of ten digits":       {"sign", signBody(object{"requirement": object{"personalNumber": "1212121212"}}), "requirement.personalNumber"},
		"number with a dash":         {"sign", signBody(object{"requirement": object{"personalNumber": "19121212-1212"}}), "requirement.personalNumber"},
		"phone":                      {"phone/sign", phone(nil), ""},
		"phone called by us":         {"phone/sign", phone(object{"callInitiator": "RP"}), ""},
		"phone wrong case":           {"phone/sign", phone(object{"callInitiator": "rp"}), "callInitiator"},
		"phone no initiator":         {"phone/sign", phone(object{"callInitiator": nil}), "callInitiator: required"},
		"phone no number":            {"phone/sign", phone(object{"personalNumber": nil}), "personalNumber: required"},
		"phone wrong number":         {"phone/sign", phone(object{"personalNumber": "123"}), "personalNumber"},
		"phone with an IP":           {"phone/sign", phone(object{"endUserIp": "192.0.2.1"}), "endUserIp: unknown"},
		"phone sign without text":    {"phone/sign", phone(object{"userVisibleData": nil}), "userVisibleData: required"},
		"phone auth without text":    {"phone/auth", object{"personalNumber": tolvan, "callInitiator": "RP"}, ""},
		"phone requirement":          {"phone/auth", phone(object{"requirement": object{"pinCode": true}}), ""},
		"collect unknown":            {"collect", object{"orderRef": "131daac9-16c6-4618-beb0-365768f37288"}, "No such order"},
		"collect nothing":            {"collect", object{}, "orderRef: required"},
		"cancel unknown":             {"cancel", object{"orderRef": "x"}, "No such order"},
		"cancel with unknown member": {"cancel", object{"orderRef": "x", "why": "y"}, "why: unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			s.clock.Advance(orderLife) // a phone order of another row is over
			code, answer := s.post(row.endpoint, row.body)
			if row.refusal == "" {
				require.Equal(t, http.StatusOK, code, answer)
				return
			}
			require.Equal(t, http.StatusBadRequest, code, answer)
			require.Equal(t, "invalidParameters", answer["errorCode"])
			require.Contains(t, answer["details"], row.refusal)
		})
	}
}

func TestTransportRules(t *testing.T) {
	s := start(t, "")
	other, err := pki.Create(pki.Options{Clock: s.clock.Now, Entropy: rand.Reader, CAKeyBits: 2048})
	require.NoError(t, err)
	strangers := s.client(other.RP())
	nobody := s.client(s.pki.RP())
	nobody.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
	server := s.client(s.pki.RP())
	server.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{s.pki.Seal().TLS()}
	body := `{"endUserIp":"192.0.2.1"}`
	for name, row := range map[string]struct {
		client                          *http.Client
		method, path, contentType, body string
		status                          int
		errorCode                       string // empty is a page
	}{
		"JSON":                 {s.rp, "POST", "auth", "application/json", body, 200, ""},
		"health check":         {s.rp, "GET", "auth", "", "", 405, "methodNotAllowed"},
		"put":                  {s.rp, "PUT", "collect", "application/json", body, 405, "methodNotAllowed"},
		"charset":              {s.rp, "POST", "auth", "application/json; charset=utf-8", body, 415, "unsupportedMediaType"},
		"form":                 {s.rp, "POST", "auth", "application/x-www-form-urlencoded", "a=b", 415, "unsupportedMediaType"},
		"no content type":      {s.rp, "POST", "auth", "", body, 415, "unsupportedMediaType"},
		"unknown path":         {s.rp, "POST", "authenticate", "application/json", body, 404, "notFound"},
		"payment":              {s.rp, "POST", "payment", "application/json", body, 404, "notFound"},
		"another version":      {s.rp, "POST", "../v5.1/auth", "application/json", body, 404, "notFound"},
		"GET of unknown path":  {s.rp, "GET", "health", "", "", 404, "notFound"},
		"no certificate":       {nobody, "POST", "auth", "application/json", body, 403, ""},
		"unknown issuer":       {strangers, "POST", "auth", "application/json", body, 403, ""},
		"not a client's usage": {server, "POST", "auth", "application/json", body, 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), row.method, s.url+row.path, strings.NewReader(row.body))
			require.NoError(t, err)
			if row.contentType != "" {
				r.Header.Set("Content-Type", row.contentType)
			}
			answer, err := row.client.Do(r)
			require.NoError(t, err)
			content, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, row.status, answer.StatusCode, string(content))
			switch {
			case row.status == 403:
				require.Equal(t, "text/html", answer.Header.Get("Content-Type"))
				require.True(t, bytes.HasPrefix(content, []byte("<html>")))
			case row.errorCode != "":
				require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
				require.Contains(t, string(content), `"errorCode":"`+row.errorCode+`"`)
			}
		})
	}
}

func TestStrangersServerIsRefused(t *testing.T) {
	s := start(t, "")
	c := s.client(s.pki.RP())
	c.Transport.(*http.Transport).TLSClientConfig.RootCAs = nil
	_, _, err := s.try(c, "auth", object{"endUserIp": "192.0.2.1"})
	require.ErrorContains(t, err, "certificate")
}

func TestOrdersBelongToTheirRelyingParty(t *testing.T) {
	s := start(t, "")
	id, err := s.pki.IssueRP(pki.RPSubject{CommonName: "Another", Name: "Another", OrganisationNumber: "5560000000"})
	require.NoError(t, err)
	another := s.client(id)
	o := s.order("sign", signBody(nil))
	for _, endpoint := range []string{"collect", "cancel"} {
		code, answer, err := s.try(another, endpoint, object{"orderRef": o.ref})
		require.NoError(t, err)
		require.Equal(t, 400, code)
		require.Equal(t, "No such order", answer["details"])
	}
	_, hint := s.collect(o.ref)
	require.Equal(t, "outstandingTransaction", hint)
}
