package revocation

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxCRL bounds one list; a national authority's full one is 1 to 15 MB.
const maxCRL = 16 << 20

var (
	oidIssuingPoint   = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidExpiredOnList  = asn1.ObjectIdentifier{2, 5, 29, 60}
	oidAuthorityKeyID = asn1.ObjectIdentifier{2, 5, 29, 35}
)

// list is a CertificateList (RFC 5280 5.1). Its entries stay as they came.
type list struct {
	signed
	raw        []byte
	issuer     []byte // raw name
	thisUpdate time.Time
	nextUpdate time.Time
	entries    cryptobyte.String
	keptSince  time.Time // expiredCertsOnCRL (X.509 9.5.2.8)
	scope      scope
	unknown    bool // has a critical extension that is not understood
}

// scope is an IssuingDistributionPoint (RFC 5280 5.2.5).
type scope struct {
	points     []string
	named      bool // restricted to a distribution point
	onlyUsers  bool
	onlyCAs    bool
	incomplete bool // some reasons, indirect, attribute certificates
}

func parseCRL(der []byte) (*list, error) {
	in := cryptobyte.String(der)
	var outer, tbs, algorithm cryptobyte.String
	if len(der) > maxCRL || !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() ||
		!outer.ReadASN1Element(&tbs, cbasn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) {
		return nil, errMalformed
	}
	l := &list{raw: der}
	l.tbs, l.algorithm = tbs, algorithm
	var ok bool
	if l.signature, ok = bits(&outer); !ok || !outer.Empty() || !l.read(tbs, algorithm) {
		return nil, errMalformed
	}
	return l, nil
}

func (l *list) read(in, outerAlgorithm cryptobyte.String) bool {
	var tbs, algorithm, issuer cryptobyte.String
	var version int
	if !in.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return false
	}
	if tbs.PeekASN1Tag(cbasn1.INTEGER) && (!tbs.ReadASN1Integer(&version) || version != 1) {
		return false
	}
	// 5.1.1.2: the algorithm inside is the one outside.
	if !tbs.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !bytes.Equal(algorithm, outerAlgorithm) ||
		!tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !instant(&tbs, &l.thisUpdate) {
		return false
	}
	l.issuer = issuer
	if (tbs.PeekASN1Tag(cbasn1.UTCTime) || tbs.PeekASN1Tag(cbasn1.GeneralizedTime)) && !instant(&tbs, &l.nextUpdate) {
		return false
	}
	if tbs.PeekASN1Tag(cbasn1.SEQUENCE) && !tbs.ReadASN1(&l.entries, cbasn1.SEQUENCE) {
		return false
	}
	var wrapped cryptobyte.String
	var present bool
	if !tbs.ReadOptionalASN1(&wrapped, &present, explicit(0)) || !tbs.Empty() {
		return false
	}
	if !present {
		return true
	}
	all, ok := extensions(&wrapped)
	return ok && wrapped.Empty() && version == 1 && l.readExtensions(all)
}

func (l *list) readExtensions(all []extension) bool {
	for _, e := range all {
		switch {
		case e.id.Equal(oidIssuingPoint):
			if !l.scope.read(e.value) {
				return false
			}
		case e.id.Equal(oidExpiredOnList):
			if !e.value.ReadASN1GeneralizedTime(&l.keptSince) || !e.value.Empty() {
				return false
			}
		case e.id.Equal(oidAuthorityKeyID):
		default: // a delta list among them: its indicator is critical (5.2.4)
			l.unknown = l.unknown || e.critical
		}
	}
	return true
}

func (s *scope) read(in cryptobyte.String) bool {
	var body, point, reasons cryptobyte.String
	var attributes, indirect, someReasons bool
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() || !body.ReadOptionalASN1(&point, &s.named, explicit(0)) {
		return false
	}
	if s.named && !s.readPoint(point) {
		return false
	}
	if !readFlag(&body, 1, &s.onlyUsers) || !readFlag(&body, 2, &s.onlyCAs) ||
		!body.ReadOptionalASN1(&reasons, &someReasons, cbasn1.Tag(3).ContextSpecific()) ||
		!readFlag(&body, 4, &indirect) || !readFlag(&body, 5, &attributes) {
		return false
	}
	s.incomplete = attributes || indirect || someReasons
	return body.Empty()
}

// readFlag reads an optional implicit BOOLEAN.
func readFlag(in *cryptobyte.String, tag uint8, to *bool) bool {
	var body cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&body, &present, cbasn1.Tag(tag).ContextSpecific()) {
		return false
	}
	if !present {
		return true
	}
	*to = len(body) == 1 && body[0] == 0xff
	return len(body) == 1 && (body[0] == 0 || body[0] == 0xff)
}

// readPoint collects the addresses of a DistributionPointName. Other forms of
// name match no certificate.
func (s *scope) readPoint(in cryptobyte.String) bool {
	if !in.PeekASN1Tag(explicit(0)) {
		return true // relative to the issuer's name: matches nothing
	}
	var names cryptobyte.String
	if !in.ReadASN1(&names, explicit(0)) || !in.Empty() {
		return false
	}
	for !names.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !names.ReadAnyASN1(&one, &tag) {
			return false
		}
		if tag == cbasn1.Tag(6).ContextSpecific() {
			s.points = append(s.points, string(one))
		}
	}
	return true
}

// covers reports whether the list would name c if it were revoked (6.3.3 b).
func (s *scope) covers(c *x509.Certificate) bool {
	if s.incomplete || s.onlyUsers && c.IsCA || s.onlyCAs && !c.IsCA {
		return false
	}
	return !s.named || slices.ContainsFunc(s.points, func(p string) bool { return slices.Contains(c.CRLDistributionPoints, p) })
}

// find looks a serial number up. ok is false when an entry is malformed or has a
// critical extension that is not understood: then the list must not be used for
// any certificate (5.3).
func (l *list) find(c *x509.Certificate) (s statement, ok bool) {
	s = statement{status: Good, thisUpdate: l.thisUpdate, nextUpdate: l.nextUpdate, keptSince: l.keptSince}
	wanted, err := asn1.Marshal(c.SerialNumber)
	if err != nil {
		return s, false
	}
	for rest := l.entries; !rest.Empty(); {
		var entry, serial cryptobyte.String
		var when time.Time
		if !rest.ReadASN1(&entry, cbasn1.SEQUENCE) || !entry.ReadASN1Element(&serial, cbasn1.INTEGER) {
			return s, false
		}
		match := bytes.Equal(serial, wanted)
		if !match && len(entry) <= longestTime {
			continue // nothing but a date, of somebody else
		}
		if !instant(&entry, &when) {
			return s, false
		}
		reason, sound := entryReason(&entry)
		if !sound {
			return s, false
		}
		if match && s.status == Good {
			s.status, s.revokedAt, s.reason = Revoked, when, reason
		}
	}
	return s, true
}

const longestTime = 17 // a GeneralizedTime with its header

func entryReason(in *cryptobyte.String) (reason int, ok bool) {
	if in.Empty() {
		return 0, true
	}
	all, ok := extensions(in)
	if !ok || !in.Empty() {
		return 0, false
	}
	for _, e := range all {
		switch {
		case e.id.Equal(oidReason):
			if !e.value.ReadASN1Enum(&reason) {
				return 0, false
			}
		case e.critical: // certificateIssuer of an indirect list, or unknown
			return 0, false
		}
	}
	return reason, true
}
