package activities_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/pki"
)

// replaceSecond makes the second document another one.
func (c *chain) replaceSecond(content []byte) {
	d := &c.store.spec.Documents[1]
	d.Length, d.Digest = int64(len(content)), signing.DigestOf(content)
	c.store.revisions[c.ref(d.ID, 0)] = kept{content, describe(c.t, content)}
	c.current[1].Length, c.current[1].Digest = d.Length, d.Digest
}

// TestSignaturesOfOtherForms: what another program makes of a document is refused
// when it draws on a page, or when nobody could sign after it.
func TestSignaturesOfOtherForms(t *testing.T) {
	for name, want := range map[string]signing.AttemptResult{
		"visible":             {Reason: signing.ReasonRewritten, ProviderCode: "signature_drawn"},
		"locked-all-archived": {Reason: signing.ReasonVerificationFailed, ProviderCode: "signature_locks"},
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := os.ReadFile("../pdf/testdata/later/" + name + ".pdf")
			require.NoError(t, err)
			sent := whole[:bytes.Index(whole, []byte("%%EOF\n"))+len("%%EOF\n")]
			c := newChain(t)
			c.replaceSecond(sent)
			ref := c.signedBy(0)
			c.verify.Providers = &forger{Client: c.signicat, forge: func(content []byte) []byte {
				if bytes.HasPrefix(content, sent) {
					return whole
				}
				return content
			}}
			r, err := c.judge(ref)
			require.NoError(t, err)
			want.Outcome = signing.OutcomeFailed
			require.Equal(t, want, r)
			require.Len(t, c.store.revisions, 2)
		})
	}
}

// TestForgedTimestamp: a timestamp that is false shows that somebody tampered with
// the file, whatever the signature is worth.
func TestForgedTimestamp(t *testing.T) {
	c := newChain(t)
	ref := c.signedBy(0)
	person, err := c.pki.NorwegianPerson(pki.NorwegianLeaf{NIN: c.store.spec.Participants[0].PersonalNumber.Reveal(), GivenName: "Kari", Surname: "Nordmann"})
	require.NoError(t, err)
	seal, err := c.verify.Seals.Seal("acme")
	require.NoError(t, err)
	forged := false
	c.verify.Providers = &forger{Client: c.signicat, forge: func(content []byte) []byte {
		second := c.upload(1)
		if !bytes.HasPrefix(content, second) {
			return content
		}
		signed := signedBy(t, second, pdf.SealOptions{
			Key: person.Key, Chain: append([]*x509.Certificate{person.Certificate}, person.Chain...), Time: time.Now(),
			Level: pdf.LevelLTA, Timestamper: seal.Stamps, Revocation: seal.Revocation, Known: slices.Concat(seal.Known, seal.Chain),
		})
		require.Positive(t, bytes.Count(signed, []byte("/ETSI.RFC3161")))
		digest := bytes.LastIndex(signed, []byte("/Contents <")) + len("/Contents <")
		end := digest + bytes.IndexByte(signed[digest:], '>')
		token := bytes.TrimRight(signed[digest:end], "0")
		signed[digest+len(token)-40] ^= 1 // a digit of the token's signature
		forged = true
		return signed
	}}
	r, err := c.judge(ref)
	require.NoError(t, err)
	require.True(t, forged)
	require.Equal(t, signing.AttemptResult{
		Outcome: signing.OutcomeFailed, Reason: signing.ReasonVerificationFailed, ProviderCode: "timestamp_forged",
	}, r)
	require.Len(t, c.store.revisions, 2)
}

// TestSignatureOfAnEarlierOrder: the same person may have signed the same bytes in
// another matter; that is no answer to this one.
func TestSignatureOfAnEarlierOrder(t *testing.T) {
	for ahead, want := range map[time.Duration]signing.AttemptResult{
		time.Hour:   {Outcome: signing.OutcomeFailed, Reason: signing.ReasonVerificationFailed, ProviderCode: "signed_before_asked"},
		time.Minute: {Outcome: signing.OutcomeSigned}, // clocks differ
	} {
		c := newChain(t)
		c.set(map[string]any{"level": pdf.LevelT})
		ref := c.signedBy(0)
		var answer activities.StoredAnswer
		c.read(ref, "answer", &answer)
		answer.StartedAt, answer.CollectedAt = answer.StartedAt.Add(ahead), answer.CollectedAt.Add(ahead)
		c.keep(ref, "answer", answer)
		r, err := c.judge(ref)
		require.NoError(t, err)
		r.Signature = nil
		require.Equal(t, want, r)
	}
}
