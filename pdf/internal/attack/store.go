package attack

import (
	"fmt"
	"strings"
)

// Store is what a document security store is filled with, DER.
type Store struct {
	Certs, OCSPs, CRLs [][]byte
	More               string // further entries of the store
}

// Keep adds a document security store to b, in an update of its own; a store
// that is there is replaced by one that holds nothing else.
func (k *Kit) Keep(b []byte, s Store) []byte {
	n := Next(b)
	u := Update{Objects: map[int]string{}}
	store := n
	n++
	var text strings.Builder
	text.WriteString("<</Type /DSS")
	for _, part := range []struct {
		key string
		all [][]byte
	}{{"Certs", s.Certs}, {"OCSPs", s.OCSPs}, {"CRLs", s.CRLs}} {
		var refs []string
		for _, der := range part.all {
			u.Objects[n] = Stream("", string(der))
			refs = append(refs, fmt.Sprintf("%d 0 R", n))
			n++
		}
		if refs != nil {
			fmt.Fprintf(&text, " /%s [%s]", part.key, strings.Join(refs, " "))
		}
	}
	u.Objects[store] = text.String() + " " + s.More + ">>"
	root := Root(b)
	u.Objects[root] = With(k.Object(b, root), fmt.Sprintf("/DSS %d 0 R", store))
	return u.On(b)
}

// Certify makes a certification signature that permits what P says: 1 nothing,
// 2 forms and signatures, 3 annotations too.
func (k *Kit) Certify(b []byte, p string, s Signing) []byte {
	s.Value += fmt.Sprintf(" /Reference [<</Type /SigRef /TransformMethod /DocMDP /TransformParams <</Type /TransformParams /V /1.2 %s>>>>]", p)
	value, then := Next(b), s.Catalog
	s.Catalog = func(text string) string {
		text = With(text, fmt.Sprintf("/Perms <</DocMDP %d 0 R>>", value))
		if then != nil {
			return then(text)
		}
		return text
	}
	return k.Sign(b, s)
}
