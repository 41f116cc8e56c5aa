package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/dev/stack"
)

// telemetry collects the traces and metrics that the product exports, as bytes
// (OTLP over HTTP, which leaves text as it is).
type telemetry struct {
	mu    sync.Mutex
	got   bytes.Buffer
	calls map[string]int // by path
}

func exportTo(url string) []string {
	return []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp",
		"OTEL_BSP_SCHEDULE_DELAY=500", "OTEL_METRIC_EXPORT_INTERVAL=1000",
	}
}

// ServeHTTP implements http.Handler.
func (c *telemetry) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[r.URL.Path]++
	_, _ = io.Copy(&c.got, r.Body) // cut short, it will be sent again
}

func (c *telemetry) heard(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[path]
}

func (c *telemetry) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.got.Bytes())
}

// secrets finds what must be nowhere, however it is spelt.
type secrets map[string][][]byte

func (s secrets) add(what, text string) {
	raw := []byte(text)
	spelt := [][]byte{
		raw, []byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))), []byte(url.QueryEscape(text)),
	}
	quoted := fmt.Sprintf("%+q", text)
	spelt = append(spelt, []byte(quoted[1:len(quoted)-1]))
	// In base64 the same text has three spellings, by where in it it begins.
	for before := range 3 {
		padded := append(bytes.Repeat([]byte{0}, before), raw...)
		whole := base64.RawStdEncoding.EncodeToString(padded)
		from, to := (before*8+5)/6, len(padded)*8/6
		spelt = append(spelt, []byte(whole[from:to]))
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u>>8), byte(u))
	}
	s[what] = append(spelt, wide)
}

// in lists the secrets that are in b.
func (s secrets) in(b []byte) []string {
	var found []string
	for what, spelt := range s {
		for _, one := range spelt {
			if bytes.Contains(b, one) {
				found = append(found, what)
				break
			}
		}
	}
	return found
}

// TestPersonalDataStaysWhereItBelongs signs, cancels and declines with data that
// cannot be there by chance, and then looks for it everywhere.
func TestPersonalDataStaysWhereItBelongs(t *testing.T) {
	s := onStage(t)
	people := s.people(2)
	people[0].GivenName, people[0].Surname = "Xenofon", "Qvarnströmmer"
	people[1].GivenName, people[1].Surname = "Zoroaster", "Wåhlqvist"
	const title, page, agent, device, address = "Sekretessavtal Zebrafink", "https://example.com/klar?kund=qx4711zz",
		"Wunderbrowser/47.11", "enhet-qq8812", "203.0.113.177"
	hidden := secrets{}
	for _, p := range people {
		require.NoError(t, s.app.Register(t.Context(), p))
		hidden.add("a personal number", p.PersonalNumber)
		hidden.add("a personal number with a hyphen", p.PersonalNumber[:8]+"-"+p.PersonalNumber[8:])
		hidden.add("a name", p.Surname)
	}
	for what, text := range map[string]string{
		"a title": title, "a return address": page, "a browser": agent, "a device": device, "an address": address,
		"the text that is signed": "Jag har läst dokumentet", "our API key": s.owner.Key,
	} {
		hidden.add(what, text)
	}
	wrong := people[0].PersonalNumber[:11] + string('0'+(people[0].PersonalNumber[11]-'0'+1)%10)
	hidden.add("a wrong personal number", wrong)

	c := s.collect(terms{people: people, titles: []string{title}})
	s.refusals(c, wrong, title)
	begun := s.privately(c, page, agent, device, address)
	hidden.add("a launch token", strings.Split(strings.Split(begun.Launch.DesktopLink, "autostarttoken=")[1], "&")[0])
	order, err := s.app.Open(t.Context(), people[0].PersonalNumber, begun.Launch.DesktopLink)
	require.NoError(t, err)
	require.NoError(t, s.app.Cancel(t.Context(), people[0].PersonalNumber, order.OrderRef))
	require.Equal(t, "failed", c.ended(0).Outcome)
	c.sign(0)
	var link struct{ Token string }
	require.Equal(t, 201, s.ask("POST", "/v1/collections/"+c.ID+"/participants/"+c.Participants[1].ID+"/links", s.owner.Key, nil, nil, &link).Status)
	hidden.add("a signer link", link.Token)
	require.Equal(t, 200, s.ask("POST", "/v1/collections/"+c.ID+"/participants/"+c.Participants[1].ID+"/decline", link.Token,
		http.Header{"User-Agent": {agent}, "X-Forwarded-For": {address}}, nil, nil).Status)
	c.becomes("declined")
	signed := s.collect(terms{people: people[:1], titles: []string{title}})
	signed.sign(0)
	signed.completes()

	s.areNowhere(hidden, c.ID, signed.ID)
}

