package pdf

import "encoding/hex"

const (
	maxStoreEntry   = 16 << 20 // a revocation list of a large authority has some MB
	maxStoreEntries = 2048
)

// storeLists are the lists of a DSS, storeKeys all keys under which its own
// dictionaries and lists stand (12.8.4.3, 12.8.4.4).
var (
	storeLists = [...]Name{"Certs", "OCSPs", "CRLs"}
	storeKeys  = map[Name]bool{"DSS": true, "Certs": true, "OCSPs": true, "CRLs": true, "VRI": true, "Cert": true, "OCSP": true, "CRL": true}
)

// securityStore is the document security store as it is written: where its parts
// are. Nothing in it is believed.
type securityStore struct {
	present   bool
	sound     bool // of the form that the standard gives it, and of nothing else
	lists     map[Name][]Ref
	vri       map[Name]bool
	structure map[uint32]Name // objects that are dictionaries or lists of it, by the key they stand under
	streams   []Ref           // every stream, also those that only a VRI names
}

// readStore reads the DSS of the newest revision. One that is not of its form is
// no fault: it is a store that is not sound.
func (f *File) readStore() (*securityStore, error) {
	s := &securityStore{lists: map[Name][]Ref{}, vri: map[Name]bool{}, structure: map[uint32]Name{}, sound: true}
	cat, err := f.catalog()
	if err != nil {
		return nil, err
	}
	w := &storeWalk{file: f, store: s}
	d, err := w.dict(cat["DSS"], "DSS")
	if err != nil || d == nil {
		return s, err
	}
	s.present = true
	for key, v := range d {
		switch key {
		case "Type":
			s.sound = s.sound && v == Object(Name("DSS"))
		case "Certs", "OCSPs", "CRLs":
			if s.lists[key], err = w.streams(v, key); err != nil {
				return nil, err
			}
		case "VRI":
			if err := w.related(v); err != nil {
				return nil, err
			}
		default:
			s.sound = false
		}
	}
	return s, nil
}

type storeWalk struct {
	file  *File
	store *securityStore
}

func (w *storeWalk) note(o Object, key Name) {
	if ref, ok := o.(Ref); ok {
		w.store.structure[ref.Num] = key
	}
}

func (w *storeWalk) dict(o Object, key Name) (Dict, error) {
	w.note(o, key)
	v, err := w.file.resolve(o)
	if err != nil || v == nil {
		return nil, err
	}
	d, ok := v.(Dict)
	if !ok {
		w.store.sound = false
	}
	return d, nil
}

func (w *storeWalk) streams(o Object, key Name) ([]Ref, error) {
	w.note(o, key)
	v, err := w.file.resolve(o)
	if err != nil || v == nil {
		return nil, err
	}
	list, ok := v.(Array)
	if !ok || len(w.store.streams)+len(list) > maxStoreEntries {
		w.store.sound = false
		return nil, nil
	}
	var refs []Ref
	for _, e := range list {
		ref, ok := e.(Ref)
		if !ok {
			w.store.sound = false
			continue
		}
		refs = append(refs, ref)
	}
	w.store.streams = append(w.store.streams, refs...)
	return refs, nil
}

// related reads what is kept for single signatures, under the digests of their
// contents.
func (w *storeWalk) related(o Object) error {
	all, err := w.dict(o, "VRI")
	if err != nil {
		return err
	}
	for name, v := range all {
		if name == "Type" {
			continue
		}
		if _, err := hex.DecodeString(string(name)); err != nil {
			w.store.sound = false
		}
		w.store.vri[name] = true
		one, err := w.dict(v, name)
		if err != nil {
			return err
		}
		for key, v := range one {
			switch key {
			case "Cert", "OCSP", "CRL":
				if _, err := w.streams(v, key); err != nil {
					return err
				}
			case "TS":
				if ref, ok := v.(Ref); ok {
					w.store.streams = append(w.store.streams, ref)
				}
			case "Type", "TU":
			default:
				w.store.sound = false
			}
		}
	}
	return nil
}

// storeEntry unpacks an entry; not ok when it is no stream. It does so once for all
// states of a document: each renewal adds to the store and keeps what it held.
func (f *File) storeEntry(ref Ref) ([]byte, bool, error) {
	o, err := f.load(ref)
	if err != nil {
		return nil, false, err
	}
	x, ok := o.(*Stream)
	if !ok {
		return nil, false, nil
	}
	e, _ := f.entry(ref.Num)
	if b, known := f.work.stored[e.offset]; known && x.alone() {
		return b, true, nil
	}
	b, err := f.readStreamBytes(x, maxStoreEntry)
	if err == nil && x.alone() {
		f.work.stored[e.offset] = b
	}
	return b, err == nil, err
}
