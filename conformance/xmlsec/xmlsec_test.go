package xmlsec

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/signing"
	simulated "github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

// both are the methods, each with the texts that BankID takes for it.
var both = map[string]ask{
	"signature":      {method: signing.MethodBankIDSE, person: tolvan, text: "# Underskrift\n\n+ Avtal", manifest: `{"version":"handslag-manifest-1"}`},
	"identification": {method: signing.MethodBankIDSEIdentify, person: tolvan, text: "Jag legitimerar mig.", manifest: `{"version":"handslag-manifest-1"}`},
}

func TestGoodDocuments(t *testing.T) {
	w := newWorld(t)
	for name, a := range both {
		long := strings.Repeat("å", 500)
		if name == "signature" {
			long = strings.Repeat("å", 15_000)
		}
		for what, text := range map[string]string{
			"a text": a.text, "markup and line ends": "a < b && c > \"d\"\r\n\t'e'\r", "a long text": long, "beyond the BMP": "🤝\u00a0\u2028\u0000",
		} {
			t.Run(name+" with "+what, func(t *testing.T) {
				changed := a
				changed.text = text
				if what == "a long text" && name == "signature" {
					changed.manifest = strings.Repeat("x", 150_000)
				}
				d := (&world{t, w.tool, w.dir, w.app, w.client, w.trust}).document(changed)
				accepted, out := w.xmlsec(d)
				require.True(t, accepted, out)
				require.Empty(t, w.ours(d))
			})
		}
	}
}

// What BankID, or somebody in its place, made wrong.
func TestForgedDocuments(t *testing.T) {
	w := newWorld(t)
	for name, a := range both {
		for fault, row := range map[faults.Kind]struct {
			xmlsec bool
			ours   bankidsig.Reason
			why    string // where the two differ
		}{
			simulated.TamperedText:     {false, bankidsig.BadDigest, ""},
			simulated.ExpiredLeaf:      {false, bankidsig.NotValidWhenSigned, ""},
			simulated.WrappedSignature: {false, bankidsig.UnexpectedStructure, ""},
			simulated.RSASHA1:          {true, bankidsig.BadAlgorithm, "the profile of 2010 allows SHA-1, and we do not"},
			simulated.RevokedLeaf:      {true, bankidsig.OCSPNotGood, "xmlsec1 asks nobody about revocation"},
			simulated.MissingOCSP:      {true, bankidsig.OCSPMissing, "xmlsec1 asks nobody about revocation"},
			simulated.OtherFunction:    {true, otherFunction[name], "xmlsec1 does not know what a person was asked to do"},
			// These are sound signatures; that they are not the ones that were asked
			// for is seen by whoever expects something of them.
			simulated.OtherText:   {true, "", ""},
			simulated.OtherRP:     {true, "", ""},
			simulated.OtherPerson: {true, "", ""},
			simulated.WrongNonce:  {true, "", ""},
		} {
			t.Run(name+" "+string(fault), func(t *testing.T) {
				a.fault = fault
				d := w.document(a)
				accepted, out := w.xmlsec(d)
				require.Equal(t, row.xmlsec, accepted, out)
				require.Equal(t, row.ours, w.ours(d))
				require.Equal(t, row.why != "", accepted != (row.ours == ""), "a disagreement needs a reason, and nothing else does")
			})
		}
	}
}

var otherFunction = map[string]bankidsig.Reason{"signature": bankidsig.NotASignature, "identification": bankidsig.NotAnIdentification}

// What became of a sound document on its way. The declaration is no part of what is
// signed, and may be another.
func TestSpoiltDocuments(t *testing.T) {
	w := newWorld(t)
	for name, a := range both {
		good := w.document(a)
		a.person = other
		another := w.document(a)
		for what, row := range spoils(t, good.xml, another.xml) {
			t.Run(name+" with "+what, func(t *testing.T) {
				d := good
				d.xml = row.xml
				require.NotEqual(t, good.xml, d.xml)
				accepted, out := w.xmlsec(d)
				require.Equal(t, row.xmlsec, accepted, out)
				reason := w.ours(d)
				require.Equal(t, row.ours, reason == "", "%s", reason)
				if accepted && !row.ours {
					require.Contains(t, []bankidsig.Reason{bankidsig.UnexpectedStructure, bankidsig.DuplicateID, bankidsig.Malformed}, reason,
						"what is a valid signature of the same content may be refused for its form only")
				}
			})
		}
	}
}

type spoilt struct {
	xml    string
	xmlsec bool // whether it is a valid XML Signature of the same content all the same
	ours   bool // whether it has BankID's form as well
}

