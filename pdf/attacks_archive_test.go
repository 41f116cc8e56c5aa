package pdf_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/attack"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// longLived is a kit whose seal is of level B-LTA, under certificates that name
// where their status is told.
func longLived(t *testing.T, form string, level pdf.Level) (*attack.Kit, []byte) {
	k := attack.New(t, form, nil)
	k.World = pdftest.NewNamedWorld(t, pdftest.P256(t))
	return k, sealWith(t, k.Base(), lasting(t, k.World, level))
}

func ends(b []byte) []int {
	var at []int
	for _, m := range regexp.MustCompile(`%%EOF\n`).FindAllIndex(b, -1) {
		at = append(at, m[1])
	}
	return at
}

func firstRef(t *testing.T, dict, key string) int {
	m := regexp.MustCompile(`/` + key + ` \[(\d+) 0 R`).FindStringSubmatch(dict)
	require.NotNil(t, m, dict)
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return n
}

// What proves a seal for years is not to be taken from it, nor exchanged.
func TestArchivedSeals(t *testing.T) {
	for _, form := range []string{"table", "stream"} {
		t.Run(form, func(t *testing.T) {
			k, file := longLived(t, form, pdf.LevelLTA)
			root := attack.Root(file)
			catalog := k.Object(file, root)
			dss := k.Ref(catalog, "DSS")
			store := k.Object(file, dss)
			ocsp, cert := firstRef(t, store, "OCSPs"), firstRef(t, store, "Certs")
			acro := k.Ref(catalog, "AcroForm")
			fields := k.Object(file, acro)
			seal := firstRef(t, fields, "Fields")
			signer := k.World.Issue(t, pdftest.P256(t), "Counterparty", nil)
			update := func(objects map[int]string) []byte { return attack.Update{Objects: objects}.On(file) }
			signed := func(objects map[int]string) []byte {
				return k.Sign(file, attack.Signing{By: signer, Page: attack.Page2, Objects: objects})
			}
			var all []attempt
			for name, objects := range map[string]map[int]string{
				"an empty store":             {dss: "<</Type /DSS>>"},
				"another store":              {root: k.Replace(catalog, fmt.Sprintf("/DSS %d 0 R", dss), "/DSS <</Type /DSS>>")},
				"no store":                   {root: k.Replace(catalog, fmt.Sprintf("/DSS %d 0 R", dss), "")},
				"one certificate less":       {dss: k.Replace(store, fmt.Sprintf("%d 0 R", cert), "")},
				"a response of text":         {ocsp: attack.Stream("", "BT (Pay) Tj ET")},
				"a response of another":      {ocsp: attack.Stream("", string(k.World.CRL(t, nil)))},
				"a certificate of another":   {cert: attack.Stream("", string(signer.Cert.Raw))},
				"a certificate that is gone": {cert: "null"},
				"no timestamp":               {acro: fmt.Sprintf("<</Fields [%d 0 R] /SigFlags 3>>", seal)},
				"fields in another order":    {acro: regexp.MustCompile(`/Fields \[(\d+ 0 R) (\d+ 0 R)\]`).ReplaceAllString(fields, "/Fields [$2 $1]")},
			} {
				all = append(all, attempt{name, update(objects), failedFormat, ""}, attempt{name + ", in one with a signature", signed(objects), failedFormat, ""})
				require.Equal(t, pdf.CodeAppendedChange, fault.CodeOf(checkAppended(update(objects), len(k.Base()))), name)
			}
			resist(t, k, append(all, attempt{"as it is", file, totalPassed, ""}))
			require.NoError(t, checkAppended(file, len(k.Base())))
		})
	}
}

// Cut short or bent, a document says of itself what it still is.
func TestArchivedSealsCutShort(t *testing.T) {
	for _, form := range []string{"table", "stream"} {
		t.Run(form, func(t *testing.T) {
			k, file := longLived(t, form, pdf.LevelLTA)
			at := ends(file)
			require.Len(t, at, 4)
			level := func(b []byte) pdf.Level {
				v := verify(t, k.World, b)
				require.NotEmpty(t, v.Signatures)
				return v.Signatures[0].Level
			}
			require.Equal(t, pdf.LevelLTA, level(file))
			require.Equal(t, pdf.LevelLT, level(file[:at[2]]))
			require.Equal(t, pdf.LevelT, level(file[:at[1]]))
			got, reason := verdict(k, file[:at[2]])
			require.Equal(t, totalPassed, got, reason)
			got, reason = verdict(k, file[:at[1]])
			require.Equal(t, tryLater, got, reason)

			// A bit of what the archive timestamp covers.
			root := k.Object(file, attack.Root(file))
			store := k.Object(file, k.Ref(root, "DSS"))
			stream := bytes.LastIndex(file, fmt.Appendf(nil, "\n%d 0 obj", firstRef(t, store, "OCSPs")))
			stream += bytes.Index(file[stream:], []byte("stream\n")) + 60
			bent := bytes.Clone(file)
			bent[stream] ^= 4
			got, reason = verdict(k, bent)
			require.Contains(t, []string{failedHash, failedFormat}, got, reason)
			got, reason = verdict(k, bent[:at[2]])
			require.Contains(t, []string{tryLater, failedFormat}, got, reason)

			// Years later, with nothing renewed, the last timestamp proves nothing more.
			by := trust(k.World)
			by.Now = k.World.Now.AddDate(30, 0, 0)
			got, reason = verdictBy(file, by)
			require.NotEqual(t, totalPassed, got, reason)
			require.Contains(t, []string{noTime, outOfBounds}, got, reason)

			// The authority that stamped was not to be trusted then.
			by = trust(k.World)
			by.Proofs.CRLs = [][]byte{k.World.CRL(t, nil, k.World.Stamp.Cert)}
			got, reason = verdictBy(file, by)
			require.NotEqual(t, totalPassed, got, reason)
		})
	}
}

// A level that is only claimed: all that B-LTA has, and each part somebody else's.
func TestLevelsAreNotClaimed(t *testing.T) {
	for _, form := range []string{"table", "stream"} {
		t.Run(form, func(t *testing.T) {
			k, file := longLived(t, form, pdf.LevelT)
			other := pdftest.NewNamedWorld(t, pdftest.P256(t))
			responder := other.Responder(t, nil)
			kept := k.Keep(file, attack.Store{
				Certs: [][]byte{other.Root.Cert.Raw, responder.Cert.Raw},
				OCSPs: [][]byte{other.OCSP(t, k.World.Seal.Cert, responder, nil), other.OCSP(t, k.World.Stamp.Cert, responder, nil)},
			})
			spoofed := k.Sign(kept, attack.Signing{Stamp: true, CMS: func(digest []byte) []byte {
				token, err := other.Token(other.Stamp, digest, nil)
				require.NoError(t, err)
				return token
			}})
			for _, b := range [][]byte{kept, spoofed} {
				v := verify(t, k.World, b)
				require.Equal(t, pdf.LevelT, v.Signatures[0].Level)
				require.Equal(t, pdf.TryLater, v.SubIndication)
			}
			begin := time.Now()
			big := k.Keep(file, attack.Store{OCSPs: [][]byte{bytes.Repeat([]byte{0x30, 0x80}, 1<<19)}})
			got, _ := verdict(k, big)
			require.NotEqual(t, totalPassed, got)
			require.Less(t, time.Since(begin), 20*time.Second)
		})
	}
}
