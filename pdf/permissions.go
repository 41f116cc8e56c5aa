package pdf

import "strings"

// permissions are what a signature allows to come after it: by certification
// (DocMDP, 12.8.2.2), by the fields that it locks (FieldMDP, 12.8.2.4) and by the
// lock of its own field (12.7.5.5).
type permissions struct {
	certifies bool
	final     bool // no further signature at all
	locks     []fieldLock
}

// fieldLock names the fields that a signature closes.
type fieldLock struct {
	action Name
	fields map[string]bool
}

// closes reports whether the field is locked: by its own name, or by the name of
// a field above it.
func (l fieldLock) closes(name string) bool {
	named := l.fields[name]
	for i := strings.LastIndexByte(name, '.'); i >= 0 && !named; i = strings.LastIndexByte(name, '.') {
		name = name[:i]
		named = l.fields[name]
	}
	switch l.action {
	case "Include":
		return named
	case "Exclude":
		return !named
	}
	return true // All, and what is not understood
}

// permissions reads them as the signature's own revision has them. What is not
// understood counts as the strongest.
func (f *File) permissions(s signatureField) (permissions, error) {
	var p permissions
	if s.field["Lock"] != nil {
		l, err := f.dict(s.field["Lock"])
		if err != nil {
			return p, err
		}
		if err := p.lock(f, l); err != nil {
			return p, err
		}
		p.final = p.final || l["P"] == Object(Integer(1))
	}
	refs, err := f.array(s.value["Reference"])
	if err != nil {
		return p, err
	}
	for _, o := range refs {
		r, err := f.dict(o)
		if err != nil {
			return p, err
		}
		params, err := f.dict(r["TransformParams"])
		if err != nil {
			return p, err
		}
		switch r.name("TransformMethod") {
		case "DocMDP":
			p.certifies = true
			level, present := params["P"]
			n, ok := level.(Integer)
			p.final = p.final || present && (!ok || n != 2 && n != 3)
		case "FieldMDP":
			if err := p.lock(f, params); err != nil {
				return p, err
			}
		default:
			p.final = true
		}
	}
	return p, nil
}

func (p *permissions) lock(f *File, d Dict) error {
	l := fieldLock{action: d.name("Action"), fields: map[string]bool{}}
	names, err := f.array(d["Fields"])
	if err != nil {
		return err
	}
	for _, o := range names {
		v, err := f.resolve(o)
		if err != nil {
			return err
		}
		if t, ok := v.(String); ok {
			l.fields[fromText(t)] = true
		}
	}
	p.locks = append(p.locks, l)
	return nil
}

// violated says which of the changes after the signature it forbids. Validation
// data and document timestamps are never changes in this sense (12.8.2.2.1).
func (p *permissions) violated(changes []Change) string {
	for _, c := range changes {
		if c.Kind != ChangeSignature && c.Kind != ChangeField {
			continue
		}
		if p.final {
			return "The signature allows no further one, and one was added."
		}
		for _, l := range p.locks {
			if l.closes(c.Field) {
				return "A field was signed after the signature that it had locked."
			}
		}
	}
	return ""
}

// certification: who certifies is the first to sign (12.8.1), and the catalog
// says so in that revision.
func (f *File) certification(s signatureField, first bool) (string, error) {
	if !first {
		return "The signature certifies a document that was signed already.", nil
	}
	cat, err := f.catalog()
	if err != nil {
		return "", err
	}
	perms, err := f.dict(cat["Perms"])
	if err != nil {
		return "", err
	}
	if perms["DocMDP"] != Object(s.valueRef) {
		return "The document does not name the signature that certifies it.", nil
	}
	return "", nil
}
