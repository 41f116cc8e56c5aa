package signicat

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of a session.
const (
	stateBlocked  = "BLOCKED"
	stateReady    = "READY"
	stateSigned   = "SIGNED"
	stateRejected = "REJECTED"
)

// session is one signer's.
type session struct {
	id, account string
	page        string // what its signatureUrl holds; not the id
	request     request
	created     time.Time
	state       string // READY, SIGNED or REJECTED; that it is blocked follows from others
	reason      string // of a rejection
	signatures  []signature
	packages    []packaged
	packaging   time.Time // when its package is done
	archive     string
	deleted     time.Time
}

type signature struct {
	Result     string `json:"resultDocumentId"`
	Type       string `json:"signatureType"`
	Original   string `json:"originalDocumentId,omitempty"`
	Collection string `json:"documentCollectionId,omitempty"`
}

// view is a session as the API shows it.
type view struct {
	request

	ID           string    `json:"id"`
	SignatureURL string    `json:"signatureUrl"`
	Created      string    `json:"createdAt"`
	Lifecycle    lifecycle `json:"lifecycle"`
	ArchiveID    string    `json:"archiveDocumentId,omitempty"`
	Output       output    `json:"output"`
}

type lifecycle struct {
	State  string `json:"state"`
	Final  bool   `json:"stateIsFinal"`
	Reason string `json:"rejectionReason,omitempty"`
}

type output struct {
	Signatures []signature `json:"signatures"`
	Packages   []packaged  `json:"packages"`
}

func (n *session) due() time.Time {
	if n.request.DueDate != nil {
		return *n.request.DueDate
	}
	return n.created.Add(longest)
}

// stateOf needs the lock, as do the functions below that it does not take.
func (s *Server) stateOf(n *session) string {
	if n.state != stateReady {
		return n.state
	}
	for _, id := range n.request.SubsequentTo {
		if before := s.sessions[id]; before == nil || before.state != stateSigned {
			return stateBlocked
		}
	}
	return stateReady
}

func (s *Server) view(n *session) view {
	state := s.stateOf(n)
	v := view{
		request: n.request, ID: n.id, SignatureURL: strings.TrimSuffix(s.settings.SignURL, "/") + "/sign/?sessionId=" + n.page,
		Created: timestamp(n.created), ArchiveID: n.archive,
		Lifecycle: lifecycle{State: state, Final: state == stateSigned || state == stateRejected},
		Output:    output{append([]signature{}, n.signatures...), append([]packaged{}, n.packages...)},
	}
	if s.settings.ShowsReason {
		v.Lifecycle.Reason = n.reason
	}
	if s.settings.EchoesNothing {
		v.request = request{ExternalReference: n.request.ExternalReference}
	}
	return v
}

