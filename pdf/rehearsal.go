package pdf

import "time"

// maxSize leaves room below the greatest object number that is read.
const maxSize = 1 << 30

// rehearse makes the changes that additions, a seal and its proofs will make to the
// document's lists, and throws them away. An upload that cannot take them is to be
// refused now, and not when all have signed it.
func (f *File) rehearse(r *Report) error {
	for _, s := range f.sections {
		if n, _ := s.trailer["Size"].(Integer); n > maxSize {
			return damaged("the number of objects that it states is out of range")
		}
	}
	if f.fresh() > maxSize {
		return damaged("an object number is out of range")
	}
	if r.Locked { // nothing will be added
		return nil
	}
	u := newUpdate(f)
	if r.Signatures == 0 {
		if err := u.attach([]Attachment{{Name: "rehearsal"}}, time.Time{}); err != nil {
			return err
		}
	}
	if _, err := u.addSignatureField("rehearsal"); err != nil {
		return err
	}
	entry := [][]byte{[]byte("rehearsal")}
	return u.store([]shelf{{"Certs", entry}, {"OCSPs", entry}, {"CRLs", entry}})
}
