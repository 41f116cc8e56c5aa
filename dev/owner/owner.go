// Package owner plays the owner of collections: a small HTTP client of our own
// API, as a customer would write it from openapi.yaml. The demo, the end-to-end
// tests and the benchmarks use it.
package owner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/handslag/handslag/fault"
)

// Client calls the API with an API key.
type Client struct {
	Base string // such as http://127.0.0.1:8080
	Key  string // hsk_…
	HTTP *http.Client
}

// New returns a client that waits at most a minute for each answer.
func New(base, key string) *Client {
	return &Client{Base: base, Key: key, HTTP: &http.Client{Timeout: time.Minute}}
}

// Document is an upload.
type Document struct {
	ID     string `json:"id"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
	Pages  int    `json:"pages"`
}

// Titled is a document of a new collection.
type Titled struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Participant is a participant of a new collection.
type Participant struct {
	Name           string `json:"name"`
	PersonalNumber string `json:"personalNumber"` // Norwegian with nbid-pki
	Method         string `json:"method,omitempty"`
	Provider       string `json:"provider,omitempty"` // the only one, instead of the tenant's route
	Organisation   string `json:"organisation,omitempty"`
	// ProviderParticipant is the id that the provider's own process gave.
	ProviderParticipant string `json:"providerParticipant,omitempty"`
	Step                int    `json:"step,omitempty"`
	Locale              string `json:"locale,omitempty"`
}

// Policy says what a collection accepts; without one, what is verified.
type Policy struct {
	Accept []string `json:"accept"`
	Level  string   `json:"level,omitempty"`
}

// Request asks for a collection.
type Request struct {
	Documents    []Titled      `json:"documents"`
	Participants []Participant `json:"participants"`
	Policy       *Policy       `json:"policy,omitempty"`
	Locale       string        `json:"locale,omitempty"`
	Deadline     *time.Time    `json:"deadline,omitempty"`
}

// Collection is where a collection is.
type Collection struct {
	ID             string `json:"id"`
	State          string `json:"state"`
	NeedsAttention string `json:"needsAttention"`
	Documents      []struct {
		ID       string `json:"id"`
		Assembly string `json:"assembly"` // appended or separate
		Current  *struct {
			Number int    `json:"number"`
			SHA256 string `json:"sha256"`
		} `json:"current"`
		Result *struct {
			SHA256   string `json:"sha256"`
			Sealed   bool   `json:"sealed"`
			Evidence *struct {
				SHA256 string `json:"sha256"`
			} `json:"evidence"`
		} `json:"result"`
	} `json:"documents"`
	Participants []State `json:"participants"`
}

// State is where a participant is, and what they did: one of a signature, a
// consent and a related process.
type State struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Attempts  []Attempt `json:"attempts"`
	Signature *struct {
		Provider  string    `json:"provider"`
		Assurance string    `json:"assurance"`
		Level     string    `json:"level"`
		SignedAt  time.Time `json:"signedAt"`
	} `json:"signature"`
	Consent *struct {
		Provider       string    `json:"provider"`
		ConsentedAt    time.Time `json:"consentedAt"`
		EvidenceSHA256 string    `json:"evidenceSha256"`
	} `json:"consent"`
	RelatedProcess *struct {
		Provider    string    `json:"provider"`
		CompletedAt time.Time `json:"completedAt"`
	} `json:"relatedProcess"`
}

// Attempt is one attempt.
type Attempt struct {
	ID           string `json:"id"`
	Provider     string `json:"provider"`
	Outcome      string `json:"outcome"`
	Reason       string `json:"reason"`
	ProviderCode string `json:"providerCode"`
}

// Live is where an attempt is.
type Live struct {
	Attempt Attempt `json:"attempt"`
	State   string  `json:"state"` // starting, pending, settling, ended
	Hint    string  `json:"hint"`
	Message struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	} `json:"message"`
	QR struct {
		Text string `json:"text"`
	} `json:"qr"`
	Launch struct {
		DesktopLink string `json:"desktopLink"`
		RedirectURL string `json:"redirectUrl"` // where the person signs, at some providers
	} `json:"launch"`
}

// Upload uploads a PDF.
func (c *Client) Upload(ctx context.Context, pdf io.Reader) (Document, error) {
	var d Document
	err := c.do(ctx, http.MethodPost, "/v1/documents", "application/pdf", pdf, &d)
	return d, err
}

// Create creates a collection.
func (c *Client) Create(ctx context.Context, r Request) (Collection, error) {
	var made Collection
	err := c.post(ctx, "/v1/collections", r, &made)
	return made, err
}

// Collection asks where a collection is.
func (c *Client) Collection(ctx context.Context, id string) (Collection, error) {
	var found Collection
	err := c.get(ctx, "/v1/collections/"+id, &found)
	return found, err
}

// Cancel cancels a collection.
func (c *Client) Cancel(ctx context.Context, id string) (Collection, error) {
	var found Collection
	err := c.post(ctx, "/v1/collections/"+id+"/cancel", nil, &found)
	return found, err
}

func participant(collection, id string) string {
	return "/v1/collections/" + collection + "/participants/" + id
}

// Start starts an attempt. The channel is qr, same-device or phone.
func (c *Client) Start(ctx context.Context, collection, id, channel string) (Live, error) {
	body := map[string]string{"channel": channel, "endUserIp": "192.0.2.7"}
	if channel == "phone" {
		body["callInitiator"] = "user"
	}
	var live Live
	err := c.post(ctx, participant(collection, id)+"/attempts", body, &live)
	return live, err
}

// Live asks where an attempt is.
func (c *Client) Live(ctx context.Context, collection, id string) (Live, error) {
	var live Live
	err := c.get(ctx, participant(collection, id)+"/attempts/live", &live)
	return live, err
}

// CancelAttempt cancels the live attempt.
func (c *Client) CancelAttempt(ctx context.Context, collection, id string) error {
	return c.do(ctx, http.MethodDelete, participant(collection, id)+"/attempts/live", "", nil, nil)
}

// Agreement is what a participant who has identified themselves may consent to.
type Agreement struct {
	Attempt  string `json:"attempt"`
	Manifest string `json:"manifestSha256"`
	Text     string `json:"text"`
	Shown    string `json:"textSha256"`
}

// Agreement asks what a participant may consent to.
func (c *Client) Agreement(ctx context.Context, collection, id string) (Agreement, error) {
	var a Agreement
	err := c.get(ctx, participant(collection, id)+"/consent", &a)
	return a, err
}

// Consent consents for a participant, to what they were shown.
func (c *Client) Consent(ctx context.Context, collection, id string, to Agreement) error {
	return c.post(ctx, participant(collection, id)+"/consent", map[string]string{"attempt": to.Attempt, "manifestSha256": to.Manifest, "textSha256": to.Shown}, nil)
}

// Decline declines for a participant.
func (c *Client) Decline(ctx context.Context, collection, id string) error {
	return c.post(ctx, participant(collection, id)+"/decline", nil, nil)
}

// Result downloads the sealed document.
func (c *Client) Result(ctx context.Context, collection, document string) ([]byte, error) {
	return c.download(ctx, "/v1/collections/"+collection+"/documents/"+document+"/result")
}

// Evidence downloads the evidence PDF of a document whose assembly is separate.
func (c *Client) Evidence(ctx context.Context, collection, document string) ([]byte, error) {
	return c.download(ctx, "/v1/collections/"+collection+"/documents/"+document+"/evidence")
}

func (c *Client) download(ctx context.Context, path string) ([]byte, error) {
	var pdf bytes.Buffer
	err := c.do(ctx, http.MethodGet, path, "", nil, &pdf)
	return pdf.Bytes(), err
}

func (c *Client) get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, out)
}

func (c *Client) post(ctx context.Context, path string, in, out any) error {
	if in == nil {
		return c.do(ctx, http.MethodPost, path, "", nil, out)
	}
	b, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(b), out)
}

// do sends a request. A problem answer becomes a fault with its code; out is a
// pointer for JSON, or a *bytes.Buffer for bytes.
func (c *Client) do(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return fault.New(fault.Unavailable, "api_unreachable", "The API cannot be reached.").Because(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode >= http.StatusBadRequest {
		return problem(resp)
	}
	switch out := out.(type) {
	case nil:
		_, err = io.Copy(io.Discard, resp.Body)
	case *bytes.Buffer:
		_, err = io.Copy(out, resp.Body)
	default:
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	return nil
}

func problem(resp *http.Response) error {
	var p struct {
		Code   string `json:"code"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		return fault.New(fault.Internal, "no_problem_document", "The API answered %s and no problem document.", resp.Status)
	}
	kind := fault.Conflict
	switch resp.StatusCode {
	case http.StatusServiceUnavailable:
		kind = fault.Unavailable
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		kind = fault.Uncertain
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		kind = fault.Invalid
	case http.StatusInternalServerError:
		kind = fault.Internal
	case http.StatusGone:
		kind = fault.Gone
	}
	f := fault.New(kind, p.Code, "%s", p.Detail)
	if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		f = f.After(time.Duration(wait) * time.Second)
	}
	return f
}
