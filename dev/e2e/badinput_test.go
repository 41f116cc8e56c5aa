package e2e_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/dev/owner"
)

// file writes a small PDF of three objects, changed as told, with the trailer
// entries given.
func file(catalog, pages, trailer string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range []string{
		"<</Type /Catalog /Pages 2 0 R " + catalog + ">>", "<</Type /Pages " + pages + ">>",
		"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <<>>>>",
	} {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	b.WriteString("xref\n0 4\n0000000000 65535 f \n")
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 4 /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n", trailer, table)
	return b.Bytes()
}

const onePage = "/Kids [3 0 R] /Count 1"

// bomb is a file with an object stream that unpacks to far more than it is.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, err := io.WriteString(w, "5 0 ")
	require.NoError(t, err)
	_, err = w.Write(bytes.Repeat([]byte(" "), 128<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var b bytes.Buffer
	b.Write(file("", onePage, ""))
	table, stream := bytes.LastIndex(b.Bytes(), []byte("xref\n0")), b.Len()
	fmt.Fprintf(&b, "4 0 obj\n<</Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d>>\nstream\n%s\nendstream\nendobj\n",
		packed.Len(), packed.Bytes())
	at := b.Len()
	var rows []byte
	for _, row := range [][3]int{{1, stream, 0}, {2, 4, 0}, {1, at, 0}} { // objects 4, 5 and 6
		rows = append(rows, byte(row[0]))
		rows = binary.BigEndian.AppendUint32(rows, uint32(row[1]))
		rows = append(rows, byte(row[2]))
	}
	fmt.Fprintf(&b, "6 0 obj\n<</Type /XRef /W [1 4 1] /Index [4 3] /Size 7 /Root 1 0 R /Prev %d /Length %d>>\nstream\n%s\nendstream\nendobj\n"+
		"startxref\n%d\n%%%%EOF\n", table, len(rows), rows, at)
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	good := file("", onePage, "")
	asPDF := http.Header{"Content-Type": {"application/pdf"}}
	require.Equal(t, http.StatusCreated, s.ask("POST", "/v1/documents", s.owner.Key, asPDF, good, nil).Status)
	for name, tt := range map[string]struct {
		body   []byte
		status int
		code   string
	}{
		"empty":           {nil, 422, "pdf_not_pdf"},
		"a letter":        {[]byte("Hello, this is a letter."), 422, "pdf_not_pdf"},
		"truncated":       {good[:len(good)-40], 422, "pdf_truncated"},
		"half":            {pdf(t)[:len(pdf(t))/2], 422, "pdf_truncated"},
		"encrypted":       {file("", onePage, "/Encrypt <</Filter /Standard /V 1>>"), 422, "pdf_encrypted"},
		"a loop of pages": {file("", "/Kids [2 0 R] /Count 1", ""), 422, "pdf_loop"},
		"a loop of updates": {
			bytes.Replace(good, []byte("/Root"), fmt.Appendf(nil, "/Prev %d /Root", bytes.LastIndex(good, []byte("xref\n0"))), 1), 422, "pdf_loop",
		},
		"a deflate bomb": {bomb(t), 422, "pdf_bomb"},
		"a script":       {file("/OpenAction <</S /JavaScript /JS (app.alert)>>", onePage, ""), 422, "pdf_javascript"},
		"two files":      {append(bytes.Clone(good), "<html>"...), 422, "pdf_trailing_data"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.ask("POST", "/v1/documents", s.owner.Key, asPDF, tt.body, nil)
			require.Equal(t, tt.code, r.Code)
			require.Equal(t, tt.status, r.Status)
		})
	}
	t.Run("not said to be a PDF", func(t *testing.T) {
		r := s.ask("POST", "/v1/documents", s.owner.Key, http.Header{"Content-Type": {"text/plain"}}, good, nil)
		require.Equal(t, refused{Status: 415, Code: "media_type_unsupported"}, refused{Status: r.Status, Code: r.Code})
	})
}

func TestUploadsOverTheLimit(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	const limit = 100 << 20
	for name, length := range map[string]int64{"announced": limit + 1, "streamed": -1} {
		t.Run(name, func(t *testing.T) {
			body := io.MultiReader(strings.NewReader("%PDF-1.7\n"), io.LimitReader(zeros{}, limit+1-9))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.owner.Base+"/v1/documents", body)
			require.NoError(t, err)
			req.ContentLength = length
			req.Header.Set("Authorization", "Bearer "+s.owner.Key)
			req.Header.Set("Content-Type", "application/pdf")
			resp, err := s.owner.HTTP.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			var r refused
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&r))
			require.Equal(t, "body_too_large", r.Code)
			require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
		})
	}
}

func TestCollectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	d, err := s.owner.Upload(t.Context(), bytes.NewReader(pdf(t)))
	require.NoError(t, err)
	number := s.people(1)[0].PersonalNumber
	wrongDigit := number[:11] + string('0'+(number[11]-'0'+1)%10)
	body := func(document, person, more string) string {
		return fmt.Sprintf(`{"documents":[{"id":%q,"title":"Avtal"}],"participants":[{"name":"Test Testsson","personalNumber":%q}]%s}`,
			document, person, more)
	}
	for name, tt := range map[string]struct {
		body    string
		status  int
		code    string
		pointer string
		field   string
	}{
		"no JSON":                 {`{`, 400, "json_invalid", "", ""},
		"a repeated member":       {`{"documents":[],"documents":[]}`, 400, "json_invalid", "/documents", ""},
		"an unknown field":        {body(d.ID, number, `,"colour":"red"`), 422, "request_invalid", "/colour", ""},
		"a number of ten digits":  {body(d.ID, number[2:], ""), 422, "collection_invalid", "/participants/0/personalNumber", "format"},
		"a wrong check digit":     {body(d.ID, wrongDigit, ""), 422, "collection_invalid", "/participants/0/personalNumber", "checksum"},
		"an impossible date":      {body(d.ID, "199002302384", ""), 422, "collection_invalid", "/participants/0/personalNumber", ""},
		"a document of nobody":    {body("doc_06epgq8c1c5yk0h3x7xk9zq4rm", number, ""), 422, "collection_invalid", "/documents/0/id", ""},
		"a deadline in the past":  {body(d.ID, number, `,"deadline":"2020-01-01T00:00:00Z"`), 422, "collection_invalid", "/deadline", "past"},
		"an assurance of no kind": {body(d.ID, number, `,"policy":{"accept":["trusted"]}`), 422, "request_invalid", "/policy/accept/0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.ask("POST", "/v1/collections", s.owner.Key, asJSON(), []byte(tt.body), nil)
			require.Equal(t, tt.code, r.Code)
			require.Equal(t, tt.status, r.Status)
			if tt.pointer != "" {
				require.NotEmpty(t, r.Errors)
				require.Equal(t, tt.pointer, r.Errors[0].Pointer)
			}
			if tt.field != "" {
				require.Equal(t, tt.field, r.Errors[0].Code)
			}
		})
	}
	t.Run("and then a good one is taken", func(t *testing.T) {
		c := s.collect(terms{people: s.people(1), documents: []owner.Titled{{ID: d.ID, Title: "Avtal"}}})
		c.sign(0)
		c.completes()
	})
}

