package pdf

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The statements of a certificate for qualified electronic signatures (RFC 3739
// 3.2.6, ETSI EN 319 412-5 4.2).
var (
	oidQCStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	oidQCCompliance = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1} // it is a qualified certificate
	oidQCSSCD       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4} // its key is in a qualified device
	oidQCType       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6}
	oidQCTypeESign  = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 1} // for the signatures of persons
)

// Qualified reports whether a certificate says that signatures made with it are
// qualified ones. That its issuer may say so is for a trusted list to tell; here
// the operator vouches for the issuer.
func Qualified(c *x509.Certificate) bool {
	if c == nil {
		return false
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidQCStatements) {
			return qualified(e.Value)
		}
	}
	return false
}

func qualified(der cryptobyte.String) bool {
	var all, one cryptobyte.String
	if !der.ReadASN1(&all, cbasn1.SEQUENCE) || !der.Empty() {
		return false
	}
	compliant, device, forSignatures := false, false, true
	for !all.Empty() {
		var id asn1.ObjectIdentifier
		if !all.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) {
			return false
		}
		switch {
		case id.Equal(oidQCCompliance):
			compliant = true
		case id.Equal(oidQCSSCD):
			device = true
		case id.Equal(oidQCType): // without it, a signature's (4.2.3)
			types, ok := objectIdentifiers(one)
			forSignatures = ok && slices.ContainsFunc(types, oidQCTypeESign.Equal)
		}
	}
	return compliant && device && forSignatures
}

func objectIdentifiers(in cryptobyte.String) (all []asn1.ObjectIdentifier, ok bool) {
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, false
	}
	for !list.Empty() {
		var id asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&id) {
			return nil, false
		}
		all = append(all, id)
	}
	return all, true
}
