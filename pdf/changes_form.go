package pdf

import (
	"maps"
	"slices"
)

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

// newFields: each is new, with all that is above it up to the form.
func (s *step) newFields(added Array) (string, error) {
	const reason = "A form field that is no plain signature was added."
	if len(added) == 0 {
		return "", nil
	}
	w := &fieldWalk{file: s.now, out: &s.added, seen: map[uint32]bool{}}
	if err := w.each(added, "", "", 0); err != nil {
		return reason, onlyReads(err)
	}
	if s.added.others > 0 {
		return reason, nil
	}
	known := map[Ref]bool{}
	for _, f := range s.added.signatures {
		known[f.ref] = true
		if sound, err := s.newField(f); err != nil || !sound {
			return reason, err
		}
	}
	for _, o := range added {
		if sound, err := s.newNode(o, nil, known); err != nil || !sound {
			return reason, err
		}
	}
	return "", nil
}

var (
	// nodeKeys are all that a field may have that is only there to name others
	// (12.7.4.1), fieldKeys all that an added signature field may, widgetKeys all
	// that its widget may: nothing that acts.
	nodeKeys   = map[Name]bool{"FT": true, "T": true, "Kids": true, "Parent": true, "Ff": true, "TU": true}
	fieldKeys  = map[Name]bool{"FT": true, "T": true, "V": true, "Kids": true, "Parent": true, "Lock": true, "SV": true, "Ff": true, "TU": true, "DA": true, "Type": true}
	widgetKeys = map[Name]bool{
		"Type": true, "Subtype": true, "P": true, "F": true, "Rect": true, "AP": true, "MK": true, "Parent": true, "NM": true, "M": true,
		"FT": true, "T": true, "V": true, "Lock": true, "SV": true, "Ff": true, "TU": true, "DA": true, "StructParent": true, "BS": true, "Border": true,
	}
)

// newNode: what is above added signature fields is new too, and only names them.
// The walk over them has seen that there is no circle.
func (s *step) newNode(o Object, above Object, known map[Ref]bool) (bool, error) {
	ref, ok := o.(Ref)
	if !ok || !s.isNew(ref) {
		return false, nil
	}
	d, err := s.now.plain(ref)
	if err != nil || d == nil || !sameObject(d["Parent"], above) {
		return false, err
	}
	if known[ref] {
		return true, nil
	}
	s.allowed[ref.Num] = true
	kids, ok := d["Kids"].(Array)
	if !ok || len(kids) == 0 || !hasOnly(d, nodeKeys) {
		return false, nil
	}
	for _, k := range kids {
		if sound, err := s.newNode(k, ref, known); err != nil || !sound {
			return false, err
		}
	}
	return true, nil
}

// newField: an added field is new and has one widget: itself, or its only kid. It
// is filled by a signature that is new too, or it waits for one where nobody can
// see it, as programs prepare it for who signs next.
func (s *step) newField(f signatureField) (bool, error) {
	if !s.isNew(f.ref) || f.name == "" || f.field["FT"] != nil && f.field.name("FT") != "Sig" {
		return false, nil
	}
	s.allowed[f.ref.Num] = true
	widget, d, err := s.newWidget(f)
	if err != nil || d == nil || !hasOnly(d, widgetKeys) || d.name("Subtype") != "Widget" {
		return false, err
	}
	if _, ok := rectangleOf(d["Rect"]); !ok {
		return false, nil
	}
	s.widgets[widget.Num] = true
	if !invisible(d) {
		s.shown[f.name] = append(s.shown[f.name], widget)
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
	if sound, err := s.own(Array{f.field["Lock"], f.field["SV"]}); err != nil || !sound {
		return false, err
	}
	if f.field["V"] == nil {
		s.note(Change{Kind: ChangeField, Field: f.name})
		return invisible(d), nil
	}
	if f.field["V"] != Object(f.valueRef) {
		return false, nil
	}
	return s.newValue(f, false)
}

// newWidget finds the one widget of an added field; no dictionary when there is
// another number of them, or one that is not new.
func (s *step) newWidget(f signatureField) (Ref, Dict, error) {
	if f.field["Kids"] == nil {
		return f.ref, f.field, nil
	}
	kids, ok := f.field["Kids"].(Array)
	if !ok || len(kids) != 1 || !hasOnly(f.field, fieldKeys) {
		return Ref{}, nil, nil
	}
	widget, ok := kids[0].(Ref)
	if !ok || !s.isNew(widget) {
		return Ref{}, nil, nil
	}
	d, err := s.now.plain(widget)
	if err != nil || !sameObject(d["Parent"], f.ref) || d["V"] != nil {
		return Ref{}, nil, err
	}
	s.allowed[widget.Num] = true
	return widget, d, nil
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
	before, err := s.then.form()
	if err != nil {
		return "", err
	}
	for _, f := range before.signatures {
		if f.value != nil || !s.changed[f.ref.Num] {
			continue
		}
		after, err := s.reread(f)
		if err != nil {
			return "", err
		}
		if sound, err := s.fill(f, after); err != nil || !sound {
			return "A form field was changed in more than that it was signed.", err
		}
	}
	return "", nil
}

func (s *step) reread(f signatureField) (signatureField, error) {
	d, err := s.now.plain(f.ref)
	if err != nil {
		return f, err
	}
	return s.now.signatureField(f.ref, f.name, d)
}

// grownForm is the form after a step that nothing is wrong with: as it was, with
// what was filled and added. So a large form is walked once, however many
// revisions follow.
func (s *step) grownForm() (*formFields, error) {
	before, err := s.then.form()
	if err != nil {
		return nil, err
	}
	after := *before
	after.signatures = slices.Clone(before.signatures)
	for i, f := range after.signatures {
		if !s.changed[f.ref.Num] && !s.changed[f.valueRef.Num] {
			continue
		}
		if after.signatures[i], err = s.reread(f); err != nil {
			return nil, err
		}
	}
	if len(s.added.signatures) > 0 {
		after.signatures = append(after.signatures, s.added.signatures...)
		after.names = maps.Clone(before.names)
		for name, n := range s.added.names {
			after.names[name] += n
		}
	}
	return &after, nil
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
		s.shown[after.name] = append(s.shown[after.name], before.ref)
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
			s.shown[after.name] = append(s.shown[after.name], ref)
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
