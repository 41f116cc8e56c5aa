package bankidsig

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// attributeTypes maps the attribute names that occur in subjects of relying
// parties (RFC 4514 3, RFC 4519) to their object identifiers.
var attributeTypes = map[string]string{
	"cn": "2.5.4.3", "sn": "2.5.4.4", "serialnumber": "2.5.4.5", "c": "2.5.4.6", "l": "2.5.4.7", "st": "2.5.4.8",
	"street": "2.5.4.9", "o": "2.5.4.10", "ou": "2.5.4.11", "title": "2.5.4.12", "postalcode": "2.5.4.17",
	"name": "2.5.4.41", "givenname": "2.5.4.42", "organizationidentifier": "2.5.4.97",
	"uid": "0.9.2342.19200300.100.1.1", "dc": "0.9.2342.19200300.100.1.25",
}

// nameAttribute is one type and value of a distinguished name. Types compare as
// object identifiers, values exactly.
type nameAttribute struct {
	oid, value string
	joined     bool // belongs to the same relative name as the one before
}

var errName = errors.New("not a distinguished name as RFC 4514 writes it")

// sameName reports whether two distinguished names in RFC 4514 form are one.
func sameName(a, b string) (bool, error) {
	left, err := parseName(a)
	if err != nil {
		return false, err
	}
	right, err := parseName(b)
	if err != nil {
		return false, err
	}
	return slices.Equal(left, right), nil
}

func parseName(s string) ([]nameAttribute, error) {
	var name []nameAttribute
	joined := false
	for {
		kind, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, errName
		}
		kind = strings.ToLower(strings.TrimSpace(kind))
		if oid, known := attributeTypes[kind]; known {
			kind = oid
		} else if strings.Trim(kind, "0123456789.") != "" || kind == "" {
			return nil, errName
		}
		value, rest, err := parseNameValue(rest)
		if err != nil {
			return nil, err
		}
		name = append(name, nameAttribute{kind, value, joined})
		if rest == "" {
			return name, nil
		}
		joined = rest[0] == '+'
		s = rest[1:]
	}
}

// parseNameValue reads a value up to the next separator, which stays in rest
// (RFC 4514 2.4).
func parseNameValue(s string) (value, rest string, err error) {
	if strings.HasPrefix(s, "#") {
		return parseHexValue(s[1:])
	}
	var b strings.Builder
	i := 0
	for i < len(s) && s[i] != ',' && s[i] != '+' {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+2 < len(s) {
			if pair, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.Write(pair)
				i += 3
				continue
			}
		}
		if i+1 >= len(s) || !strings.ContainsRune(` #"+,;<>=\`, rune(s[i+1])) {
			return "", "", errName
		}
		b.WriteByte(s[i+1])
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		return "", "", errName
	}
	return b.String(), s[i:], nil
}

// parseHexValue reads the BER of a string type, the form for a type without name.
func parseHexValue(s string) (value, rest string, err error) {
	end := strings.IndexAny(s, ",+")
	if end < 0 {
		end = len(s)
	}
	der, err := hex.DecodeString(s[:end])
	if err != nil {
		return "", "", errName
	}
	var raw asn1.RawValue
	if trailing, err := asn1.Unmarshal(der, &raw); err != nil || len(trailing) > 0 {
		return "", "", errName
	}
	return string(raw.Bytes), s[end:], nil
}

// RelyingPartyName returns a certificate's subject as BankID writes a relying
// party's name into signatures: RFC 4514, most specific attribute first.
func RelyingPartyName(c *x509.Certificate) (string, error) {
	var sequence []asn1.RawValue
	if rest, err := asn1.Unmarshal(c.RawSubject, &sequence); err != nil || len(rest) > 0 {
		return "", fmt.Errorf("read subject: %w", errors.Join(err, errName))
	}
	var parts []string
	for _, set := range slices.Backward(sequence) {
		part, err := relativeName(set.FullBytes)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ","), nil
}

func relativeName(der []byte) (string, error) {
	var set []struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	if rest, err := asn1.UnmarshalWithParams(der, &set, "set"); err != nil || len(rest) > 0 {
		return "", fmt.Errorf("read subject: %w", errors.Join(err, errName))
	}
	var parts []string
	for _, a := range set {
		kind := a.Type.String()
		for name, oid := range attributeTypes {
			if oid == kind {
				kind = name
				break
			}
		}
		parts = append(parts, kind+"="+escapeName(string(a.Value.Bytes)))
	}
	return strings.Join(parts, "+"), nil
}

func escapeName(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune(`"+,;<>\`, r), r == '#' && i == 0, r == ' ' && (i == 0 || i == len(s)-1):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == 0:
			b.WriteString(`\00`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
