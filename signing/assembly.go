package signing

import "strings"

// Assembly is the way in which a document gets its result.
type Assembly string

// The ways.
const (
	// AssemblyAppended: the evidence page, the evidence files and our seal follow
	// the upload, in one file.
	AssemblyAppended Assembly = "appended"
	// AssemblySeparate: the document only ever receives signatures, and the
	// evidence is in a sealed PDF of its own that binds it by its digest.
	AssemblySeparate Assembly = "separate"
)

// Nature is what an upload is, as far as it decides what may be added to it.
// The zero value is a plain PDF.
type Nature struct {
	// Signatures counts those that the upload came with. A page or a file after a
	// signature makes validators reject it.
	Signatures int `json:"signatures,omitempty"`
	// Locked says that one of them forbids any further signature, ours too (ISO
	// 32000-2 12.8.2.2, 12.8.2.4, 12.7.5.5).
	Locked bool `json:"locked,omitempty"`
	// PDFA is what it claims to conform to, such as "2B"; "" for nothing.
	PDFA string `json:"pdfa,omitempty"`
}

// onlySignatures reports whether nothing but signatures may be added. Files may
// be associated with a PDF from PDF/A-3 on (ISO 19005-3); in PDF/A-1 and -2 they
// would break the claim.
func (n Nature) onlySignatures() bool {
	return n.Signatures > 0 || n.Locked || strings.HasPrefix(n.PDFA, "1") || strings.HasPrefix(n.PDFA, "2")
}

// Assembly says in which way a document of the collection gets its result. It
// depends on the spec alone, so that it is the same whenever it is asked.
func (s Spec) Assembly(d Document) Assembly {
	if d.onlySignatures() || s.signsDocuments() {
		return AssemblySeparate
	}
	return AssemblyAppended
}
