package idkollen_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/signing"
	simulated "github.com/handslag/handslag/simulator/idkollen"
)

// ends starts an order that ends at once.
func (w *world) ends(c *idkollen.Client) providers.Order {
	w.t.Helper()
	r := request(w.people[0], signing.ChannelQR)
	r.Attempt = "att_06b5ypz2v1c4kmtr3n8xq7d9ag"
	o := w.started(c, r)
	require.NoError(w.t, w.sign(w.t.Context(), w.people[0], r.Channel, o))
	return o
}

func TestCallbacks(t *testing.T) {
	w := newWorld(t)
	strict, lenient := w.client(nil), w.client(func(c *idkollen.Config) { c.UnprovenCallbacks = true })
	seen := 0
	next := func() []pushed {
		all := w.arrived()
		fresh := all[seen:]
		seen = len(all)
		return fresh
	}

	o := w.ends(strict)
	fresh := next()
	require.Len(t, fresh, 1)
	p, err := strict.ReadPush(fresh[0].header, fresh[0].body)
	require.NoError(t, err)
	require.Equal(t, providers.Push{
		Orders: []providers.OrderRef{o.Ref, "auth/" + o.Ref}, Attempt: "att_06b5ypz2v1c4kmtr3n8xq7d9ag",
		Key: string(o.Ref) + "+COMPLETED", Authentic: true,
	}, p)
	require.Empty(t, next(), "once")

	for kind, id := range map[string]bool{"callbackUnsigned": true, "callbackWrongKey": true, "callbackTampered": false} {
		w.put(http.MethodPost, "/faults", `{"kind":"`+kind+`","count":1}`)
		o := w.ends(strict)
		fresh := next()
		require.Len(t, fresh, 1, kind)
		_, err := strict.ReadPush(fresh[0].header, fresh[0].body)
		require.Equal(t, fault.Forbidden, fault.KindOf(err), kind)
		require.NotContains(t, err.Error(), "191212121212")
		p, err := lenient.ReadPush(fresh[0].header, fresh[0].body)
		require.NoError(t, err, kind)
		require.False(t, p.Authentic, kind)
		require.Equal(t, id, p.Orders[0] == o.Ref, kind)
	}

	w.fault(simulated.CallbackDuplicate, "")
	w.ends(strict)
	fresh = next()
	require.Len(t, fresh, 2)
	first, err := strict.ReadPush(fresh[0].header, fresh[0].body)
	require.NoError(t, err)
	second, err := strict.ReadPush(fresh[1].header, fresh[1].body)
	require.NoError(t, err)
	require.Equal(t, first.Key, second.Key)

	w.fault(simulated.CallbackLost, "")
	lost := w.ends(strict)
	require.Empty(t, next())
	w.clock.Advance(time.Hour / 10)
	require.Empty(t, next())
	a, err := strict.Collect(t.Context(), lost.Ref)
	require.NoError(t, err)
	require.True(t, a.Terminal, "who polls needs no callback")

	w.fault(simulated.CallbackLate, `,"delay":"1m"`)
	w.ends(strict)
	require.Empty(t, next())
	w.clock.Advance(time.Minute)
	require.Len(t, next(), 1)

	w.mu.Lock()
	w.refuse = 2
	w.mu.Unlock()
	w.ends(strict)
	for range 2 {
		require.Empty(t, next())
		w.clock.Advance(10 * time.Second)
	}
	require.Len(t, next(), 1, "the third try")
}

// A cancellation is called back as well.
func TestCallbackOfACancelledOrder(t *testing.T) {
	w := newWorld(t)
	c := w.client(nil)
	o := w.started(c, request(w.people[0], signing.ChannelQR))
	require.NoError(t, c.Cancel(t.Context(), o.Ref))
	all := w.arrived()
	require.Len(t, all, 1)
	p, err := c.ReadPush(all[0].header, all[0].body)
	require.NoError(t, err)
	require.Equal(t, string(o.Ref)+"+FAILED", p.Key)
	require.Empty(t, p.Attempt, "att_x is no attempt of ours")
}

func signature(key, body string) http.Header {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return http.Header{"X-Signature-Sha256": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

func TestReadPush(t *testing.T) {
	c := account(t, nil, everything)
	const good = `{"id":"a-1","status":"COMPLETED"}`
	twice := signature("nyckel", good)
	twice.Add("X-Signature-SHA256", twice.Get("X-Signature-SHA256"))
	for name, row := range map[string]struct {
		header http.Header
		body   string
		want   fault.Kind
	}{
		"good":            {signature("nyckel", good), good, ""},
		"another body":    {signature("nyckel", good), good + " ", fault.Forbidden},
		"another key":     {signature("nyckeln", good), good, fault.Forbidden},
		"no key":          {signature("", good), good, fault.Forbidden},
		"two signatures":  {twice, good, fault.Forbidden},
		"none":            {nil, good, fault.Forbidden},
		"empty":           {http.Header{"X-Signature-Sha256": {""}}, good, fault.Forbidden},
		"not base64":      {http.Header{"X-Signature-Sha256": {"%"}}, good, fault.Forbidden},
		"no JSON":         {signature("nyckel", "<html>"), "<html>", fault.Invalid},
		"no id":           {signature("nyckel", `{"status":"FAILED"}`), `{"status":"FAILED"}`, fault.Invalid},
		"an id as a path": {signature("nyckel", `{"id":"../x","status":"FAILED"}`), `{"id":"../x","status":"FAILED"}`, fault.Invalid},
		"too large":       {nil, strings.Repeat(" ", 65<<10), fault.Invalid},
	} {
		_, err := c.ReadPush(row.header, []byte(row.body))
		if row.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.Equal(t, row.want, fault.KindOf(err), name)
	}
	unkeyed := account(t, nil, func(c *idkollen.Config) { c.CallbackURL, c.UnprovenCallbacks = "https://a.example.com", true })
	p, err := unkeyed.ReadPush(signature("", good), []byte(good))
	require.NoError(t, err)
	require.False(t, p.Authentic, "without a key nothing is proven")
}

func FuzzReadPush(f *testing.F) {
	strict, lenient := account(f, nil, everything), account(f, nil, func(c *idkollen.Config) { everything(c); c.UnprovenCallbacks = true })
	f.Add([]byte(`{"id":"a-1","refId":"att_06b5ypz2v1c4kmtr3n8xq7d9ag","status":"COMPLETED"}`), "")
	f.Add([]byte(`{"id":"a-1"}`), "AAAA")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		_, err := strict.ReadPush(http.Header{"X-Signature-Sha256": {header}}, body)
		require.Error(t, err, "nobody guesses a signature")
		p, err := lenient.ReadPush(nil, body)
		if err == nil {
			require.False(t, p.Authentic)
			require.Len(t, p.Orders, 2)
			require.Regexp(t, `^[A-Za-z0-9_-]{1,64}\+[A-Za-z0-9_]*$`, p.Key)
		}
	})
}
