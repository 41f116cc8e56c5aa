package cms

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	// ISO 32000-2 12.8.3.3.2: revocation information among the signed attributes.
	oidAdobeRevocation = asn1.ObjectIdentifier{1, 2, 840, 113583, 1, 1, 8}
	// RFC 5940 2.1: an OCSP response among the CRLs of a SignedData.
	oidOCSPResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 16, 2}
)

const maxArchived = 256

// readRevocation keeps what stands where CRLs stand, unparsed.
func (s *Signed) readRevocation(set cryptobyte.String) {
	for !set.Empty() && len(s.revocation) < maxArchived {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !set.ReadAnyASN1Element(&one, &tag) {
			return
		}
		s.revocation = append(s.revocation, one)
	}
}

// Revocation is all that the signature carries about the status of certificates:
// the CRLs and OCSP responses of the SignedData and those of Adobe's signed
// attribute. They are raw and speak for nothing before they are checked.
func (s *Signed) Revocation() (ocsp, crls [][]byte) {
	for _, one := range s.revocation {
		if one.PeekASN1Tag(cbasn1.SEQUENCE) {
			crls = append(crls, one)
			continue
		}
		var other cryptobyte.String
		var oid asn1.ObjectIdentifier
		if one.ReadASN1(&other, explicit(1)) && other.ReadASN1ObjectIdentifier(&oid) && oid.Equal(oidOCSPResponse) {
			ocsp = append(ocsp, other)
		}
	}
	in := cryptobyte.String(s.attrs[oidAdobeRevocation.String()])
	var archive, list cryptobyte.String
	if !in.ReadASN1(&archive, cbasn1.SEQUENCE) {
		return ocsp, crls
	}
	var present bool
	if archive.ReadOptionalASN1(&list, &present, explicit(0)) && present {
		crls = append(crls, sequenceOf(list)...)
	}
	if archive.ReadOptionalASN1(&list, &present, explicit(1)) && present {
		ocsp = append(ocsp, sequenceOf(list)...)
	}
	return ocsp, crls
}

func sequenceOf(in cryptobyte.String) [][]byte {
	var list cryptobyte.String
	var all [][]byte
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil
	}
	for !list.Empty() && len(all) < maxArchived {
		var one cryptobyte.String
		if !list.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			break
		}
		all = append(all, one)
	}
	return all
}
