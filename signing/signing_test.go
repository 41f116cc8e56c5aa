package signing_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

const (
	par1 signing.ParticipantID = "par_00000000000000000000000001"
	par2 signing.ParticipantID = "par_00000000000000000000000002"
	par3 signing.ParticipantID = "par_00000000000000000000000003"
	par9 signing.ParticipantID = "par_00000000000000000000000009"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func number(t testing.TB, s string) signing.PersonalNumber {
	t.Helper()
	n, err := signing.ParsePersonalNumber(s)
	require.NoError(t, err)
	return n
}

// spec has two documents and three participants: par1 and par2 in step 1, par3
// in step 2.
func spec(t testing.TB) signing.Spec {
	t.Helper()
	s := signing.Spec{
		ID: "col_0000000000000000000000000a", Tenant: "acme", Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Policy: signing.DefaultPolicy(), CreatedAt: start, Deadline: start.Add(time.Hour),
	}
	for i, title := range []string{"Hyresavtal", "Bilaga 1"} {
		s.Documents = append(s.Documents, signing.Document{
			ID: signing.DocumentID(fmt.Sprintf("doc_%026d", i+1)), Title: signing.Private(title),
			Length: 1234, Digest: signing.DigestOf([]byte(title)),
		})
	}
	for i, pn := range []string{"191212121212", "200211242383", "199908072391"} {
		s.Participants = append(s.Participants, signing.Participant{
			ID: signing.ParticipantID(fmt.Sprintf("par_%026d", i+1)), Name: "Tolvan Tolvansson",
			PersonalNumber: number(t, pn), Method: signing.MethodBankIDSE, Step: 1 + i/2, Locale: signing.LocaleSV,
		})
	}
	return s
}

func TestPersonalNumber(t *testing.T) {
	for in, code := range map[string]string{
		"191212121212":  "",
		"19121212-1212": "",
		"19121212+1212": "",
		"191212121213":  "checksum",
		"1212121212":    "format",
		"19121212121x":  "format",
		"191213121212":  "date",
		"190000000000":  "date",
		"":              "format",
	} {
		n, err := signing.ParsePersonalNumber(in)
		if code == "" {
			require.NoError(t, err, in)
			require.Equal(t, "191212121212", n.Reveal())
			require.Equal(t, "19121212-xxxx", n.Masked())
			continue
		}
		f, ok := fault.As(err)
		require.True(t, ok, in)
		require.Equal(t, code, f.Fields[0].Code, in)
		if len(in) > 3 {
			require.NotContains(t, err.Error(), in, "an error must not repeat the number")
		}
	}
}

func TestCoordinationNumber(t *testing.T) {
	require.Equal(t, "197010632391", number(t, "197010632391").Reveal(), "day 63 is the third")
	_, err := signing.ParsePersonalNumber("197010632392")
	require.Error(t, err)
}

func TestPrivateNeverPrints(t *testing.T) {
	p := spec(t).Participants[0]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{p, &p, p.Name, p.PersonalNumber, []any{p}} {
			got := fmt.Sprintf(verb, v)
			require.NotContains(t, got, "1212", verb)
			require.NotContains(t, got, "Tolvan", verb)
			require.NotContains(t, got, fmt.Sprintf("%x", "Tolvan"), verb)
		}
	}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "name", p.Name, "number", p.PersonalNumber)
	require.NotContains(t, b.String(), "Tolvan")
	require.NotContains(t, b.String(), "1212")
}

func TestPersonalNumberJSON(t *testing.T) {
	p := spec(t).Participants[0]
	b, err := json.Marshal(p)
	require.NoError(t, err)
	var back signing.Participant
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, p, back)
	require.Error(t, json.Unmarshal([]byte(`{"personalNumber":"191212121213"}`), &back))
}

