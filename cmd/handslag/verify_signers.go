package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf"
)

// printSigners prints each participant's part, the kinds apart: nothing but a
// signature is called one.
func printSigners(b *strings.Builder, r *evidence.Report) {
	for _, list := range []struct {
		word string
		of   []evidence.Signer
	}{{"Signer  ", r.Signers}, {"Stated  ", r.Statements}, {"Consent ", r.Consents}, {"Related ", r.Processes}} {
		for _, s := range list.of {
			fmt.Fprintf(b, "\n  %s %s  %s\n", list.word, orUnknown(s.Name.Reveal()), s.PersonalNumber)
			printPart(b, s)
		}
	}
	if r.CompleteBy == evidence.BySeal {
		b.WriteString("\n  Complete the seal alone says who had to sign, and that nobody is missing\n")
	}
}

func printPart(b *strings.Builder, s evidence.Signer) {
	if s.Title != "" {
		verb := "signed  "
		if s.Kind == evidence.KindConsent {
			verb = "approved"
		}
		fmt.Fprintf(b, "    %s %q%s%s\n", verb, s.Title.Reveal(), ofRevision(s), forWhom(s))
	}
	if s.Organisation != "" {
		fmt.Fprintf(b, "    behalf   of %s (stated by the seal)\n", s.Organisation)
	}
	if !s.SignedAt.IsZero() {
		fmt.Fprintf(b, "    at       %s (stated by %s)\n", s.SignedAt.UTC().Format(time.RFC3339), timeSource(s))
	}
	if !s.ConsentedAt.IsZero() {
		fmt.Fprintf(b, "    consent  %s (stated by the seal)\n", s.ConsentedAt.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(b, "    method   %s at %s, %s\n", s.Method, orUnknown(s.Provider), orUnknown(string(s.Assurance)))
	if s.Level != "" {
		fmt.Fprintf(b, "    level    %s, made revision %d of the document\n", levelName(s.Level), s.Revision)
	}
	fmt.Fprintf(b, "    verdict  %s\n", standing(s))
}

// standing is the verdict on a part. What is stated or consented to is said in
// words that leave no doubt, whatever the verdict on the document.
func standing(s evidence.Signer) string {
	said := verdict(s.Indication, s.SubIndication, s.Reason)
	if s.Kind == evidence.KindSignature || s.Indication == pdf.TotalFailed {
		return said
	}
	return "no signature that can be verified here; " + said
}

func ofRevision(s evidence.Signer) string {
	if s.Revision == 0 {
		return ""
	}
	return fmt.Sprintf(" at revision %d", s.Revision)
}

func forWhom(s evidence.Signer) string {
	if s.RelyingParty == "" {
		return ""
	}
	return " for " + s.RelyingParty.Reveal()
}

func timeSource(s evidence.Signer) string {
	switch s.TimeSource {
	case evidence.TimeOCSP:
		return "BankID's OCSP responder"
	case evidence.TimeStamp:
		return "a timestamp authority"
	case evidence.TimeClaimed:
		return "the signature itself"
	case evidence.TimeProvider:
		return orUnknown(s.Provider)
	}
	return "nobody but us"
}
