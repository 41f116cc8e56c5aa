package pdf

import (
	"maps"

	"github.com/handslag/handslag/fault"
)

// signatureKeys are what the writer puts into a signature, plainKeys what it puts
// into its field.
var (
	signatureKeys = map[Name]bool{
		"Type": true, "Filter": true, "SubFilter": true, "ByteRange": true, "Contents": true,
		"M": true, "Name": true, "Reason": true, "Location": true,
	}
	plainKeys = map[Name]bool{"Type": true, "Subtype": true, "FT": true, "T": true, "V": true, "P": true, "F": true, "Rect": true}
)

// explain judges the revision as one after a signature, and takes over what that
// explains. The upload is searched at the end for what it had ready.
func (a *addition) explain() (*step, string, error) {
	s := newStep(a.then, a.now, newUses(), &sheets{})
	reason, err := s.judge()
	maps.Copy(a.allowed, s.allowed)
	return s, reason, err
}

// store: validation data is added, and nothing else.
func (a *addition) store() (string, error) {
	const other = "Something other than a signature was added after a signature."
	s, reason, err := a.explain()
	if reason != "" || err != nil {
		return other, err
	}
	grew := false
	for _, c := range s.changes {
		switch c.Kind {
		case ChangeValidation:
			grew = true
		case ChangeExtensions:
			if ours, err := a.declaresStore(); err != nil || !ours {
				return other, err
			}
		default:
			return other, nil
		}
	}
	if !grew {
		return other, nil
	}
	is, err := a.now.readStore()
	if err != nil {
		return "", err
	}
	for num, key := range is.structure {
		if a.changed[num] {
			a.preparation.holders[num] = use{key: key}
		}
	}
	return "", nil
}

// declaresStore: the one extension that the writer declares is that of the store,
// and it leaves the others and the version alone.
func (a *addition) declaresStore() (bool, error) {
	before, after, err := a.catalogues()
	if err != nil || !sameObject(before["Version"], after["Version"]) {
		return false, err
	}
	was, is, err := a.pair(before["Extensions"], after["Extensions"])
	if err != nil {
		return false, err
	}
	esic := Dict{"Type": Name("DeveloperExtensions"), "BaseVersion": Name("1.7"), "ExtensionLevel": Integer(1)}
	held := before["Extensions"] == nil || a.holds(before["Extensions"], after["Extensions"], use{key: "Extensions"})
	return held && sameBut(was, is, "ESIC") && sameObject(is["ESIC"], esic), nil
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
	added, reason, err := a.explain()
	if reason != "" || err != nil {
		return reason, err
	}
	const signaturesExistAppendOnly = 3 // 12.7.3, table 225
	held := was == nil || a.holds(before["AcroForm"], after["AcroForm"], use{key: "AcroForm"}) && a.holds(was["Fields"], is["Fields"], use{key: "Fields"})
	if !held || is["SigFlags"] != Integer(signaturesExistAppendOnly) || len(added.widgets) != 1 || len(added.changes) != 1 || !sameBut(was, is, "Fields", "SigFlags") {
		return "The document's form was changed.", nil
	}
	for _, s := range form.signatures {
		if !added.widgets[s.ref.Num] {
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
	form := map[Name]Name{"Sig": "ETSI.CAdES.detached", "DocTimeStamp": "ETSI.RFC3161"}[s.value.name("Type")]
	if s.field["F"] != Integer(132) || !sameObject(s.field["Rect"], zero) || form == "" || s.value.name("SubFilter") != form {
		return false
	}
	if form == "ETSI.RFC3161" && s.value["M"] != nil || !hasOnly(s.field, plainKeys) {
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
	after, err := a.now.dict(first)
	if err != nil {
		return "", err
	}
	if !a.holds(before["Annots"], after["Annots"], use{key: "Annots"}) {
		return "A page was given other annotations.", nil
	}
	return "", nil
}