func TestNormaliseTitle(t *testing.T) {
	for in, want := range map[string]string{
		"  Avtal\t 2026\n":     "Avtal 2026",
		"A\u030Angstro\u0308m": "Ångström",
		"a\u202Eb\u200Dc\x00d": "abcd",
		"合同 \U0001F91D":        "合同 \U0001F91D",
	} {
		got, err := signing.NormaliseTitle(in)
		require.NoError(t, err)
		require.Equal(t, want, got.Reveal())
	}
	for _, in := range []string{"", " \n", "\u200b", strings.Repeat("x", 101), "\xff"} {
		_, err := signing.NormaliseTitle(in)
		require.Error(t, err, "%q", in)
	}
}

func TestSpecValidate(t *testing.T) {
	require.NoError(t, spec(t).Validate())
	for pointer, spoil := range map[string]func(*signing.Spec){
		"/documents":                     func(s *signing.Spec) { s.Documents = nil },
		"/documents/1/id":                func(s *signing.Spec) { s.Documents[1].ID = s.Documents[0].ID },
		"/documents/0/title":             func(s *signing.Spec) { s.Documents[0].Title = "" },
		"/participants":                  func(s *signing.Spec) { s.Participants = nil },
		"/participants/1/personalNumber": func(s *signing.Spec) { s.Participants[1].PersonalNumber = s.Participants[0].PersonalNumber },
		"/participants/0/personalNumber": func(s *signing.Spec) { s.Participants[0].PersonalNumber = signing.PersonalNumber{} },
		"/participants/0/method":         func(s *signing.Spec) { s.Participants[0].Method = "ink" },
		"/participants/2/step":           func(s *signing.Spec) { s.Participants[2].Step = 0 },
		"/participants/0/locale":         func(s *signing.Spec) { s.Participants[0].Locale = "de" },
		"/deadline":                      func(s *signing.Spec) { s.Deadline = s.CreatedAt },
		"/policy/accept":                 func(s *signing.Spec) { s.Policy.Accept = nil },
		"/locale":                        func(s *signing.Spec) { s.Locale = "" },
	} {
		s := spec(t)
		spoil(&s)
		f, ok := fault.As(s.Validate())
		require.True(t, ok, pointer)
		require.Equal(t, pointer, f.Fields[0].Pointer)
	}
}

func TestIDs(t *testing.T) {
	id, err := signing.NewID(signing.CollectionPrefix, start, strings.NewReader("0123456789"))
	require.NoError(t, err)
	require.True(t, signing.ValidID(signing.CollectionPrefix, id), id)
	require.False(t, signing.ValidID(signing.DocumentPrefix, id))
	later, err := signing.NewID(signing.CollectionPrefix, start.Add(time.Millisecond), strings.NewReader("0000000000"))
	require.NoError(t, err)
	require.Less(t, id, later, "ids sort by time")
	for _, bad := range []string{"col_", "col_../../../etc/passwd00000000", id + "0", strings.ToUpper(id)} {
		require.False(t, signing.ValidID(signing.CollectionPrefix, bad), bad)
	}
}

func TestAuditTrail(t *testing.T) {
	var made, read signing.AuditTrail
	var lines [][]byte
	for i := range 4 {
		line, err := made.Add(signing.AuditEntry{Type: signing.AuditStarted, At: start.Add(time.Duration(i) * time.Second)})
		require.NoError(t, err)
		lines = append(lines, line)
	}
	for _, line := range lines {
		_, err := read.Check(line)
		require.NoError(t, err)
	}
	require.Equal(t, made, read)

	var broken signing.AuditTrail
	_, err := broken.Check(lines[0])
	require.NoError(t, err)
	_, err = broken.Check(lines[2])
	require.Error(t, err, "an entry is missing")
	changed := []byte(strings.Replace(string(lines[0]), "09:00:00", "08:00:00", 1))
	var forged signing.AuditTrail
	_, err = forged.Check(changed)
	require.NoError(t, err)
	_, err = forged.Check(lines[1])
	require.Error(t, err, "an entry was changed")
}
