package signicat

import (
	"net/http"
	"slices"
	"time"
)

// collection is a group of documents that people sign.
type collection struct {
	id, account string
	documents   []grouped
	packageTo   []string
	flow        string // of its sessions; they must not differ
	packaging   time.Time
	packages    []packaged
	deleted     time.Time
}

type grouped struct {
	DocumentID  string `json:"documentId"`
	Description string `json:"description,omitempty"`
}

type packaged struct {
	ID     string `json:"packageId"`
	Type   string `json:"packageType"`
	Result string `json:"resultDocumentId"`
}

type packages struct {
	Packages []packaged `json:"packages"`
}

type collectionView struct {
	ID        string    `json:"id"`
	Documents []grouped `json:"documents"`
	PackageTo []string  `json:"packageTo,omitempty"`
	Output    packages  `json:"output"`
}

const pades = "PADES_CONTAINER"

func (g *collection) view() collectionView {
	return collectionView{g.id, g.documents, g.packageTo, packages{append([]packaged{}, g.packages...)}}
}

func (s *Server) createCollection(c caller, r *http.Request) (int, any, error) {
	var in struct {
		Documents []grouped `json:"documents"`
		PackageTo []string  `json:"packageTo"`
	}
	if err := body(r, &in); err != nil {
		return 0, nil, err
	}
	if len(in.Documents) == 0 {
		return 0, nil, badParameter("documents", "required")
	}
	if err := checkPackageTo(in.PackageTo); err != nil {
		return 0, nil, err
	}
	id, err := s.newID()
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range in.Documents {
		if _, err := s.fileOf(c, d.DocumentID); err != nil {
			return 0, nil, err
		}
	}
	g := &collection{id: id, account: c.account, documents: in.Documents, packageTo: in.PackageTo}
	s.groups[id] = g
	return http.StatusCreated, g.view(), nil
}

func checkPackageTo(to []string) error {
	if slices.ContainsFunc(to, func(p string) bool { return p != pades }) {
		return badParameter("packageTo", "must be "+pades)
	}
	return nil
}

// collectionOf finds a collection of the account. The caller holds the lock.
func (s *Server) collectionOf(c caller, id string) (*collection, error) {
	g := s.groups[id]
	if g == nil || g.account != c.account || !g.deleted.IsZero() {
		return nil, refusal(http.StatusNotFound, "document_collection_not_found", "Could not find document collection")
	}
	return g, nil
}

func (s *Server) showCollection(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.collectionOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.view(), nil
}

func (s *Server) deleteCollection(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.collectionOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	g.deleted = s.clock()
	return http.StatusNoContent, nil, nil
}