// areNowhere looks for secrets in everything that the product writes and shows.
func (s *stage) areNowhere(hidden secrets, collections ...string) {
	s.Helper()
	nowhere := func(where string, b []byte) {
		s.Helper()
		require.Empty(s, hidden.in(b), "in %s", where)
	}
	world, err := os.ReadFile(filepath.Join(state, "world.json"))
	require.NoError(s, err)
	require.NotEmpty(s, hidden.in(world), "the simulated world is no secret: the search finds what is there")

	inFiles(s.T, logs, nowhere)
	inFiles(s.T, filepath.Join(state, "temporal"), nowhere)
	inWorkflows(s.T, nowhere, collections...)
	inObjects(s.T, nowhere)
	inTelemetry(s, nowhere)
}

// refusals gives the product reasons to say something about a request.
func (s *stage) refusals(c *collection, number, title string) {
	s.Helper()
	for _, body := range []string{
		fmt.Sprintf(`{"documents":[{"id":"x","title":%q}],"participants":[{"name":"Qvarnströmmer","personalNumber":%q}]}`, title, number),
		fmt.Sprintf(`{"documents":[{"id":%q,"title":%q}],"participants":[{"name":"Qvarnströmmer","personalNumber":%q}]}`, c.Documents[0].ID, title, number),
		fmt.Sprintf(`{"documents":%q}`, number), fmt.Sprintf(`{"%s":"Qvarnströmmer"}`, number), `{"Qvarnströmmer`,
	} {
		require.GreaterOrEqual(s, s.ask("POST", "/v1/collections", s.owner.Key, asJSON(), []byte(body), nil).Status, 400)
	}
	require.Equal(s, 401, s.ask("GET", "/v1/collections/"+c.ID, s.owner.Key+"x", nil, nil, nil).Status)
	require.GreaterOrEqual(s, s.ask("GET", "/v1/collections/"+number, s.owner.Key, nil, nil, nil).Status, 400)
}

// privately starts an attempt of the first participant with all that can be told.
func (s *stage) privately(c *collection, page, agent, device, address string) owner.Live {
	s.Helper()
	body, err := json.Marshal(map[string]any{
		"channel": "same-device", "endUserIp": address, "returnUrl": page,
		"web": map[string]string{"referringDomain": "example.com", "userAgent": agent, "deviceIdentifier": device},
	})
	require.NoError(s, err)
	var live owner.Live
	r := s.ask("POST", "/v1/collections/"+c.ID+"/participants/"+c.Participants[0].ID+"/attempts", s.owner.Key, asJSON(), body, &live)
	require.Equal(s, 201, r.Status, r.Code)
	return live
}

func inFiles(t *testing.T, dir string, look func(string, []byte)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	}))
}

// inWorkflows looks at what Temporal shows of every workflow, and at the
// histories of two: ids, search attributes, summaries, failures.
func inWorkflows(t *testing.T, look func(string, []byte), collections ...string) {
	t.Helper()
	list, err := temporal(t).ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: stack.Namespace})
	require.NoError(t, err)
	require.NotEmpty(t, list.GetExecutions())
	shown := []proto.Message{list}
	for _, id := range collections {
		shown = append(shown, history(t, id))
	}
	for _, m := range shown {
		b, err := proto.Marshal(m)
		require.NoError(t, err)
		look("what Temporal shows", b)
	}
}

// inObjects looks at every key and every object, but for the results: those are
// the documents of the people who are in them.
func inObjects(t *testing.T, look func(string, []byte)) {
	t.Helper()
	all := keys(t)
	look("the keys of objects", []byte(strings.Join(all, "\n")))
	looked := 0
	for _, key := range all {
		b := object(t, key)
		if bytes.HasPrefix(b, []byte("%PDF-")) && strings.Contains(key, "/c/") {
			continue
		}
		looked++
		look(key, b)
	}
	require.Greater(t, looked, 20)
}

func inTelemetry(s *stage, look func(string, []byte)) {
	s.Helper()
	for _, path := range []string{"/v1/traces", "/v1/metrics"} {
		before := told.heard(path)
		s.until(func() bool {
			s.ask("GET", "/v1/collections/col_06epgq8c1c5yk0h3x7xk9zq4rm", s.owner.Key, nil, nil, nil) // something to tell
			return told.heard(path) > before+1
		}, "an export to "+path)
	}
	look("traces and metrics", told.bytes())
}
