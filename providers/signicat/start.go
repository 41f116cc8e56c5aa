package signicat

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// What a session is made of. Members that are not sent are not here.
type (
	sessionRequest struct {
		Title             string            `json:"title"`
		Documents         []sessionDocument `json:"documents"`
		Setup             []sessionSetup    `json:"signingSetup"`
		Signer            sessionSigner     `json:"signer"`
		ExternalReference string            `json:"externalReference"`
		DueDate           time.Time         `json:"dueDate"`
		Redirects         *redirects        `json:"redirectSettings,omitempty"`
		SenderDisplayName string            `json:"senderDisplayName,omitempty"`
		UI                sessionUI         `json:"ui"`
	}
	sessionDocument struct {
		Action       string `json:"action"`
		CollectionID string `json:"documentCollectionId"`
		DocumentID   string `json:"documentId"`
	}
	sessionSetup struct {
		Flow              string    `json:"signingFlow"`
		Vendor            string    `json:"vendor"`
		IdentityProviders *[]string `json:"identityProviders,omitempty"`
	}
	sessionSigner struct {
		NIN         string   `json:"nationalIdentificationNumber"`
		Validations []string `json:"validations"`
	}
	redirects struct {
		Success string `json:"success"`
		Cancel  string `json:"cancel"`
		Error   string `json:"error"`
	}
	sessionUI struct {
		Language string `json:"language"`
	}
)

// maxTitle is that of a document's metadata, in characters.
const maxTitle = 255

// invalid is a request that Signicat would not take. The text never quotes it.
func invalid(pointer, code, format string, args ...any) error {
	return fault.New(fault.Invalid, "signicat_order_invalid", "The order is not one that Signicat takes: "+format, args...).
		In(pointer, code, format, args...).From(name, "")
}

func (c *Client) check(r providers.StartRequest) error {
	switch {
	case r.Method != signing.MethodNBIDPKI:
		return invalid("/method", "unsupported", "The method is not one of Signicat's.")
	case r.Channel == signing.ChannelPhone:
		return invalid("/channel", "unsupported", "Nobody can sign by phone.")
	case !r.Signer.Norwegian():
		return invalid("/signer", "required", "The person must be named by Norwegian national identity number.")
	case r.Attempt == "":
		return invalid("/attempt", "required", "There is no attempt to refer to.")
	case len(r.Documents) == 0:
		return invalid("/documents", "required", "There is no document to sign.")
	}
	for i, d := range r.Documents {
		if d.Length > c.config.MaxDocument {
			return invalid(fmt.Sprintf("/documents/%d", i), "too_large", "A document is larger than %d bytes.", c.config.MaxDocument)
		}
	}
	_, err := returns(r.ReturnURL)
	return err
}

// returns are the addresses to which the person comes back. That they arrive at
// one of them proves nothing.
func returns(to string) (*redirects, error) {
	if to == "" {
		return nil, nil //nolint:nilnil // none asked for, none wrong
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && !loopback(u) || u.Host == "" {
		return nil, invalid("/returnUrl", "invalid", "The return address must be an https address.")
	}
	with := func(outcome string) string {
		back := *u
		if path, ok := strings.CutSuffix(back.Path, providers.ReturnOutcome); ok {
			back.Path, back.RawPath = path+outcome, ""
			return back.String()
		}
		q := back.Query()
		q.Set("outcome", outcome)
		back.RawQuery = q.Encode()
		return back.String()
	}
	return &redirects{with("success"), with("cancel"), with("error")}, nil
}

// loopback reports whether an address without TLS leads to this machine.
func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// Start implements providers.Provider.
func (c *Client) Start(ctx context.Context, r providers.StartRequest) (providers.Order, error) {
	if err := c.check(r); err != nil {
		return providers.Order{}, err
	}
	uploaded := make([]string, len(r.Documents))
	for i, d := range r.Documents {
		id, err := c.upload(ctx, d)
		if err != nil {
			return providers.Order{}, prepared(err)
		}
		uploaded[i] = id
	}
	group, err := c.group(ctx, uploaded)
	if err != nil {
		return providers.Order{}, prepared(err)
	}
	return c.create(ctx, r, group, uploaded)
}

// upload sends a document with its title, and returns Signicat's id of it.
func (c *Client) upload(ctx context.Context, d providers.Document) (string, error) {
	b, err := c.read(ctx, d)
	if err != nil {
		return "", err
	}
	got, err := c.call(ctx, c.transfer, wire.Call{
		Name: "upload document", Method: http.MethodPost, URL: c.base + "/documents", Body: b, Header: http.Header{"Content-Type": {"application/pdf"}},
	})
	switch {
	case err != nil:
		return "", err
	case got.Status/100 != 2:
		return "", prepareFault(got)
	}
	var made documentAnswer
	if err := json.Unmarshal(got.Body, &made); err != nil || !isID(made.ID) {
		return "", errBusy.From(name, "no_document_id")
	}
	if sum, known := made.Hash.digest(); known && sum != d.Digest {
		return "", errDamaged
	}
	title := []rune(d.Title.Reveal())
	if len(title) == 0 {
		return made.ID, nil
	}
	got, err = c.callJSON(ctx, "name document", http.MethodPatch, "/documents/"+made.ID+"/metadata",
		map[string]string{"title": string(title[:min(len(title), maxTitle)])})
	switch {
	case err != nil:
		return "", err
	case got.Status/100 != 2:
		return "", prepareFault(got)
	}
	return made.ID, nil
}

// read reads a document and holds it against what is said of it: a person must
// not be sent to sign anything else.
func (c *Client) read(ctx context.Context, d providers.Document) ([]byte, error) {
	in, err := d.Open(ctx)
	if err != nil {
		return nil, errDocument.Because(err)
	}
	defer func() { _ = in.Close() }()
	b, err := io.ReadAll(io.LimitReader(in, d.Length+1))
	if err != nil {
		return nil, errDocument.Because(err)
	}
	if int64(len(b)) != d.Length || signing.DigestOf(b) != d.Digest {
		return nil, invalid("/documents", "digest", "A document is not what its digest says.")
	}
	return b, nil
}

type documentAnswer struct {
	ID   string       `json:"documentId"`
	Hash documentHash `json:"documentHash"`
}

type documentHash struct {
	Hash      string `json:"hash"`
	Algorithm string `json:"hashAlgorithm"`
}

// digest reads a hash, in hex or base64: which of them is not documented. known
// is false for what is neither.
func (h documentHash) digest() (sum signing.Digest, known bool) {
	if h.Algorithm != "SHA256" {
		return sum, false
	}
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		if b, err := decode(h.Hash); err == nil && len(b) == len(sum) {
			return signing.Digest(b), true
		}
	}
	return sum, false
}

