package pdf

import "github.com/handslag/handslag/fault"

// signatureKeys are what the writer puts into a signature.
var signatureKeys = map[Name]bool{
	"Type": true, "Filter": true, "SubFilter": true, "ByteRange": true, "Contents": true,
	"M": true, "Name": true, "Reason": true, "Location": true,
}

// seal: one signature field, invisible, on the first page, over all there was.
func (a *addition) seal(form *formFields) (string, error) {
	before, after, err := a.catalogues()
	if err != nil {
		return "", err
	}
	was, is, err := a.pair(before["AcroForm"], after["AcroForm"])
	if err != nil {
		return "", err
	}
	for _, step := range []func() (string, error){a.signedCatalog, a.form} {
		if reason, err := step(); reason != "" || err != nil {
			return reason, err
		}
	}
	const signaturesExistAppendOnly = 3 // 12.7.3, table 225
	held := was == nil || a.holds(before["AcroForm"], after["AcroForm"], use{key: "AcroForm"}) && a.holds(was["Fields"], is["Fields"], use{key: "Fields"})
	if !held || is["SigFlags"] != Integer(signaturesExistAppendOnly) || len(a.widgets) != 1 {
		return "The document's form was changed.", nil
	}
	for _, s := range form.signatures {
		if !a.widgets[s.ref.Num] {
			continue
		}
		if form.names[s.name] != 1 || !a.plain(s) {
			return "A signature was added that is not one of ours.", nil
		}
		a.signed = s
		return a.signedPage(s)
	}
	return "The document's form was changed.", nil
}

// signedWhole: the signature covers the document up to the end of its revision.
func (a *addition) signedWhole() (string, error) {
	r, err := a.now.byteRange(a.signed)
	if _, ok := fault.As(err); ok || err == nil && r.end != a.now.size {
		return "A signature was added that does not cover all of the document before it.", nil
	}
	return "", err
}

// plain: the field and its signature have the entries that the writer gives them.
func (a *addition) plain(s signatureField) bool {
	zero := Array{Integer(0), Integer(0), Integer(0), Integer(0)}
	if s.field["F"] != Integer(132) || !sameObject(s.field["Rect"], zero) || s.value.name("Type") != "Sig" {
		return false
	}
	for k, v := range s.value {
		if !signatureKeys[k] || len(references(nil, v)) > 0 {
			return false
		}
	}
	return len(references(nil, s.field)) == 2 // its page and its signature
}

// signedPage: the signature is on the first page, which changes in nothing else.
func (a *addition) signedPage(s signatureField) (string, error) {
	first, before, err := a.then.firstPage()
	if err != nil {
		return "", err
	}
	if !sameObject(s.field["P"], first) {
		return "A signature was added to another page than the first.", nil
	}
	if reason, err := a.pages(); reason != "" || err != nil {
		return reason, err
	}
	after, err := a.now.dict(first)
	if err != nil {
		return "", err
	}
	if !a.holds(before["Annots"], after["Annots"], use{key: "Annots"}) {
		return "A page was given other annotations.", nil
	}
	return "", nil
}
