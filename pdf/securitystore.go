package pdf

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"github.com/handslag/handslag/fault"
)

// keep adds what was collected to the document security store (ISO 32000-2
// 12.8.4.3): certificates, OCSP responses and revocation lists. There is no VRI,
// which would say which signature needs which: EN 319 142-1 discourages it, since
// it is in nobody's signature and tells a verifier nothing.
func (g *growth) keep(ctx context.Context, c *custody) error {
	if err := c.gather(ctx); err != nil {
		return fmt.Errorf("collect proofs of status: %w", err)
	}
	var certificates [][]byte
	for _, one := range c.certificates {
		certificates = append(certificates, one.Raw)
	}
	u := newUpdate(g.file)
	kept := []shelf{{"Certs", certificates}, {"OCSPs", c.proofs.OCSP}, {"CRLs", c.proofs.CRLs}}
	if err := u.store(kept); err != nil || len(u.objects) == 0 {
		return err
	}
	tail, _, err := u.tail()
	if err != nil {
		return err
	}
	after, err := u.reread(g.rev, tail)
	if err != nil {
		return err
	}
	if err := after.stores(kept); err != nil {
		return err
	}
	g.add(tail, after)
	return nil
}

// shelf is one list of the store.
type shelf struct {
	key   Name
	items [][]byte
}

type itemDigest [sha256.Size]byte

// store extends the store that is there, or starts one.
func (u *update) store(shelves []shelf) error {
	root := u.file.trailer["Root"].(Ref) // Open has seen to it
	cat, err := u.dict(root)
	if err != nil {
		return err
	}
	dss, err := u.dict(cat["DSS"])
	if err != nil {
		return err
	}
	ref, own := cat["DSS"].(Ref)
	fresh := dss == nil
	dss = dss.clone()
	if fresh {
		dss["Type"] = Name("DSS")
	}
	grew := false
	for _, s := range shelves {
		changed, err := u.shelve(dss, s)
		if err != nil {
			return err
		}
		grew = grew || changed
	}
	switch {
	case !grew:
		return nil
	case own && !fresh:
		u.put(ref, dss)
		return nil
	}
	cat = cat.clone()
	if cat["DSS"] = dss; fresh { // an object of its own, so that growth leaves the catalog alone
		cat["DSS"] = u.add(dss)
		if err := u.extend(cat); err != nil {
			return err
		}
	}
	u.put(root, cat)
	return nil
}

// shelve adds what is not there yet; it reports whether the store's dictionary
// has to be written.
func (u *update) shelve(dss Dict, s shelf) (bool, error) {
	there, err := u.file.shelved(dss, s.key)
	if err != nil {
		return false, err
	}
	var added []Object
	for _, item := range s.items {
		sum := itemDigest(sha256.Sum256(item))
		if !there[sum] {
			there[sum] = true
			added = append(added, u.addFlate(Dict{}, item))
		}
	}
	if len(added) == 0 {
		return false, nil
	}
	return u.push(dss, s.key, added...)
}

// shelved are the digests of what a list of the store holds.
func (f *File) shelved(dss Dict, key Name) (map[itemDigest]bool, error) {
	items, err := f.items(dss, key)
	there := map[itemDigest]bool{}
	for _, b := range items {
		there[sha256.Sum256(b)] = true
	}
	return there, err
}

// items unpacks a list of the store. What cannot be read counts as nothing: it
// stays, and is of no use.
func (f *File) items(dss Dict, key Name) ([][]byte, error) {
	list, err := f.array(dss[key])
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, o := range list {
		v, err := f.resolve(o)
		if err != nil {
			return nil, err
		}
		s, ok := v.(*Stream)
		if !ok {
			continue
		}
		b, err := f.readStreamBytes(s, maxStoreEntry)
		if _, unreadable := fault.As(err); unreadable {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// storedCertificates are those of the store that parse.
func (f *File) storedCertificates() ([]*x509.Certificate, error) {
	cat, err := f.catalog()
	if err != nil {
		return nil, err
	}
	dss, err := f.dict(cat["DSS"])
	if err != nil {
		return nil, err
	}
	ders, err := f.items(dss, "Certs")
	return parsed(ders), err
}

// extend declares the store to readers of PDF 1.7, in which it is an extension
// of ETSI's (EN 319 142-1 5.6; ISO 32000-2 7.12). PDF 2.0 has it of its own.
func (u *update) extend(cat Dict) error {
	version := u.file.version
	if v := cat.name("Version"); string(v) > version {
		version = string(v)
	}
	if version >= "2.0" {
		return nil
	}
	all, err := u.dict(cat["Extensions"])
	if err != nil || all["ESIC"] != nil {
		return err
	}
	ref, own := cat["Extensions"].(Ref)
	fresh := all == nil
	all = all.clone()
	all["ESIC"] = Dict{"Type": Name("DeveloperExtensions"), "BaseVersion": Name("1.7"), "ExtensionLevel": Integer(1)}
	if own && !fresh {
		u.put(ref, all)
		return nil
	}
	cat["Extensions"] = all
	return nil
}

// stores checks that the store reads back with all that was put into it.
func (f *File) stores(shelves []shelf) error {
	broken := fault.New(fault.Internal, "pdf_update", "The proofs in the document did not read back as they were written.")
	cat, err := f.catalog()
	if err != nil {
		return broken.Because(err)
	}
	dss, err := f.dict(cat["DSS"])
	if err != nil {
		return broken.Because(err)
	}
	for _, s := range shelves {
		there, err := f.shelved(dss, s.key)
		if err != nil {
			return broken.Because(fmt.Errorf("read %s: %w", s.key, err))
		}
		for _, item := range s.items {
			if !there[sha256.Sum256(item)] {
				return broken
			}
		}
	}
	return nil
}
