package evidence

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/signing"
)

// indexes are all that Files may write.
func indexes(t *rapid.T) Facts {
	id := func(prefix string, n int) string { return fmt.Sprintf("%s_0000000000000000000000%04d", prefix, n) }
	digest := func(n int) signing.Digest { return signing.Digest{byte(n), byte(n >> 8), 1} }
	f := Facts{Spec: signing.Spec{ID: signing.CollectionID(id("col", 1))}}
	f.Document = signing.Document{ID: signing.DocumentID(id("doc", 1)), Length: rapid.Int64Range(0, 1<<40).Draw(t, "length"), Digest: digest(1)}
	kinds := []struct {
		method    signing.Method
		assurance signing.Assurance
	}{
		{signing.MethodBankIDSE, signing.AssuranceVerified},
		{signing.MethodBankIDSE, signing.AssuranceAttested},
		{signing.MethodBankIDSEIdentify, signing.AssuranceIdentified},
		{signing.MethodBankIDSEProcess, signing.AssuranceAttestedProcess},
		{signing.MethodNBIDPKI, signing.AssuranceVerified},
	}
	length, revision := f.Document.Length, 0
	for i := range rapid.IntRange(0, 8).Draw(t, "participants") {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		p := Proof{
			SignerName: signing.Private(rapid.String().Draw(t, "name")), MaskedNumber: "19121212-xxxx",
			Organisation:        rapid.SampledFrom([]string{"", "559000-0948"}).Draw(t, "organisation"),
			ProviderParticipant: rapid.StringN(0, 20, 60).Draw(t, "provider's participant"),
			TextVersion:         signing.TextVersion, Locale: rapid.SampledFrom([]signing.Locale{"sv", "nb", "en"}).Draw(t, "locale"),
		}
		if rapid.Bool().Draw(t, "identification") {
			p.XML, p.OCSP = []byte("x"), []byte("y")
		}
		p.Signature = signing.Signature{
			Participant: signing.ParticipantID(id("par", i)), Attempt: signing.AttemptID(id("att", i)), Method: kind.method,
			Provider: rapid.SampledFrom([]string{"bankid", "idkollen", "sbab", "qrona", "signicat"}).Draw(t, "provider"), Assurance: kind.assurance,
			SignedAt:    time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")),
			Environment: "live", Evidence: digest(i),
		}
		if kind.method.SignsDocuments() {
			length += rapid.Int64Range(1, 1<<30).Draw(t, "added")
			revision++
			p.Revisions = []signing.Current{{Document: f.Document.ID, Revision: revision, Length: length, Digest: digest(revision)}}
			p.MaskedNumber = "010190-xxxxx"
		}
		f.Spec.Participants = append(f.Spec.Participants, signing.Participant{ID: p.Participant, Method: kind.method})
		f.Proofs = append(f.Proofs, p)
	}
	if revision > 0 || rapid.Bool().Draw(t, "separate") {
		sealed := rapid.Bool().Draw(t, "sealed")
		if sealed {
			length++
		}
		f.Separate = &Separate{Length: length, Digest: digest(9), Sealed: sealed}
	}
	return f
}

// TestIndexIsReadAsWritten: whatever we write we read, and it is written again as
// it was; each participant is in one list, the one of their kind.
func TestIndexIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := indexes(t)
		files, err := Files(f)
		require.NoError(t, err)
		index := files[len(files)-1]
		require.Equal(t, IndexName, index.Name)
		x, err := parseIndex(index.Data)
		require.NoError(t, err, "%s", index.Data)
		again, err := x.encode()
		require.NoError(t, err)
		require.Equal(t, string(index.Data), string(again))
		listed := map[signing.ParticipantID]Kind{}
		for _, a := range x.acts() {
			listed[a.Participant] = a.kind
		}
		require.Len(t, listed, len(f.Proofs))
		for _, p := range f.Proofs {
			require.Equal(t, kindOf(p.Assurance), listed[p.Participant])
		}
	})
}

// TestNoPersonalNumberAsAnID: what a provider calls a participant is printed, and
// so must not be their number.
func TestNoPersonalNumberAsAnID(t *testing.T) {
	for id, want := range map[string]string{
		"8a7f-42": "8a7f-42", "7": "7", "191212121212": "", "19121212-1212": "", "121212-1212": "", "121212+1212": "", "01819012345": "",
		"1912121212123": "1912121212123",
	} {
		require.Equal(t, want, impersonal(id))
	}
}

const (
	earlierHead = `,"collection":"col_00000000000000000000000001","document":"doc_00000000000000000000000001",` +
		`"upload":{"revision":0,"length":1,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},`
	earlierTail = `"audit":{"seq":0,"head":"0000000000000000000000000000000000000000000000000000000000000000"}}`
)

// TestEarlierFormsKnowNoMore: a list that an earlier form did not have is refused
// in it, as every reader of that form did.
func TestEarlierFormsKnowNoMore(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"version":"handslag-evidence-1"` + earlierHead + `"signatures":[],` + earlierTail:                    true,
		`{"version":"handslag-evidence-1"` + earlierHead + `"signatures":[],"statements":[],` + earlierTail:    false,
		`{"version":"handslag-evidence-1"` + earlierHead + `"signatures":[],"participants":[],` + earlierTail:  false,
		`{"version":"handslag-evidence-2"` + earlierHead + `"signatures":[],` + earlierTail:                    false,
		`{"version":"handslag-evidence-4"` + earlierHead + `"signatures":[],` + earlierTail:                    false,
		`{"version":"handslag-evidence-1"` + earlierHead + `"signatures":[{"organisation":""}],` + earlierTail: false,
	} {
		_, err := parseIndex([]byte(text))
		require.Equal(t, ok, err == nil, text)
	}
}

// FuzzIndex: an index is read or refused, and what is read holds only what may
// be printed, each entry in the list of its kind.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"version":"handslag-evidence-1"` + earlierHead + `"signatures":[],` + earlierTail))
	f.Add([]byte(`{"version":"handslag-evidence-1","collection":"\u001b[2J"}`))
	for seed := range 20 {
		files, err := Files(rapid.Custom(indexes).Example(seed))
		require.NoError(f, err)
		f.Add(files[len(files)-1].Data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parseIndex(b)
		if err != nil {
			return
		}
		require.NoError(t, x.check())
		require.Regexp(t, `^col_[0-9a-z]{26}$`, string(x.Collection))
		require.Regexp(t, `^doc_[0-9a-z]{26}$`, string(x.Document))
		for _, a := range x.acts() {
			require.Equal(t, a.kind, kindOf(a.Assurance))
			require.Regexp(t, `^par_[0-9a-z]{26}$`, string(a.Participant))
			require.Regexp(t, `^[a-z]+$`, a.Provider)
			require.LessOrEqual(t, len(a.Number), 13)
		}
	})
}
