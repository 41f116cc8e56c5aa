package signicat

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/pki"
)

// Person is somebody with a simulated Norwegian BankID.
type Person struct {
	NIN        string `json:"nin"` // eleven digits, synthetic: see pki.SyntheticNIN; "" draws one
	GivenName  string `json:"givenName"`
	Surname    string `json:"surname"`
	RSA        bool   `json:"rsa,omitempty"`        // signs by RSA-3072 and not by P-256
	CrashesEID bool   `json:"crashesEid,omitempty"` // their BankID fails each time
}

// Act is what a person does on the page of a session.
type Act struct {
	NIN string `json:"nin"`
	// Substantial is a login by biometrics, which is below the level that signing needs.
	Substantial bool `json:"substantial,omitempty"`
	// Declines is a no on the consent screen.
	Declines bool `json:"declines,omitempty"`
	// Reason is why they reject, of at most 2,048 characters.
	Reason string `json:"reason,omitempty"`
}

// SessionView is a session as the person and a test see it.
type SessionView struct {
	ID                string    `json:"id"`
	Page              string    `json:"page"`
	Title             string    `json:"title"`
	ExternalReference string    `json:"externalReference"`
	State             string    `json:"state"`
	Reason            string    `json:"reason,omitempty"`
	Documents         []string  `json:"documents"` // titles, as far as they have one
	Created           time.Time `json:"created"`
	Due               time.Time `json:"due"`
	// Redirect is where the browser goes now, after an act.
	Redirect string `json:"redirect,omitempty"`
	// Outcome is what the act came to: success, cancel, error or rejected.
	Outcome string `json:"outcome,omitempty"`
}