// part returns an element with its text, by name.
func part(t *testing.T, xml, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<` + name + `[ >].*?</` + name + `>`).FindString(xml)
	require.NotEmpty(t, found, name)
	return found
}

func spoils(t *testing.T, xml, another string) map[string]spoilt {
	t.Helper()
	replace := func(old, by string, valid bool) spoilt {
		require.Contains(t, xml, old)
		return spoilt{strings.Replace(xml, old, by, 1), valid, false}
	}
	swap := func(name string) spoilt { return replace(part(t, xml, name), part(t, another, name), false) }
	inText := part(t, xml, "usrVisibleData")
	leaf := part(t, xml, "X509Certificate")
	return map[string]spoilt{
		"another text":             replace(inText, strings.Replace(inText, ">", ">QQ==", 1), false),
		"another function":         replace("<funcId>", "<funcId>X", false),
		"another person's data":    swap("bankIdSignedData"),
		"another person's keys":    swap("KeyInfo"),
		"another person's info":    swap("SignedInfo"),
		"another person's value":   swap("SignatureValue"),
		"another person's leaf":    swap("X509Certificate"),
		"no leaf":                  replace(leaf, "", false),
		"the leaf twice":           replace(leaf, leaf+leaf, false),
		"no signed data":           replace(part(t, xml, "bankIdSignedData"), "", false),
		"a text that is not shown": replace(`visible="wysiwys"`, `visible="hidden"`, false),
		"a space in the data":      replace("<srvInfo>", " <srvInfo>", false),
		"a comment in the text":    replace("</usrVisibleData>", "<!-- x --></usrVisibleData>", true),
		"single quotes":            replace(`Id="bidSignedData"`, `Id='bidSignedData'`, true),
		"a space in a tag":         replace("</SignatureValue>", "</SignatureValue >", true),
		"attributes in any order":  replace(inText[:strings.Index(inText, ">")], reversed(inText[:strings.Index(inText, ">")]), true),
		"a character reference":    replace("<funcId>", "<funcId>&#"+"83;", false),
		"a written-out character":  {regexp.MustCompile(`<funcId>(.)`).ReplaceAllStringFunc(xml, written), true, false},
		"a comment before all":     replace("<Signature ", "<!-- x --><Signature ", true),
		"a line end in the value":  replace("</SignatureValue>", "\n</SignatureValue>", true),
		"a space between elements": replace("<Object>", " <Object>", true),
		"an Object before":         replace("<Object>", "<Object></Object><Object>", true),
		"another declaration":      {strings.Replace(xml, ` standalone="no"`, "", 1), true, true},
		"no declaration":           {strings.TrimPrefix(xml, `<?xml version="1.0" encoding="UTF-8" standalone="no"?>`), true, true},
		"no end":                   replace("</Signature>", "", false),
		"two documents":            {xml + xml, false, false},
		"nothing":                  {"", false, false},
		"a reference less":         replace(part(t, xml, "Reference"), "", false),
		"another Id":               replace(`Id="bidSignedData"`, `Id="bidSignedDatA"`, false),
		"another digest":           replace("<DigestValue>", "<DigestValue>AAAA", false),
		"another algorithm":        replace("xmldsig-more#rsa-sha256", "xmldsig-more#rsa-sha512", false),
		"no canonical form":        replace("REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments", false),
		"a doctype":                replace("<Signature ", "<!DOCTYPE Signature []><Signature ", true),
	}
}

// reversed turns the attributes of a start tag round.
func reversed(tag string) string {
	words := strings.Fields(tag)
	slices.Reverse(words[1:])
	return strings.Join(words, " ")
}

// written writes the character after <funcId> as a reference to it.
func written(tag string) string {
	last := tag[len(tag)-1]
	return tag[:len(tag)-1] + map[byte]string{'S': "&#83;", 'I': "&#73;"}[last]
}

// Bytes changed one at a time, all over the document: whatever we accept xmlsec1
// accepts, and what it accepts we refuse for its form alone.
func TestChangedBytes(t *testing.T) {
	w := newWorld(t)
	for name, a := range both {
		good := w.document(a)
		tally := map[string]int{}
		for i := 0; i < len(good.xml); i += 101 {
			changed := []byte(good.xml)
			changed[i] ^= 1 << (i % 7)
			d := good
			d.xml = string(changed)
			accepted, out := w.xmlsec(d)
			reason := w.ours(d)
			require.NotEmpty(t, reason, "byte %d was changed and we accept it", i)
			if accepted {
				require.Contains(t, []bankidsig.Reason{bankidsig.UnexpectedStructure, bankidsig.Malformed}, reason, "byte %d: %s", i, out)
				tally["xmlsec1 accepts: "+string(reason)]++
				continue
			}
			tally["both refuse: "+string(reason)]++
		}
		for _, k := range slices.Sorted(maps.Keys(tally)) {
			t.Logf("%s: %s: %d", name, k, tally[k])
		}
	}
}

// The signature that BankID publishes, where it is at hand: an identification of
// its test environment.
func TestPublishedSignature(t *testing.T) {
	dir := os.Getenv("HANDSLAG_BANKID_VECTORS")
	if dir == "" {
		t.Skip("HANDSLAG_BANKID_VECTORS is not set: the signature that BankID publishes is not checked")
	}
	w := newWorld(t)
	encoded, err := os.ReadFile(filepath.Join(dir, "signature-sample.b64"))
	require.NoError(t, err)
	root, err := os.ReadFile(filepath.Join(dir, "test-root-ca.pem"))
	require.NoError(t, err)
	w.write("root.pem", root)
	w.trust, err = bankidsig.ParseAnchors(bankidsig.Test, root)
	require.NoError(t, err)
	xml, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(encoded)))
	require.NoError(t, err)
	for at, valid := range map[time.Time]bool{
		time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC): true, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC): false,
	} {
		accepted, out := w.xmlsec(document{xml: string(xml), at: at})
		require.Equal(t, valid, accepted, out)
		_, err := bankidsig.Verify(bankidsig.Input{
			Signature: base64.StdEncoding.EncodeToString(xml), Time: at,
			Mode: bankidsig.Mode{Identification: true, AllowMissingOCSP: true},
		}, w.trust)
		require.Equal(t, valid, err == nil, "%v", err)
	}
}