// TestCommandsThatAreRefused gives every command that cannot be obeyed at its
// moment. Each gets one precise answer, and the collection is signed all the same.
func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2)})
	attempts := func(i int) string {
		return "/v1/collections/" + c.ID + "/participants/" + c.Participants[i].ID + "/attempts"
	}
	refuses := func(status int, code, method, path, body string) refused {
		t.Helper()
		r := s.ask(method, path, s.owner.Key, asJSON(), []byte(body), nil)
		require.Equal(t, code, r.Code)
		require.Equal(t, status, r.Status)
		return r
	}
	const qr = `{"channel":"qr","endUserIp":"192.0.2.7"}`

	refuses(409, "not_your_turn", "POST", attempts(1), qr)
	refuses(404, "no_live_attempt", "GET", attempts(0)+"/live", "")
	refuses(404, "no_live_attempt", "DELETE", attempts(0)+"/live", "")
	for body, pointer := range map[string]string{
		`{"channel":"qr"}`:                                   "/endUserIp",
		`{"channel":"qr","endUserIp":"somewhere"}`:           "/endUserIp",
		`{"channel":"pigeon","endUserIp":"192.0.2.7"}`:       "/channel",
		`{"channel":"phone","endUserIp":"192.0.2.7"}`:        "/callInitiator",
		`{"channel":"qr","endUserIp":"192.0.2.7","force":1}`: "/force",
	} {
		r := refuses(422, "request_invalid", "POST", attempts(0), body)
		require.Equal(t, pointer, r.Errors[0].Pointer)
	}
	refuses(404, "participant_not_found", "POST", "/v1/collections/"+c.ID+"/participants/par_06epgq8c1c5yk0h3x7xk9zq4rm/attempts", qr)
	refuses(404, "collection_not_found", "GET", "/v1/collections/col_06epgq8c1c5yk0h3x7xk9zq4rm", "")
	refuses(409, "result_not_ready", "GET", "/v1/collections/"+c.ID+"/documents/"+c.Documents[0].ID+"/result", "")

	c.start(0, "qr")
	refuses(409, "attempt_live", "POST", attempts(0), qr)
	c.enter(0, c.scan(0, c.people[0]))
	require.Equal(t, "signed", c.ended(0).Outcome)
	refuses(409, "already_signed", "POST", attempts(0), qr)
	refuses(409, "already_signed", "POST", "/v1/collections/"+c.ID+"/participants/"+c.Participants[0].ID+"/decline", "")
	c.sign(1)
	c.completes()

	refuses(409, "already_signed", "POST", attempts(1), qr)
	refuses(409, "cannot_cancel", "POST", "/v1/collections/"+c.ID+"/cancel", "")
	require.Equal(t, 401, s.ask("GET", "/v1/collections/"+c.ID, "", nil, nil, nil).Status)
	require.Equal(t, 401, s.ask("GET", "/v1/collections/"+c.ID, "hsk_wrong", nil, nil, nil).Status)
}

func TestCommandsAfterTheEndAreRefused(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2), steps: []int{1, 1}})
	require.NoError(t, s.owner.Decline(t.Context(), c.ID, c.Participants[1].ID))
	c.becomes("declined")
	first := "/v1/collections/" + c.ID + "/participants/" + c.Participants[0].ID
	for path, body := range map[string]string{
		first + "/attempts":                   `{"channel":"qr","endUserIp":"192.0.2.7"}`,
		first + "/decline":                    "",
		"/v1/collections/" + c.ID + "/cancel": "",
	} {
		r := s.ask("POST", path, s.owner.Key, asJSON(), []byte(body), nil)
		require.Equal(t, "collection_ended", r.Code, path)
		require.Equal(t, 410, r.Status)
	}
	r := s.ask("GET", "/v1/collections/"+c.ID+"/documents/"+c.Documents[0].ID+"/result", s.owner.Key, nil, nil, nil)
	require.Equal(t, 410, r.Status)
}

func TestOwnerReplacesTheirOlderOrder(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	people := s.people(1)
	first, second := s.collect(terms{people: people}), s.collect(terms{people: people})
	first.start(0, "qr")
	second.start(0, "qr") // the same owner may replace its own older order
	second.enter(0, second.scan(0, people[0]))
	require.Equal(t, "signed", second.ended(0).Outcome)
	require.NoError(t, s.owner.CancelAttempt(t.Context(), first.ID, first.Participants[0].ID))
	first.sign(0)
	first.completes()
	second.completes()
}

