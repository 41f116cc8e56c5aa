package pdf_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/attack"
)

// The verdicts of attacks. A file that can be read in two ways is refused
// before it is judged.
const (
	failedFormat  = "TOTAL-FAILED FORMAT_FAILURE"
	failedHash    = "TOTAL-FAILED HASH_FAILURE"
	failedCrypto  = "TOTAL-FAILED SIG_CRYPTO_FAILURE"
	unconstrained = "INDETERMINATE SIG_CONSTRAINTS_FAILURE"
	weakCrypto    = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE"
	noCertificate = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND"
	noChain       = "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND"
	noTime        = "INDETERMINATE NO_POE"
	noSignature   = "INDETERMINATE NO_SIGNATURE_FOUND"
	totalPassed   = "TOTAL-PASSED"
)

// attempt is one file of an adversary.
type attempt struct {
	name string
	file []byte
	want string // a verdict, or the code of the fault of a refusal; " or " between several
	why  string // what the reason has to say, in part
}

// verdict is the worst of a document's signatures, with its reason.
func verdict(k *attack.Kit, b []byte) (verdict, reason string) {
	return verdictBy(b, trust(k.World))
}

func verdictBy(b []byte, by pdf.Trust) (verdict, reason string) {
	v, err := pdf.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), by)
	if e, ok := fault.As(err); ok {
		return e.Code, e.Message
	}
	if err != nil {
		return "an error that is no fault", err.Error()
	}
	for _, s := range v.Signatures {
		if s.Indication == v.Indication && s.SubIndication == v.SubIndication {
			reason = s.Reason
			break
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", v.Indication, v.SubIndication)), reason
}

// resist tries every attempt.
func resist(t *testing.T, k *attack.Kit, attempts []attempt) {
	t.Helper()
	for _, a := range attempts {
		t.Run(a.name, func(t *testing.T) {
			got, reason := verdict(k, a.file)
			require.Contains(t, strings.Split(a.want, " or "), got, reason)
			require.Contains(t, reason, a.why)
			if a.want != totalPassed {
				require.NotEmpty(t, a.file)
			}
		})
	}
}

// everyWay makes an update by which nobody may change a signed document: alone,
// signed afterwards by a valid key, so that the last signature reaches the end,
// and in one revision with an honest signature.
func everyWay(k *attack.Kit, sealed []byte, name string, u attack.Update, want, why string) []attempt {
	together := u
	objects := u.Objects
	return []attempt{
		{name, u.On(sealed), want, ""},
		{name + ", then signed", k.Sign(u.On(sealed), attack.Signing{Page: attack.Page2}), want, why},
		{name + ", in one with a signature", k.Sign(sealed, attack.Signing{Page: attack.Page2, Objects: objects, Update: together}), want, why},
	}
}

// inBothForms runs a scene on a document with a cross-reference table and on one
// with streams.
func inBothForms(t *testing.T, objects map[int]string, scene func(t *testing.T, k *attack.Kit)) {
	for _, form := range []string{"table", "stream"} {
		t.Run(form, func(t *testing.T) { scene(t, attack.New(t, form, objects)) })
	}
}

// The tools of the adversary are honest unless told otherwise: what they make
// without a lie passes, so that an attack fails for its lie and nothing else.
func TestHonestCounterpartsPass(t *testing.T) {
	inBothForms(t, nil, func(t *testing.T, k *attack.Kit) {
		once := k.Sign(k.Base(), attack.Signing{})
		twice := k.Sign(once, attack.Signing{Page: attack.Page2})
		mixed := k.Seal(k.Sign(k.Sealed(), attack.Signing{}))
		for name, b := range map[string][]byte{"sealed": k.Sealed(), "once": once, "twice": twice, "mixed": mixed} {
			got, reason := verdict(k, b)
			require.Equal(t, totalPassed, got, "%s: %s", name, reason)
		}
		resist(t, k, []attempt{{"an honest update", attack.Update{Objects: map[int]string{attack.Next(once): "(x)"}}.On(once), failedFormat, ""}})
	})
}
