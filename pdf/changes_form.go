package pdf

import "slices"

// form: it grows at its end by signature fields and changes in nothing else.
func (s *step) form() (string, error) {
	const reason = "The document's form was changed."
	before, after, err := s.catalogues()
	if err != nil {
		return "", err
	}
	old, err := s.then.plain(before["AcroForm"])
	if err != nil {
		return "", err
	}
	now, err := s.now.plain(after["AcroForm"])
	if err != nil {
		return reason, onlyReads(err)
	}
	if old == nil && now == nil && sameObject(before["AcroForm"], after["AcroForm"]) {
		return "", nil
	}
	if !s.take(before["AcroForm"], after["AcroForm"], s.inCatalog("AcroForm")) || now == nil {
		return reason, nil
	}
	if !sameBut(old, now, "Fields", "SigFlags", "DR", "DA") {
		return reason, nil
	}
	if sound, err := s.formDefaults(old, now); err != nil || !sound {
		return reason, err
	}
	was, err := s.then.array(old["Fields"])
	if err != nil {
		return "", err
	}
	is, err := s.now.array(now["Fields"])
	if err != nil {
		return "", err
	}
	added, ok := grown(was, is)
	if !ok || !s.take(old["Fields"], now["Fields"], func(r reference) bool { return r.use == use{key: "Fields"} }) {
		return reason, nil
	}
	return s.newFields(added)
}

// formDefaults: flags are set and never cleared; resources and a font for texts
// that there are none of do no harm, and some programs bring them.
func (s *step) formDefaults(old, now Dict) (bool, error) {
	if !sameObject(old["SigFlags"], now["SigFlags"]) {
		was, _ := old["SigFlags"].(Integer)
		is, ok := now["SigFlags"].(Integer)
		if !ok || is < 0 || is > 3 || is&was != was {
			return false, nil
		}
	}
	for _, key := range []Name{"DR", "DA"} {
		if sameObject(old[key], now[key]) {
			continue
		}
		form, err := s.then.form()
		if err != nil || old[key] != nil || form.others > 0 {
			return false, err
		}
		if sound, err := s.own(now[key]); err != nil || !sound {
			return false, err
		}
	}
	return true, nil
}

func (s *step) newFields(added Array) (string, error) {
	const reason = "A form field that is no plain signature was added."
	if len(added) == 0 {
		return "", nil
	}
	form, err := s.now.form()
	if err != nil {
		return "", err
	}
	for _, o := range added {
		ref, ok := o.(Ref)
		i := slices.IndexFunc(form.signatures, func(x signatureField) bool { return x.ref == ref })
		if !ok || i < 0 {
			return reason, nil
		}
		if sound, err := s.newField(form.signatures[i]); err != nil || !sound {
			return reason, err
		}
	}
	return "", nil
}

var (
	// fieldKeys are all that an added signature field may have, widgetKeys all that
	// its widget may: nothing that acts.
	fieldKeys  = map[Name]bool{"FT": true, "T": true, "V": true, "Kids": true, "Lock": true, "Ff": true, "TU": true, "DA": true, "Type": true}
	widgetKeys = map[Name]bool{
		"Type": true, "Subtype": true, "P": true, "F": true, "Rect": true, "AP": true, "MK": true, "Parent": true, "NM": true, "M": true,
		"FT": true, "T": true, "V": true, "Lock": true, "Ff": true, "TU": true, "DA": true, "StructParent": true, "BS": true, "Border": true,
	}
)

// newField: an added field is new, filled by a signature that is new too, and has
// one widget: itself, or its only kid.
func (s *step) newField(f signatureField) (bool, error) {
	if !s.isNew(f.ref) || f.field.name("FT") != "Sig" || f.field["Parent"] != nil || f.field["V"] != Object(f.valueRef) {
		return false, nil
	}
	s.allowed[f.ref.Num] = true
	widget, d := f.ref, f.field
	if f.field["Kids"] != nil {
		kids, ok := f.field["Kids"].(Array)
		if !ok || len(kids) != 1 || !hasOnly(f.field, fieldKeys) {
			return false, nil
		}
		if widget, ok = kids[0].(Ref); !ok || !s.isNew(widget) {
			return false, nil
		}
		var err error
		if d, err = s.now.dict(widget); err != nil || !sameObject(d["Parent"], f.ref) {
			return false, err
		}
		s.allowed[widget.Num] = true
	}
	if !hasOnly(d, widgetKeys) || d.name("Subtype") != "Widget" {
		return false, nil
	}
	if _, ok := rectangleOf(d["Rect"]); !ok {
		return false, nil
	}
	s.widgets[widget.Num] = true
	if !invisible(d) {
		s.shown[f.name] = widget
	}
	for k, v := range d {
		switch k {
		case "P", "V", "Parent":
			continue
		}
		if sound, err := s.own(v); err != nil || !sound {
			return false, err
		}
	}
	if sound, err := s.own(f.field["Lock"]); err != nil || !sound {
		return false, err
	}
	return s.newValue(f, false)
}