func TestRepeatedRequests(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	header := func(kind, key string) http.Header {
		return http.Header{"Content-Type": {kind}, "Idempotency-Key": {key}}
	}
	key := s.people(1)[0].PersonalNumber[:8] + "-upload" // of this test alone
	var one, two owner.Document
	require.Equal(t, 201, s.ask("POST", "/v1/documents", s.owner.Key, header("application/pdf", key), pdf(t), &one).Status)
	require.Equal(t, 201, s.ask("POST", "/v1/documents", s.owner.Key, header("application/pdf", key), pdf(t), &two).Status)
	require.Equal(t, one.ID, two.ID)
	r := s.ask("POST", "/v1/documents", s.owner.Key, header("application/pdf", key), file("", onePage, ""), nil)
	require.Equal(t, "idempotency_key_reused", r.Code)
	require.Equal(t, 422, r.Status)

	people := s.people(1)
	body := fmt.Appendf(nil, `{"documents":[{"id":%q,"title":"Hyresavtal"}],"participants":[{"name":"Test Testsson","personalNumber":%q}]}`,
		one.ID, people[0].PersonalNumber)
	var first, again owner.Collection
	require.Equal(t, 201, s.ask("POST", "/v1/collections", s.owner.Key, header("application/json", key+"c"), body, &first).Status)
	require.Equal(t, 201, s.ask("POST", "/v1/collections", s.owner.Key, header("application/json", key+"c"), body, &again).Status)
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, first.Participants[0].ID, again.Participants[0].ID)

	c := &collection{stage: s, Collection: first, people: people}
	start := "/v1/collections/" + c.ID + "/participants/" + c.Participants[0].ID + "/attempts"
	var begun, same owner.Live
	for _, live := range []*owner.Live{&begun, &same} {
		r := s.ask("POST", start, s.owner.Key, header("application/json", key+"a"), []byte(`{"channel":"qr","endUserIp":"192.0.2.7"}`), live)
		require.Equal(t, 201, r.Status, r.Code)
	}
	require.Equal(t, begun.Attempt.ID, same.Attempt.ID)
	c.enter(0, c.scan(0, people[0]))
	c.completes()
	require.Equal(t, 1, c.attempts())
}

func TestASignerLink(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	c := s.collect(terms{people: s.people(2), steps: []int{1, 1}})
	at := func(i int) string { return "/v1/collections/" + c.ID + "/participants/" + c.Participants[i].ID }
	var link struct{ Token string }
	require.Equal(t, 201, s.ask("POST", at(0)+"/links", s.owner.Key, nil, nil, &link).Status)

	r := s.ask("POST", at(1)+"/attempts", link.Token, asJSON(), []byte(`{"channel":"qr"}`), nil)
	require.Equal(t, "link_scope", r.Code)
	require.Equal(t, 403, r.Status)
	r = s.ask("GET", "/v1/collections/"+c.ID, link.Token, nil, nil, nil)
	require.Equal(t, "api_key_required", r.Code)
	r = s.ask("POST", at(0)+"/attempts", link.Token, asJSON(), []byte(`{"channel":"qr","endUserIp":"192.0.2.7"}`), nil)
	require.Equal(t, "request_invalid", r.Code)
	require.Equal(t, "/endUserIp", r.Errors[0].Pointer)

	var live owner.Live
	require.Equal(t, 201, s.ask("POST", at(0)+"/attempts", link.Token, asJSON(), []byte(`{"channel":"qr"}`), &live).Status)
	require.NotEmpty(t, live.QR.Text)
	c.enter(0, c.scan(0, c.people[0]))
	require.Equal(t, "signed", c.ended(0).Outcome)
	c.sign(1)
	c.completes()
	require.Equal(t, 200, s.ask("GET", "/v1/collections/"+c.ID+"/documents/"+c.Documents[0].ID+"/result", link.Token, nil, nil, nil).Status)
}