// group makes the collection that the session's documents have to be in.
func (c *Client) group(ctx context.Context, documents []string) (string, error) {
	type member struct {
		ID string `json:"documentId"`
	}
	var body struct {
		Documents []member `json:"documents"`
	}
	for _, id := range documents {
		body.Documents = append(body.Documents, member{id})
	}
	got, err := c.callJSON(ctx, "create collection", http.MethodPost, "/document-collections", body)
	switch {
	case err != nil:
		return "", err
	case got.Status/100 != 2:
		return "", prepareFault(got)
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(got.Body, &made); err != nil || made.ID == "" {
		return "", errBusy.From(name, "no_collection_id")
	}
	return made.ID, nil
}

// create makes the session: one element in the array, since what happens to the
// others when one is refused is not documented.
func (c *Client) create(ctx context.Context, r providers.StartRequest, group string, uploaded []string) (providers.Order, error) {
	got, err := c.callJSON(ctx, "create session", http.MethodPost, "/signing-sessions", []sessionRequest{c.session(r, group, uploaded)})
	at := c.config.Clock()
	switch {
	case err != nil:
		return providers.Order{}, err
	case got.Status/100 != 2:
		return providers.Order{}, createFault(got)
	}
	var made []session
	if err := decode(got.Body, &made); err != nil || len(made) != 1 {
		return providers.Order{}, errUnreadable
	}
	o, err := made[0].order(at)
	if err != nil {
		return providers.Order{}, err
	}
	o.Documents = map[signing.DocumentID]string{}
	for i, d := range r.Documents {
		o.Documents[d.ID] = uploaded[i]
	}
	return o, nil
}

func (c *Client) session(r providers.StartRequest, group string, uploaded []string) sessionRequest {
	s := sessionRequest{
		Title:  fmt.Sprintf("%d dokumenter", len(r.Documents)),
		Setup:  []sessionSetup{{Flow: "PKISIGNING", Vendor: "NBID"}},
		Signer: sessionSigner{r.Signer.Reveal(), []string{"NATIONAL_IDENTIFICATION_NUMBER"}},
		// Only whole seconds are sure to be taken.
		ExternalReference: string(r.Attempt), DueDate: c.config.Clock().Add(c.config.DueIn).UTC().Truncate(time.Second),
		SenderDisplayName: c.config.SenderDisplayName, UI: sessionUI{"nb"},
	}
	if title := strings.TrimSpace(r.Documents[0].Title.Reveal()); len(r.Documents) == 1 && title != "" {
		s.Title = title
	}
	if c.config.SendIdentityProviders {
		s.Setup[0].IdentityProviders = &[]string{}
	}
	s.Redirects, _ = returns(r.ReturnURL) // it was checked
	for _, id := range uploaded {
		s.Documents = append(s.Documents, sessionDocument{"SIGN", group, id})
	}
	return s
}