func hasOnly(d Dict, keys map[Name]bool) bool {
	for k := range d {
		if !keys[k] {
			return false
		}
	}
	return true
}

// newValue: a signature dictionary that is new and leads nowhere but to itself;
// the transform of a lock may name the catalog as what it is about (12.8.2).
func (s *step) newValue(f signatureField, filled bool) (bool, error) {
	if !s.isNew(f.valueRef) || f.value == nil {
		return false, nil
	}
	for _, ref := range []Ref{f.ref, f.valueRef} {
		if _, err := s.now.plain(ref); err != nil {
			return false, err
		}
	}
	t := f.value.name("Type")
	if t != "" && t != "Sig" && t != "DocTimeStamp" {
		return false, nil
	}
	s.allowed[f.valueRef.Num] = true
	for k, v := range f.value {
		if k == "Reference" {
			refs, err := s.now.array(v)
			if err != nil {
				return false, err
			}
			if ref, ok := v.(Ref); ok && s.isNew(ref) {
				s.allowed[ref.Num] = true
			}
			v = withoutData(refs)
		}
		if sound, err := s.own(v); err != nil || !sound {
			return false, err
		}
	}
	c := Change{Kind: ChangeSignature, Field: f.name, Filled: filled}
	if kindOf(f.value) == KindTimestamp {
		c.Kind = ChangeTimestamp
	}
	s.note(c)
	return true, nil
}

func withoutData(refs Array) Array {
	out := make(Array, len(refs))
	for i, o := range refs {
		out[i] = o
		if d, ok := o.(Dict); ok {
			d = d.clone()
			delete(d, "Data")
			out[i] = d
		}
	}
	return out
}

// filled: a signature field that was there and empty may get its signature, and
// show it in the place that it had.
func (s *step) filled() (string, error) {
	form, err := s.then.form()
	if err != nil {
		return "", err
	}
	after, err := s.now.form()
	if err != nil {
		return "", err
	}
	for _, f := range form.signatures {
		if f.value != nil || !s.changed[f.ref.Num] {
			continue
		}
		i := slices.IndexFunc(after.signatures, func(x signatureField) bool { return x.ref == f.ref })
		if i < 0 {
			return "A form field was removed.", nil
		}
		if sound, err := s.fill(f, after.signatures[i]); err != nil || !sound {
			return "A form field was changed in more than that it was signed.", err
		}
	}
	return "", nil
}

func (s *step) fill(before, after signatureField) (bool, error) {
	if sameObject(before.field, after.field) {
		return true, nil // left to what compares unchanged objects
	}
	if sound, err := s.sameWidget(before.field, after.field); err != nil || !sound {
		return false, err
	}
	s.allowed[before.ref.Num] = true
	if after.field["Rect"] != nil && !invisible(after.field) {
		s.shown[after.name] = before.ref
	}
	kids, err := s.then.array(before.field["Kids"])
	if err != nil {
		return false, err
	}
	for _, k := range kids {
		ref, ok := k.(Ref)
		if !ok || !s.changed[ref.Num] {
			continue
		}
		was, err := s.then.dict(ref)
		if err != nil {
			return false, err
		}
		is, err := s.now.dict(ref)
		if err != nil {
			return false, err
		}
		if sound, err := s.sameWidget(was, is); err != nil || !sound || is["V"] != nil {
			return false, err
		}
		s.allowed[ref.Num] = true
		if !invisible(is) {
			s.shown[after.name] = ref
		}
	}
	return s.newValue(after, true)
}

// sameWidget: but for the signature and its look, the widget is what it was. It
// may be locked and made to print (flags 8 and 3, table 167).
func (s *step) sameWidget(was, is Dict) (bool, error) {
	const lockAndPrint = 128 | 4
	if !sameBut(was, is, "V", "AP", "F", "M", "NM") {
		return false, nil
	}
	before, _ := was["F"].(Integer)
	after, _ := is["F"].(Integer)
	if !sameObject(was["F"], is["F"]) && before|lockAndPrint != after|lockAndPrint {
		return false, nil
	}
	if sameObject(was["AP"], is["AP"]) {
		return true, nil
	}
	return s.own(is["AP"])
}