func (s *Server) register(p Person) (Person, error) {
	p.GivenName, p.Surname = strings.TrimSpace(p.GivenName), strings.TrimSpace(p.Surname)
	if p.GivenName == "" || p.Surname == "" {
		return p, fault.New(fault.Invalid, "bad_name", "givenName and surname must not be empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 0; p.NIN == ""; n++ {
		if drawn := pki.SyntheticNIN(time.Date(1990, 1, 1+n, 0, 0, 0, 0, time.UTC), 0); s.people[drawn].NIN == "" {
			p.NIN = drawn
		}
	}
	if _, err := s.pki.NorwegianPerson(p.leaf()); err != nil {
		return p, err
	}
	s.people[p.NIN] = p
	return p, nil
}

func (p Person) leaf() pki.NorwegianLeaf {
	l := pki.NorwegianLeaf{NIN: p.NIN, GivenName: p.GivenName, Surname: p.Surname}
	if p.RSA {
		l.Key = pki.RSA3072
	}
	return l
}

// find finds a session by its id or by what its address holds. The caller holds
// the lock.
func (s *Server) find(ref string) (*session, error) {
	s.settle(s.clock())
	for _, n := range s.sessions {
		if (n.id == ref || n.page == ref) && n.deleted.IsZero() {
			return n, nil
		}
	}
	return nil, fault.New(fault.NotFound, "session_unknown", "there is no such session, or no longer")
}

func (s *Server) viewFor(n *session) SessionView {
	v := SessionView{
		ID: n.id, Page: n.page, Title: n.request.Title, ExternalReference: n.request.ExternalReference, State: s.stateOf(n),
		Reason: n.reason, Created: n.created.UTC(), Due: n.due().UTC(),
	}
	for _, d := range n.request.Documents {
		if f := s.files[d.DocumentID]; f != nil {
			v.Documents = append(v.Documents, f.title)
		}
	}
	return v
}

func (s *Server) leaves(n *session, outcome string) SessionView {
	v := s.viewFor(n)
	v.Outcome = outcome
	if to := n.request.Redirects; to != nil {
		v.Redirect = map[string]string{"success": to.Success, "cancel": to.Cancel, "error": to.Error}[outcome]
	}
	return v
}

// act lets a person do something while their session is ready for it.
func (s *Server) act(ref string, do func(*session) (SessionView, error)) (SessionView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.find(ref)
	if err != nil {
		return SessionView{}, err
	}
	if state := s.stateOf(n); state != stateReady {
		return s.viewFor(n), fault.New(fault.Conflict, "session_not_ready", "the session is %s", state)
	}
	return do(n)
}

// signAs takes a person through BankID and the consent screen.
func (s *Server) signAs(ctx context.Context, ref string, a Act) (SessionView, error) {
	return s.act(ref, func(n *session) (SessionView, error) {
		p, known := s.people[a.NIN]
		switch {
		case !known || p.CrashesEID || a.Substantial:
			return s.leaves(n, "error"), nil
		case n.request.validates() && n.request.Signer.NIN != a.NIN:
			if s.settings.MismatchRejects {
				s.reject(n, "")
			}
			return s.leaves(n, "error"), nil
		case a.Declines:
			return s.leaves(n, "cancel"), nil
		}
		if err := s.complete(ctx, n, p); err != nil {
			return SessionView{}, err
		}
		return s.leaves(n, "success"), nil
	})
}

func (s *Server) cancelAs(ref string) (SessionView, error) {
	return s.act(ref, func(n *session) (SessionView, error) { return s.leaves(n, "cancel"), nil })
}

const maxReason = 2048

func (s *Server) rejectAs(ref string, a Act) (SessionView, error) {
	return s.act(ref, func(n *session) (SessionView, error) {
		if len([]rune(a.Reason)) > maxReason {
			return SessionView{}, fault.New(fault.Invalid, "reason_too_long", "a reason has at most %d characters", maxReason)
		}
		s.reject(n, a.Reason)
		return s.leaves(n, "rejected"), nil
	})
}

func (s *Server) reject(n *session, reason string) {
	n.state, n.reason = stateRejected, reason
	s.emit("signing-session.rejected", map[string]string{"id": n.id, "externalReference": n.request.ExternalReference, "reason": reason})
}

// complete signs every document of a session.
func (s *Server) complete(ctx context.Context, n *session, p Person) error {
	if s.struck(OtherPerson, "") {
		p = Person{NIN: pki.SyntheticNIN(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 7), GivenName: "Annen", Surname: "Person"}
	}
	var made []*file
	var signatures []signature
	for _, d := range n.request.Documents {
		original := s.files[d.DocumentID]
		if d.Action != "SIGN" || original == nil {
			continue
		}
		f, err := s.result(ctx, n, original, p)
		if err != nil {
			return err
		}
		f.archived = n.request.Archive != nil && n.request.Archive.Send
		made = append(made, f)
		one := signature{Result: f.id, Type: "PADES"}
		if n.request.flow() == flowAuth {
			one.Type = "XADES"
		}
		if s.settings.ResultIDs || one.Type == "XADES" {
			one.Original, one.Collection = d.DocumentID, d.CollectionID
		}
		signatures = append(signatures, one)
	}
	if len(made) > 1 && s.struck(Swapped, "") {
		made[0].bytes, made[1].bytes = made[1].bytes, made[0].bytes
	}
	for _, f := range made {
		s.files[f.id] = f
	}
	if len(made) > 0 && made[0].archived {
		n.archive = made[0].id
	}
	n.state, n.signatures = stateSigned, signatures
	if len(n.request.PackageTo) > 0 {
		n.packaging = s.clock().Add(time.Duration(s.settings.PackageDelay))
	}
	s.startPackages(n)
	s.emit("signing-session.completed", map[string]string{"id": n.id, "externalReference": n.request.ExternalReference})
	return nil
}

// result makes what a session returns for a document.
func (s *Server) result(ctx context.Context, n *session, original *file, p Person) (*file, error) {
	id, err := s.drawn()
	if err != nil {
		return nil, err
	}
	f := &file{id: id, account: n.account, session: n.id, mimeType: original.mimeType, created: s.clock(), bytes: original.bytes}
	if n.request.flow() == flowAuth {
		f.mimeType = "application/xml"
		f.bytes, err = statement(original, p, s.clock())
		return f, err
	}
	if s.struck(Unsigned, "") {
		return f, nil
	}
	identity, err := s.pki.NorwegianPerson(p.leaf())
	if err != nil {
		return nil, fmt.Errorf("the person's certificate: %w", err)
	}
	times := 1
	if s.struck(SignedTwice, "") {
		times = 2
	}
	if s.struck(Rewritten, "") {
		f.bytes = rewritten(f.bytes)
	}
	for range times {
		if f.bytes, err = s.signer.sign(ctx, f.bytes, identity, s.clock(), s.settings.Level); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// statement stands for the LTV-SDO of an authentication-based signature: it says
// who signed what, and nothing in it is signed.
func statement(original *file, p Person, at time.Time) ([]byte, error) {
	return xml.Marshal(struct {
		XMLName  xml.Name `xml:"simulatedLtvSdo"`
		Document string   `xml:"document"`
		Signer   string   `xml:"signer"`
		Time     string   `xml:"time"`
	}{Document: original.id, Signer: p.GivenName + " " + p.Surname, Time: timestamp(at)})
}

// startPackages packages a collection once each of its documents is signed in
// every session that names it.
func (s *Server) startPackages(n *session) {
	for _, d := range n.request.Documents {
		g := s.groups[d.CollectionID]
		if g == nil || len(g.packageTo) == 0 || !g.packaging.IsZero() {
			continue
		}
		open := false
		for _, other := range s.sessions {
			in := slices.ContainsFunc(other.request.Documents, func(o requestDocument) bool { return o.CollectionID == g.id })
			open = open || in && other.deleted.IsZero() && other.state != stateSigned
		}
		if !open {
			g.packaging = s.clock().Add(time.Duration(s.settings.PackageDelay))
		}
	}
}

// packageUp makes the packages that are due.
func (s *Server) packageUp(now time.Time) {
	for _, n := range s.sessions {
		if !n.packaging.IsZero() && !now.Before(n.packaging) && len(n.packages) == 0 && n.deleted.IsZero() {
			n.packaging = time.Time{}
			n.packages = s.packageOf(n.account, n.id, n.request.Documents[0].DocumentID)
		}
	}
	for _, g := range s.groups {
		if !g.packaging.IsZero() && !now.Before(g.packaging) && len(g.packages) == 0 && g.deleted.IsZero() {
			g.packages = s.packageOf(g.account, "", g.documents[0].DocumentID)
			if len(g.packages) == 0 {
				g.packaging = now.Add(longest) // it failed; nothing tries again
			}
		}
	}
}

// packageOf stands for a package: the first document under the merchant's seal,
// without the pages that the real one adds.
func (s *Server) packageOf(account, session, document string) []packaged {
	id, err := s.drawn()
	if err != nil {
		return nil
	}
	result, err := s.drawn()
	original := s.files[document]
	if err != nil || original == nil || s.struck(PackageFails, "") {
		s.emit("package.failed", map[string]string{"id": id})
		return nil
	}
	sealed, err := s.signer.sign(s.closing, original.bytes, s.pki.Seal(), s.clock(), s.settings.Level)
	if err != nil {
		s.emit("package.failed", map[string]string{"id": id})
		return nil
	}
	s.files[result] = &file{id: result, account: account, session: session, mimeType: "application/pdf", bytes: sealed, created: s.clock()}
	s.emit("package.completed", map[string]string{"id": id})
	return []packaged{{id, pades, result}}
}

func (s *Server) opened(ref string) (SessionView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.find(ref)
	if err != nil {
		return SessionView{}, err
	}
	return s.viewFor(n), nil
}

func (s *Server) openedPage(r *http.Request) (SessionView, error) {
	v, err := s.opened(r.URL.Query().Get("sessionId"))
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.emit("signing-session.opened", map[string]string{"id": v.ID, "externalReference": v.ExternalReference})
	}
	return v, err
}
