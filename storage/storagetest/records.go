package storagetest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

// Numbers that Skatteverket sets aside for tests.
const (
	tolvan = "191212121212"
	adaBy  = "189001019802"
)

func number(t *testing.T, s string) signing.PersonalNumber {
	t.Helper()
	n, err := signing.ParsePersonalNumber(s)
	require.NoError(t, err)
	return n
}

func newSpec(t *testing.T, w *world) signing.Spec {
	t.Helper()
	return signing.Spec{
		ID: newCollection(t), Tenant: w.tenant, Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Documents: []signing.Document{{ID: newDocument(t), Title: "Hyresavtal Storgatan", Length: 12, Digest: signing.DigestOf([]byte("x"))}},
		Participants: []signing.Participant{{
			ID: newID[signing.ParticipantID](t, signing.ParticipantPrefix), Name: "Tolvan Tolvansson", PersonalNumber: number(t, tolvan),
			Method: signing.MethodBankIDSE, Step: 1, Locale: signing.LocaleSV,
		}},
		Policy: signing.DefaultPolicy(), CreatedAt: at, Deadline: at.Add(time.Hour),
	}
}

func line(n int) []byte { return fmt.Appendf(nil, `{"seq":%d}`+"\n", n) }

var recordTests = map[string]func(*testing.T, *world){
	"spec": func(t *testing.T, w *world) {
		spec := newSpec(t, w)
		_, err := w.store.GetSpec(w.ctx, w.tenant, spec.ID)
		requireCode(t, fault.NotFound, "collection_not_found", err)
		require.NoError(t, w.store.PutSpec(w.ctx, spec))
		require.NoError(t, w.store.PutSpec(w.ctx, spec))
		got, err := w.store.GetSpec(w.ctx, w.tenant, spec.ID)
		require.NoError(t, err)
		require.Equal(t, spec, got)
		spec.TimeZone = "Europe/Oslo"
		requireCode(t, fault.Corrupt, "stored_differs", w.store.PutSpec(w.ctx, spec))
		at := string(w.stored(t, w.key(t, "/spec")))
		require.NotContains(t, at, "Tolvan")
		require.NotContains(t, at, tolvan)
	},
	"outcome": func(t *testing.T, w *world) {
		v := signing.View{ID: newCollection(t), Tenant: w.tenant, State: signing.StateCompleted, CreatedAt: at, Deadline: at, EndedAt: at}
		_, err := w.store.GetOutcome(w.ctx, w.tenant, v.ID)
		requireCode(t, fault.NotFound, "collection_not_found", err)
		require.NoError(t, w.store.PutOutcome(w.ctx, v))
		require.NoError(t, w.store.PutOutcome(w.ctx, v))
		got, err := w.store.GetOutcome(w.ctx, w.tenant, v.ID)
		require.NoError(t, err)
		require.Equal(t, v, got)
		v.State = signing.StateDeclined
		requireCode(t, fault.Corrupt, "stored_differs", w.store.PutOutcome(w.ctx, v))
	},
	"audit": func(t *testing.T, w *world) {
		id := newCollection(t)
		none, err := w.store.Audit(w.ctx, w.tenant, id)
		require.NoError(t, err)
		require.Empty(t, none)
		var want []byte
		for n := 1; n <= 12; n++ {
			want = append(want, line(n)...)
		}
		for _, n := range []int{12, 2, 9, 10, 1, 11, 3, 4, 5, 6, 7, 8} { // in any order
			require.NoError(t, w.store.PutAudit(w.ctx, w.tenant, id, n, line(n)))
		}
		require.NoError(t, w.store.PutAudit(w.ctx, w.tenant, id, 3, line(3)))
		requireCode(t, fault.Corrupt, "stored_differs", w.store.PutAudit(w.ctx, w.tenant, id, 3, line(4)))
		got, err := w.store.Audit(w.ctx, w.tenant, id)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		for _, bad := range []struct {
			n     int
			lines string
		}{{0, "x\n"}, {1, ""}, {1, "x"}, {1_000_000, "x\n"}} {
			require.Error(t, w.store.PutAudit(w.ctx, w.tenant, newCollection(t), bad.n, []byte(bad.lines)))
		}
	},
	"claims": func(t *testing.T, w *world) {
		request := signing.DigestOf([]byte("request"))
		_, err := w.store.Claimed(w.ctx, w.tenant, "key with spaces / and åäö", request)
		requireCode(t, fault.NotFound, "idempotency_key_unclaimed", err)
		got, err := w.store.Claim(w.ctx, w.tenant, "key with spaces / and åäö", request, "one")
		require.NoError(t, err)
		require.Equal(t, "one", got)
		got, err = w.store.Claim(w.ctx, w.tenant, "key with spaces / and åäö", request, "two")
		require.NoError(t, err)
		require.Equal(t, "one", got)
		got, err = w.store.Claimed(w.ctx, w.tenant, "key with spaces / and åäö", request)
		require.NoError(t, err)
		require.Equal(t, "one", got)
		_, err = w.store.Claimed(w.ctx, w.tenant+"x", "key with spaces / and åäö", request)
		requireCode(t, fault.NotFound, "idempotency_key_unclaimed", err)
		_, err = w.store.Claim(w.ctx, w.tenant, "key with spaces / and åäö", signing.DigestOf([]byte("else")), "one")
		requireCode(t, fault.Invalid, "idempotency_key_reused", err)
		_, err = w.store.Claimed(w.ctx, w.tenant, "key with spaces / and åäö", signing.DigestOf([]byte("else")))
		requireCode(t, fault.Invalid, "idempotency_key_reused", err)
		got, err = w.store.Claim(w.ctx, w.tenant+"x", "key with spaces / and åäö", request, "three")
		require.NoError(t, err)
		require.Equal(t, "three", got, "keys belong to a tenant")
	},
	"race of claims": func(t *testing.T, w *world) {
		got := race(racers, func(i int) string {
			r, err := w.store.Claim(w.ctx, w.tenant, "key", signing.Digest{}, fmt.Sprint(i))
			if err != nil {
				return err.Error()
			}
			return r
		})
		require.Len(t, slices.Compact(got), 1)
		require.Regexp(t, `^\d+$`, got[0])
	},
	"links": func(t *testing.T, w *world) {
		token := signing.Digest(random(t, 32))
		_, err := w.store.GetLink(w.ctx, token, at)
		requireCode(t, fault.Unauthenticated, "link_invalid", err)
		l := storage.Link{Tenant: w.tenant, Collection: newCollection(t), Participant: newID[signing.ParticipantID](t, "par"), ExpiresAt: at}
		require.NoError(t, w.store.PutLink(w.ctx, token, l))
		require.NoError(t, w.store.PutLink(w.ctx, token, l))
		got, err := w.store.GetLink(w.ctx, token, at.Add(-1))
		require.NoError(t, err)
		require.Equal(t, l, got)
		_, err = w.store.GetLink(w.ctx, token, at)
		requireCode(t, fault.Unauthenticated, "link_invalid", err)
		l.Collection = newCollection(t)
		requireCode(t, fault.Corrupt, "stored_differs", w.store.PutLink(w.ctx, token, l))
	},
	"orders": func(t *testing.T, w *world) {
		h, house := newHolder(t, w), signing.AccountRef{Provider: "signicat", Account: "house"}
		_, err := w.store.FindOrder(w.ctx, house, "order-1", string(h.Attempt))
		requireCode(t, fault.NotFound, "order_unfound", err)
		require.NoError(t, w.store.PutOrder(w.ctx, house, "order-1", h))
		require.NoError(t, w.store.PutOrder(w.ctx, house, "order-1", h))
		for _, names := range [][]string{{"order-1"}, {string(h.Attempt)}, {"unknown", "order-1"}} {
			got, err := w.store.FindOrder(w.ctx, house, names...)
			require.NoError(t, err)
			require.Equal(t, h, got)
		}
		for _, other := range []signing.AccountRef{{Provider: "signicat", Account: "other"}, {Provider: "idkollen", Account: "house"}, {Provider: "signicat"}} {
			_, err = w.store.FindOrder(w.ctx, other, "order-1", string(h.Attempt))
			requireCode(t, fault.NotFound, "order_unfound", err)
		}
		requireCode(t, fault.Corrupt, "stored_differs", w.store.PutOrder(w.ctx, house, "order-1", newHolder(t, w)))
	},
	"keys": func(t *testing.T, w *world) {
		spec := newSpec(t, w)
		from := w.upload(t, []byte("document"))
		require.NoError(t, w.store.PutRevision(w.ctx, next(from, spec.ID, 1), from, []byte("!"), describe(t, []byte("document!"))))
		require.NoError(t, w.store.PutSpec(w.ctx, spec))
		require.NoError(t, w.store.PutOutcome(w.ctx, signing.View{ID: spec.ID, Tenant: w.tenant}))
		require.NoError(t, w.store.PutAudit(w.ctx, w.tenant, spec.ID, 1, line(1)))
		ref := signing.EvidenceRef{Tenant: w.tenant, Collection: spec.ID, Name: "page.pdf"}
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, []byte("x")))
		ref.Attempt = newAttempt(t)
		require.NoError(t, w.store.PutEvidence(w.ctx, ref, []byte("x")))
		_, err := w.store.Claim(w.ctx, w.tenant, tolvan, signing.Digest{}, "x")
		require.NoError(t, err)

		keys := w.keys(t, "t/"+string(w.tenant)+"/")
		require.Len(t, keys, 11)
		form := regexp.MustCompile(`^([a-z0-9_-][a-z0-9._-]{0,199}/)*[a-z0-9_-][a-z0-9._-]{0,199}$`)
		for _, k := range keys {
			require.Regexp(t, form, k)
			require.NotContains(t, k, tolvan)
			for _, other := range keys {
				require.False(t, strings.HasPrefix(other, k+"/"), "%s and %s", k, other)
			}
		}
		for _, k := range keys {
			b := w.stored(t, k)
			require.False(t, bytes.Contains(b, []byte("Tolvan")) || bytes.Contains(b, []byte(tolvan)), k)
		}
	},
}
