package signicat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const (
	listed = 50 // sessions asked for at once
	// overlap is how much of a page the next one repeats: what is deleted in the
	// meantime moves the rest towards the start.
	overlap = 10
	// mostPages bounds a search; more sessions than that are never made in the time
	// that it looks back.
	mostPages = 500
	// lookBack allows for clocks that differ.
	lookBack = time.Hour
)

// Reconcile implements providers.Reconciler. The API has no search by reference,
// so it goes through the sessions, newest first. That there is none follows only
// from a list that was seen whole.
func (c *Client) Reconcile(ctx context.Context, r providers.StartRequest, at time.Time) (providers.Order, error) {
	asked := c.config.Clock()
	v := search{reference: string(r.Attempt), since: at.Add(-lookBack), seen: map[string]bool{}, found: map[string]bool{}}
	offset := 0
	for range mostPages {
		page, err := c.list(ctx, offset)
		if err != nil {
			return providers.Order{}, err
		}
		done, err := v.take(page)
		switch {
		case err != nil:
			return providers.Order{}, err
		case done:
			return c.found(ctx, r, at, asked, v.found)
		}
		offset += max(1, len(page.sessions)-overlap)
	}
	return providers.Order{}, errUncertain.From(name, "too_many_sessions")
}

// search is what was seen of the sessions.
type search struct {
	reference   string
	since       time.Time // what is older is of no interest
	seen, found map[string]bool
	total       int
}

// take reports whether there is nothing more to look at.
func (v *search) take(page sessionPage) (bool, error) {
	for _, s := range page.sessions {
		v.seen[s.ID] = true
		if s.ExternalReference == v.reference {
			v.found[s.ID] = true
		}
	}
	if page.total == nil {
		return len(page.sessions) == 0, nil
	}
	if *page.total < v.total-overlap {
		return false, errNotYet.After(time.Second) // so many were deleted that one may have been passed over
	}
	v.total = *page.total
	switch {
	case len(v.seen) >= v.total || page.before(v.since):
		return true, nil
	case len(page.sessions) == 0:
		return false, errUncertain.From(name, "list_not_whole")
	}
	return false, nil
}

type sessionPage struct {
	sessions []session
	total    *int
}

// before reports whether the last session is known to be older.
func (p sessionPage) before(since time.Time) bool {
	if len(p.sessions) == 0 {
		return false
	}
	oldest, err := time.Parse(time.RFC3339, p.sessions[len(p.sessions)-1].CreatedAt)
	return err == nil && oldest.Before(since)
}

// list reads a page strictly: what cannot be read is no empty list.
func (c *Client) list(ctx context.Context, offset int) (sessionPage, error) {
	got, err := c.call(ctx, c.api, wire.Call{
		Name: "list sessions", Method: http.MethodGet,
		URL: fmt.Sprintf("%s/signing-sessions?limit=%d&offset=%d&sort=-createdAt", c.base, listed, offset),
	})
	switch {
	case err != nil:
		return sessionPage{}, err
	case got.Status != http.StatusOK:
		return sessionPage{}, lookFault(got, errUncertain)
	}
	var body struct {
		Data  *[]json.RawMessage `json:"data"`
		Total *int               `json:"total"`
	}
	if err := json.Unmarshal(got.Body, &body); err != nil || body.Data == nil {
		return sessionPage{}, errUnreadable
	}
	p := sessionPage{total: body.Total}
	for _, raw := range *body.Data {
		var s session
		if err := decode(raw, &s); err != nil || !isID(s.ID) {
			return sessionPage{}, errUnreadable
		}
		p.sessions = append(p.sessions, s)
	}
	return p, nil
}

// found says what the search means. None may mean that the lost call is still
// under way.
func (c *Client) found(ctx context.Context, r providers.StartRequest, at, asked time.Time, ids map[string]bool) (providers.Order, error) {
	switch len(ids) {
	case 0:
		if wait := at.Add(c.config.Settling).Sub(asked); wait > 0 {
			return providers.Order{}, errNotYet.After(wait)
		}
		return providers.Order{}, errNotCreated
	case 1:
	default:
		return providers.Order{}, errSeveral
	}
	var id string
	for id = range ids {
	}
	a, err := c.Collect(ctx, providers.OrderRef(id))
	if err != nil {
		return providers.Order{}, unsettled(err)
	}
	s, err := decodeSession(a.Raw)
	if err != nil {
		return providers.Order{}, errUnreadable.Because(err)
	}
	o, err := s.order(at)
	if err != nil {
		return providers.Order{}, err
	}
	o.Documents = c.place(ctx, r, s)
	return o, nil
}

// place finds which of our documents a session's are, by their digests. Where it
// cannot, results are matched by their bytes.
func (c *Client) place(ctx context.Context, r providers.StartRequest, s session) map[signing.DocumentID]string {
	placed := map[signing.DocumentID]string{}
	for _, theirs := range s.Documents {
		if !isID(theirs.DocumentID) {
			return nil
		}
		got, err := c.call(ctx, c.api, documentCall("describe document", c.base, theirs.DocumentID, "/metadata"))
		var described documentAnswer
		if err != nil || got.Status != http.StatusOK || json.Unmarshal(got.Body, &described) != nil {
			return nil
		}
		sum, known := described.Hash.digest()
		for _, ours := range r.Documents {
			if _, done := placed[ours.ID]; known && !done && ours.Digest == sum {
				placed[ours.ID] = theirs.DocumentID
				break
			}
		}
	}
	return placed
}

// unsettled says of a session that was listed and is not there that it has to be
// looked for again.
func unsettled(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return errNotYet.Because(err).After(time.Second)
	}
	return err
}
