package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"
)

// Attribute types that crypto/x509/pkix does not write by itself (X.520, and
// RFC 5280 appendix A for "name").
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidOrganisation = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidName         = asn1.ObjectIdentifier{2, 5, 4, 41}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
	// oidOrganisationID is organizationIdentifier, which ETSI EN 319 412-3 4.2.1
	// asks for in a legal person's certificate.
	oidOrganisationID = asn1.ObjectIdentifier{2, 5, 4, 97}
)

type attribute struct {
	oid   asn1.ObjectIdentifier
	value string
}

// distinguishedName encodes attributes as one RDN each, in the order given:
// pkix.Name would reorder them, and BankID's order is part of what it signs.
func distinguishedName(attributes ...attribute) ([]byte, error) {
	var rdns pkix.RDNSequence
	for _, a := range attributes {
		if a.value != "" {
			rdns = append(rdns, pkix.RelativeDistinguishedNameSET{{Type: a.oid, Value: a.value}})
		}
	}
	return asn1.Marshal(rdns)
}

// subjectString writes a DER name as an RFC 4514 string the way BankID does in
// srvInfo: most specific attribute first, short names, "cn" and not "CN".
func subjectString(der []byte) (string, error) {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &rdns); err != nil {
		return "", err
	}
	keys := map[string]string{
		oidCommonName.String(): "cn", oidSurname.String(): "sn", oidSerialNumber.String(): "serialNumber",
		oidCountry.String(): "c", oidOrganisation.String(): "o", oidUnit.String(): "ou",
		oidName.String(): "name", oidGivenName.String(): "givenName",
	}
	var parts []string
	for _, rdn := range slices.Backward(rdns) {
		for _, a := range rdn {
			key, ok := keys[a.Type.String()]
			if !ok {
				key = a.Type.String()
			}
			value, _ := a.Value.(string)
			parts = append(parts, key+"="+escapeValue(value))
		}
	}
	return strings.Join(parts, ","), nil
}

// escapeValue applies RFC 4514 2.4.
func escapeValue(v string) string {
	var b strings.Builder
	for i, r := range v {
		switch {
		case strings.ContainsRune(`"+,;<>\`, r), r == '#' && i == 0, r == ' ' && (i == 0 || i == len(v)-1):
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