// createSessions makes all sessions of the array or none, which is an assumption.
func (s *Server) createSessions(c caller, r *http.Request) (int, any, error) {
	all, err := readRequests(r)
	if err != nil {
		return 0, nil, err
	}
	ids := make([]string, 2*len(all))
	for i := range ids {
		if ids[i], err = s.newID(); err != nil {
			return 0, nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	for i := range all {
		if err := all[i].check(now, s.settings); err != nil {
			return 0, nil, err
		}
		if err := s.checkDocuments(c, all[i]); err != nil {
			return 0, nil, err
		}
	}
	views := make([]view, len(all))
	for i, q := range all {
		n := &session{id: ids[2*i], page: ids[2*i+1], account: c.account, request: q, created: now, state: stateReady}
		s.sessions[n.id] = n
		for _, d := range q.Documents {
			s.groups[d.CollectionID].flow = q.flow()
		}
		views[i] = s.view(n)
	}
	return http.StatusCreated, views, nil
}

// checkDocuments applies the rules about what a session refers to.
func (s *Server) checkDocuments(c caller, q request) error {
	kind := ""
	for _, d := range q.Documents {
		f, err := s.fileOf(c, d.DocumentID)
		if err != nil {
			return err
		}
		g, err := s.collectionOf(c, d.CollectionID)
		if err != nil {
			return err
		}
		switch {
		case !slices.ContainsFunc(g.documents, func(m grouped) bool { return m.DocumentID == d.DocumentID }):
			return badRequest("The document is not in the document collection")
		case len(g.packages) > 0:
			return badRequest("The document collection is closed")
		case g.flow != "" && g.flow != q.flow():
			return badRequest("Signing methods cannot be mixed in a document collection")
		case q.flow() == flowPKI && len(g.packageTo) > 0 && !s.settings.AllowsPackages:
			return badRequest("packageTo is not supported with PKI signing")
		case q.flow() == flowPKI && f.mimeType != "application/pdf":
			return badRequest("PKI signing takes PDF documents")
		case kind != "" && kind != f.mimeType:
			return badRequest("The documents of a session must have one type")
		}
		kind = f.mimeType
	}
	for _, id := range q.SubsequentTo {
		if _, err := s.sessionOf(c, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) sessionOf(c caller, id string) (*session, error) {
	n := s.sessions[id]
	if n == nil || n.account != c.account || !n.deleted.IsZero() {
		return nil, refusal(http.StatusNotFound, "signing_session_not_found", "Could not find signing session")
	}
	return n, nil
}

func (s *Server) showSession(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.sessionOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	v := s.view(n)
	if s.struck(UnknownState, EndpointGet) {
		v.Lifecycle.State, v.Lifecycle.Final = "SOMETHING_NEW", false
	}
	return http.StatusOK, v, nil
}

func (s *Server) deleteSession(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.sessionOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	s.remove(n, s.clock())
	return http.StatusNoContent, nil, nil
}

// remove deletes a session softly, with its results and with the originals that
// no other session needs.
func (s *Server) remove(n *session, now time.Time) {
	n.deleted = now
	for _, f := range s.files {
		if f.deleted.IsZero() && (f.session == n.id || n.names(f.id) && !s.needed(f.id)) {
			f.deleted = now
		}
	}
}

func (n *session) names(document string) bool {
	return slices.ContainsFunc(n.request.Documents, func(d requestDocument) bool { return d.DocumentID == document })
}

func (s *Server) needed(document string) bool {
	for _, n := range s.sessions {
		if n.deleted.IsZero() && n.names(document) {
			return true
		}
	}
	return false
}

// settle does what time has done by now.
func (s *Server) settle(now time.Time) {
	for _, n := range s.sessions {
		if n.deleted.IsZero() && !now.Before(n.due()) {
			s.remove(n, n.due())
		}
	}
	for _, f := range s.files {
		orphan := f.session == "" && !now.Before(f.created.Add(orphanLife)) && !s.everNamed(f.id)
		if f.deleted.IsZero() && orphan {
			f.deleted = f.created.Add(orphanLife)
		}
		if !f.deleted.IsZero() && !f.archived && !now.Before(f.deleted.Add(purgeAfter)) {
			f.bytes = nil
		}
	}
	s.packageUp(now)
}

func (s *Server) everNamed(document string) bool {
	for _, n := range s.sessions {
		if n.names(document) {
			return true
		}
	}
	return false
}

type page struct {
	Data   []view `json:"data"`
	Count  int    `json:"count"`
	Limit  int    `json:"limit"`
	Offset int    `json:"offset"`
	Total  int    `json:"total"`
}

const maxPage = 100

func (s *Server) listSessions(c caller, r *http.Request) (int, any, error) {
	number := func(name string, otherwise, least, most int) (int, error) {
		given := r.URL.Query().Get(name)
		if given == "" {
			return otherwise, nil
		}
		n, err := strconv.Atoi(given)
		if err != nil || n < least || n > most {
			return 0, badParameter(name, "out of range")
		}
		return n, nil
	}
	limit, err := number("limit", 20, 1, maxPage)
	if err != nil {
		return 0, nil, err
	}
	offset, err := number("offset", 0, 0, 1<<30)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*session
	for _, n := range s.sessions {
		if n.account == c.account && n.deleted.IsZero() {
			all = append(all, n)
		}
	}
	if err := order(all, r.URL.Query()["sort"]); err != nil {
		return 0, nil, err
	}
	p := page{Data: []view{}, Limit: limit, Offset: offset, Total: len(all)}
	for _, n := range all[min(offset, len(all)):min(offset+limit, len(all))] {
		p.Data = append(p.Data, s.view(n))
	}
	p.Count = len(p.Data)
	return http.StatusOK, p, nil
}

// order sorts by one field or several, each with a direction. The ids, which are
// in order of time, settle the rest.
func order(all []*session, by []string) error {
	if len(by) == 0 {
		by = []string{"-createdAt"}
	}
	for _, field := range by {
		if name := strings.TrimLeft(field, "+- "); name != "createdAt" && name != "dueDate" {
			return badParameter("sort", "unknown")
		}
	}
	slices.SortFunc(all, func(a, b *session) int {
		for _, field := range by {
			c := a.created.Compare(b.created)
			if strings.HasSuffix(field, "dueDate") {
				c = a.due().Compare(b.due())
			} else if c == 0 {
				c = strings.Compare(a.id, b.id)
			}
			if strings.HasPrefix(field, "-") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return strings.Compare(b.id, a.id)
	})
	return nil
}

// tooFast counts the calls of a second.
func (s *Server) tooFast(now time.Time) bool {
	if s.settings.RequestsPerSecond == 0 {
		return false
	}
	if at := now.Unix(); at != s.second {
		s.second, s.calls = at, 0
	}
	s.calls++
	return s.calls > s.settings.RequestsPerSecond
}
