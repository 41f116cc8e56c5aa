package pdf

import (
	"crypto/sha256"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// securityStore: the DSS (12.8.4.3) may come and grow. What it held stays, each
// list in itself, and what is new are streams of one DER value each.
func (s *step) securityStore() (string, error) {
	before, after, err := s.catalogues()
	if err != nil {
		return "", err
	}
	if before["DSS"] == nil && after["DSS"] == nil {
		return "", nil
	}
	const reason = "The validation data of the document was changed in more than what was added."
	was, err := s.then.readStore()
	if err != nil {
		return "", err
	}
	is, err := s.now.readStore()
	if err != nil {
		return "", err
	}
	if !is.sound {
		return reason, nil
	}
	for _, list := range storeLists {
		if kept, err := s.keeps(was.lists[list], is.lists[list]); err != nil || !kept {
			return reason, err
		}
	}
	for key := range was.vri {
		if !is.vri[key] {
			return reason, nil
		}
	}
	return s.storeObjects(was, is)
}

// storeObjects allows the objects of the store: its own dictionaries and lists,
// which serve nothing else, and its new streams.
func (s *step) storeObjects(was, is *securityStore) (string, error) {
	grew := false
	for num := range is.structure {
		if !s.changed[num] {
			continue
		}
		ours := func(r reference) bool {
			return was.structure[r.from] != "" || is.structure[r.from] != "" || r.from == s.root && storeKeys[r.key]
		}
		if _, used := s.then.entry(num); used && (was.structure[num] == "" || !s.uses.only(num, ours)) {
			return "Validation data took the place of something else.", nil
		}
		s.allowed[num], grew = true, true
	}
	known := map[Ref]bool{}
	for _, ref := range was.streams {
		known[ref] = true
	}
	for _, ref := range is.streams {
		if known[ref] { // one that was written again is compared with the rest
			continue
		}
		known[ref] = true
		b, ok, err := s.now.storeEntry(ref)
		if err != nil || !ok || !isDER(b) {
			return "Validation data was added that is none.", onlyReads(err)
		}
		if s.isNew(ref) {
			if sound, err := s.own(ref); err != nil || !sound {
				return "Validation data was added that is none.", err
			}
		}
		grew = true
	}
	if grew {
		s.note(Change{Kind: ChangeValidation})
	}
	return "", nil
}

// keeps: each stream of the older list is in the newer one, as the same object or
// as another of the same content, which some writers make of it.
func (s *step) keeps(was, is []Ref) (bool, error) {
	now := map[Ref]bool{}
	for _, r := range is {
		now[r] = true
	}
	var contents map[[sha256.Size]byte]bool
	for _, r := range was {
		if now[r] && !s.changed[r.Num] {
			continue
		}
		if contents == nil {
			contents = map[[sha256.Size]byte]bool{}
			for _, n := range is {
				if b, ok, err := s.now.storeEntry(n); err != nil {
					return false, err
				} else if ok {
					contents[sha256.Sum256(b)] = true
				}
			}
		}
		if b, ok, err := s.then.storeEntry(r); err != nil || ok && !contents[sha256.Sum256(b)] {
			return false, err
		}
	}
	return true, nil
}

func isDER(b []byte) bool {
	in := cryptobyte.String(b)
	return in.SkipASN1(cbasn1.SEQUENCE) && in.Empty()
}

// information: of /Info (14.3.3) the date of modification and the producer may
// change, as programs have it that write the next revision.
func (s *step) information() (string, error) {
	before, after := s.then.trailer["Info"], s.section.trailer["Info"]
	was, err := s.then.plain(before)
	if err != nil {
		return "", err
	}
	is, err := s.now.plain(after)
	if err != nil {
		return "", err
	}
	if sameObject(was, is) && (was == nil || sameObject(before, after)) {
		return "", nil
	}
	const reason = "The document's information was changed in more than date and producer."
	except := []Name{"ModDate", "Producer"}
	if len(was) == 0 {
		except = append(except, "CreationDate", "Creator")
	}
	if is == nil || !sameBut(was, is, except...) {
		return reason, nil
	}
	for _, key := range except {
		v, err := s.now.resolve(is[key])
		if err != nil {
			return "", err
		}
		if _, text := v.(String); v != nil && !text {
			return reason, nil
		}
		if sound, err := s.own(is[key]); err != nil || !sound {
			return reason, err
		}
	}
	if !s.take(before, after, func(r reference) bool { return r == reference{0, use{key: "Info"}} }) {
		return reason, nil
	}
	if !sameObject(was, is) {
		s.note(Change{Kind: ChangeMetadata})
	}
	return "", nil
}

// idleInformation: some programs leave a dictionary of dates behind that they
// meant for /Info. Nothing refers to it, and it refers to nothing.
func (s *step) idleInformation(num uint32) (bool, error) {
	o, err := s.now.load(Ref{Num: num})
	d, ok := o.(Dict)
	if err != nil || !ok {
		return false, err
	}
	for k, v := range d {
		if _, text := v.(String); !text || k != "CreationDate" && k != "ModDate" && k != "Producer" && k != "Creator" {
			return false, nil
		}
	}
	return len(d) > 0, nil
}

// metadata: the catalog's XMP may be exchanged, as long as it is that and nothing
// else: no page draws it.
func (s *step) metadata() (string, error) {
	before, after, err := s.catalogues()
	if err != nil {
		return "", err
	}
	ref, ok := after["Metadata"].(Ref)
	if sameObject(before["Metadata"], after["Metadata"]) && (!ok || !s.changed[ref.Num]) {
		return "", nil
	}
	const reason = "The document's catalog was changed (/Metadata)."
	if !ok || !s.changed[ref.Num] || !s.take(before["Metadata"], ref, s.inCatalog("Metadata")) {
		return reason, nil
	}
	o, err := s.now.load(ref)
	if err != nil {
		return "", err
	}
	x, ok := o.(*Stream)
	if !ok || x.Dict.name("Type") != "Metadata" {
		return reason, nil
	}
	if err := s.now.harmless(x); err != nil {
		return reason, onlyReads(err)
	}
	if sound, err := s.own(x.Dict); err != nil || !sound {
		return reason, err
	}
	s.note(Change{Kind: ChangeMetadata})
	return "", nil
}
