package signicat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

// maxPush is far above an event.
const maxPush = 64 << 10

// ReadPush implements providers.PushReader. An event is about an order when its
// name is one of signing-session's: which there are is not documented, and each
// is worth a look at the session.
func (c *Client) ReadPush(header http.Header, body []byte) (providers.Push, error) {
	authentic, err := c.authentic(header.Get(c.config.Webhook.Header), body)
	if err != nil {
		return providers.Push{}, err
	}
	var event struct {
		ID   string `json:"id"`
		Name string `json:"eventName"`
		Data struct {
			ID                string `json:"id"`
			ExternalReference string `json:"externalReference"`
		} `json:"eventData"`
		Tags []string `json:"tags"`
	}
	if len(body) > maxPush || json.Unmarshal(body, &event) != nil {
		return providers.Push{}, errOtherPush
	}
	_, bare, service := strings.Cut(event.Name, ":") // the catalogue writes signature:signing-session.completed
	if !service {
		bare = event.Name
	}
	if !strings.HasPrefix(bare, "signing-session.") || !isID(event.ID) || !isID(event.Data.ID) ||
		slices.Contains(event.Tags, "mock") {
		return providers.Push{}, errOtherPush.From(name, wire.Word(strings.NewReplacer("-", "_", ".", "_").Replace(bare)))
	}
	p := providers.Push{Orders: []providers.OrderRef{providers.OrderRef(event.Data.ID)}, Key: event.ID, Authentic: authentic}
	if isID(event.Data.ExternalReference) {
		p.Attempt = signing.AttemptID(event.Data.ExternalReference)
	}
	return p, nil
}

func (c *Client) authentic(given string, body []byte) (bool, error) {
	secret := c.config.Webhook.Secret.Reveal()
	switch {
	case secret == "":
		return false, nil
	case given == "" && c.config.Webhook.Required:
		return false, errForeignPush
	case given == "":
		return false, nil
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	want := mac.Sum(nil)
	given = strings.TrimPrefix(given, "sha256=")
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
		if b, err := decode(given); err == nil && hmac.Equal(b, want) {
			return true, nil
		}
	}
	return false, errForeignPush
}
