package pdf

// signatureField is a form field of type Sig (ISO 32000-2 12.7.5.5).
type signatureField struct {
	ref      Ref
	name     string // fully qualified
	field    Dict
	value    Dict // nil while unsigned
	valueRef Ref
}

// formFields is what a walk over the interactive form finds.
type formFields struct {
	signatures []signatureField
	names      map[string]int // fully qualified names and how often
	others     int            // fields that are no signatures
	xfa        bool
}

func (f *File) signatureFields() ([]signatureField, error) {
	form, err := f.form()
	if err != nil {
		return nil, err
	}
	return form.signatures, nil
}

// form walks the form once.
func (f *File) form() (*formFields, error) {
	if f.formed != nil {
		return f.formed, nil
	}
	form, err := f.walkForm()
	if err == nil {
		f.formed = form
	}
	return form, err
}

func (f *File) walkForm() (*formFields, error) {
	cat, err := f.catalog()
	if err != nil {
		return nil, err
	}
	out := &formFields{names: map[string]int{}}
	acro, err := f.dict(cat["AcroForm"])
	if err != nil || acro == nil {
		return out, err
	}
	out.xfa = acro["XFA"] != nil
	fields, err := f.array(acro["Fields"])
	if err != nil {
		return nil, err
	}
	w := &fieldWalk{file: f, out: out, seen: map[uint32]bool{}}
	return out, w.each(fields, "", "", 0)
}

type fieldWalk struct {
	file *File
	out  *formFields
	seen map[uint32]bool
}

func (w *fieldWalk) each(fields Array, above string, kind Name, depth int) error {
	if depth > w.file.limits.MaxDepth {
		return tooComplex("form fields nested too deep")
	}
	for _, o := range fields {
		ref, ok := o.(Ref)
		if !ok {
			return damaged("a form field is not an indirect object")
		}
		if w.seen[ref.Num] {
			return loop("form fields")
		}
		w.seen[ref.Num] = true
		d, err := w.file.dict(ref)
		if err != nil {
			return err
		}
		if d == nil {
			continue
		}
		if err := w.one(ref, d, above, kind, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *fieldWalk) one(ref Ref, d Dict, above string, kind Name, depth int) error {
	name := above
	t, named := d["T"].(String)
	if named {
		if name != "" {
			name += "."
		}
		name += fromText(t)
	}
	if k := d.name("FT"); k != "" {
		kind = k
	}
	kids, err := w.file.array(d["Kids"])
	if err != nil {
		return err
	}
	if len(kids) > 0 {
		fields, err := w.areFields(kids, kind)
		if err != nil {
			return err
		}
		if fields {
			return w.each(kids, name, kind, depth+1)
		}
	}
	if named {
		w.out.names[name]++
	}
	if kind != "Sig" {
		w.out.others++
		return nil
	}
	if len(w.out.signatures) >= w.file.limits.MaxSignatures {
		return tooComplex("too many signatures")
	}
	s, err := w.file.signatureField(ref, name, d)
	if err != nil {
		return err
	}
	w.out.signatures = append(w.out.signatures, s)
	return nil
}

// offset is where in the file the signature of a field is; 0 for nowhere.
func (f *File) offset(s signatureField) int64 {
	ref := s.valueRef
	if ref == (Ref{}) {
		ref = s.ref
	}
	e, _ := f.entry(ref.Num)
	if e.kind == entryInStream {
		e, _ = f.entry(e.stream())
	}
	return e.offset
}

func (f *File) signatureField(ref Ref, name string, d Dict) (signatureField, error) {
	s := signatureField{ref: ref, name: name, field: d}
	s.valueRef, _ = d["V"].(Ref)
	var err error
	s.value, err = f.dict(d["V"])
	return s, err
}

// areFields: the kids of a signature field are its widgets, unless they have
// names of their own (12.7.4.2).
func (w *fieldWalk) areFields(kids Array, kind Name) (bool, error) {
	if kind != "Sig" {
		return true, nil
	}
	for _, k := range kids {
		d, err := w.file.dict(k)
		if err != nil {
			return false, err
		}
		if d["T"] != nil {
			return true, nil
		}
	}
	return false, nil
}

// lock is how much an earlier signature forbids.
type lock int

const (
	lockNone    lock = iota
	lockContent      // certified, but further signatures are allowed
	lockAll          // not even a signature may follow
)

// locks reads DocMDP, FieldMDP and /Lock (12.8.2.2, 12.8.2.4, 12.7.5.5). A lock
// that is not understood counts as the strongest.
func (f *File) locks(fields []signatureField) (lock, error) {
	strongest := lockNone
	for _, s := range fields {
		if s.value == nil {
			continue
		}
		if s.field["Lock"] != nil {
			l, err := f.dict(s.field["Lock"])
			if err != nil {
				return 0, err
			}
			strongest = max(strongest, lockOf(l, l.name("Action") == "All"))
		}
		refs, err := f.array(s.value["Reference"])
		if err != nil {
			return 0, err
		}
		for _, o := range refs {
			r, err := f.dict(o)
			if err != nil {
				return 0, err
			}
			p, err := f.dict(r["TransformParams"])
			if err != nil {
				return 0, err
			}
			switch r.name("TransformMethod") {
			case "DocMDP":
				strongest = max(strongest, lockOf(p, false))
			case "FieldMDP":
				strongest = max(strongest, lockOf(Dict{"P": Integer(2)}, p.name("Action") != "Include"))
			default:
				strongest = lockAll
			}
		}
	}
	return strongest, nil
}

func lockOf(params Dict, everything bool) lock {
	p, ok := params["P"].(Integer)
	if everything || ok && p == 1 {
		return lockAll
	}
	return lockContent
}
