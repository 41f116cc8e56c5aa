package pki

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/fault"
)

const norwegianBank = "Simulated Norwegian Bank AS"

// NorwegianLeaf describes the signing certificate of a person with Norwegian
// BankID.
type NorwegianLeaf struct {
	NIN                string // eleven digits, a synthetic one; "" leaves it out of the certificate
	GivenName, Surname string
	Key                KeyKind // RSA-3072 or P-256, which is the default
}

type norwegianKey struct{ nin, name, key string }

// What Norwegian BankID puts into the certificate by which a person signs.
var (
	oidNorwegianNIN = asn1.ObjectIdentifier{2, 16, 578, 1, 61, 2, 4}
	oidQCStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	// ETSI EN 319 412-5 4.2.1, 4.2.2, 4.2.3: qualified, key in a device, for
	// electronic signatures.
	oidQCCompliance = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1}
	oidQCSSCD       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4}
	oidQCType       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6}
	oidQCTypeESign  = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 1}
	// ETSI EN 319 411-2 5.3: QCP-n-qscd.
	oidQCPNaturalQSCD = asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 2}
)

// NorwegianPerson returns the signing certificate for l, making it when it is
// new. The subject's serialNumber is the issuer's own name for the person and
// not the NIN, which is in an extension of its own; the status is found in a CRL.
func (p *PKI) NorwegianPerson(l NorwegianLeaf) (Identity, error) {
	if l.NIN != "" && !syntheticNIN(l.NIN) {
		return Identity{}, fault.New(fault.Invalid, "bad_nin", "That is no synthetic Norwegian national identity number: its month is raised by 80.")
	}
	id := norwegianKey{l.NIN, l.GivenName + " " + l.Surname, string(l.Key)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.norwegians[id]; ok && known.validAt(p.o.Clock()) {
		return known, nil
	}
	what, err := p.norwegianProfile(l)
	if err != nil {
		return Identity{}, err
	}
	made, err := p.issueFor(NorwegianCA, what, StatusCRL, l.Key, nil)
	if err != nil {
		return Identity{}, fmt.Errorf("Norwegian certificate: %w", err)
	}
	p.norwegians[id] = made
	return made, nil
}

func (p *PKI) norwegianProfile(l NorwegianLeaf) (profile, error) {
	statements, err := qualifiedStatements()
	if err != nil {
		return profile{}, err
	}
	extra := []pkix.Extension{{Id: oidQCStatements, Value: statements}}
	if l.NIN != "" {
		nin, err := asn1.MarshalWithParams(l.NIN, "printable")
		if err != nil {
			return profile{}, fmt.Errorf("encode NIN: %w", err)
		}
		extra = append(extra, pkix.Extension{Id: oidNorwegianNIN, Value: nin})
	}
	pseudonym, err := p.pseudonym(l)
	if err != nil {
		return profile{}, err
	}
	from := p.o.Clock().Add(-24 * time.Hour).Truncate(time.Second)
	return profile{
		subject: []attribute{
			{oidCountry, "NO"},
			{oidOrganisation, norwegianBank},
			{oidSurname, l.Surname},
			{oidGivenName, l.GivenName},
			{oidSerialNumber, "UN:NO-9578-4050-" + pseudonym},
			{oidCommonName, l.GivenName + " " + l.Surname},
		},
		notBefore: from, notAfter: from.Add(personLife), usage: x509.KeyUsageContentCommitment,
		policy: oidQCPNaturalQSCD, extra: extra,
	}, nil
}

// pseudonym is the issuer's name for a person, the same each time; only the
// issuer can tell whose it is.
func (p *PKI) pseudonym(l NorwegianLeaf) (string, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(p.norwegianCA.Key)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	h := hmac.New(sha256.New, secret)
	fmt.Fprintf(h, "%s\n%s\n%s", l.NIN, l.GivenName, l.Surname)
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil))[:9]), nil
}

func qualifiedStatements() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, oid := range []asn1.ObjectIdentifier{oidQCCompliance, oidQCSSCD} {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidQCType)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidQCTypeESign) })
		})
	})
	return b.Bytes()
}

// SyntheticNIN makes a Norwegian national identity number that nobody has: the
// month of birth is raised by 80, as Skatteetaten does for test persons. Each
// day has several; number counts them from 0, and there are at least 100.
func SyntheticNIN(day time.Time, number int) string {
	for individual := range 500 {
		nine := fmt.Sprintf("%02d%02d%02d%03d", day.Day(), int(day.Month())+80, day.Year()%100, individual)
		first, second, ok := ninChecks(nine)
		if !ok {
			continue
		}
		if number == 0 {
			return fmt.Sprintf("%s%d%d", nine, first, second)
		}
		number--
	}
	return ""
}

func syntheticNIN(nin string) bool {
	if len(nin) != 11 || strings.Trim(nin, "0123456789") != "" || nin[2:4] < "81" || nin[2:4] > "92" {
		return false
	}
	first, second, ok := ninChecks(nin[:9])
	return ok && nin[9] == '0'+first && nin[10] == '0'+second
}

// ninChecks computes the two check digits, modulo 11; some numbers have none
// and are never given out.
func ninChecks(nine string) (first, second byte, ok bool) {
	digit := func(digits string, weights ...int) byte {
		sum := 0
		for i, w := range weights {
			sum += w * int(digits[i]-'0')
		}
		return byte((11 - sum%11) % 11)
	}
	first = digit(nine, 3, 7, 6, 1, 8, 9, 4, 5, 2)
	if first == 10 {
		return 0, 0, false
	}
	second = digit(nine+string('0'+first), 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
	return first, second, second != 10
}
