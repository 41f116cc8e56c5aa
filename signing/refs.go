package signing

// RevisionRef names one immutable version of a document's bytes. Revision 0 is
// the upload, whatever the collection; later ones belong to a collection.
type RevisionRef struct {
	Tenant     TenantID
	Collection CollectionID
	Document   DocumentID
	Revision   int
	// Evidence names, instead, a version of the document's separate evidence PDF.
	// Its revision 0 is that file as it was made.
	Evidence bool
}

// Revision describes the bytes of a revision. HashState is the state of SHA-256
// after the last byte, so that what is appended can be hashed alone.
type Revision struct {
	Length    int64 // bytes
	Digest    Digest
	HashState []byte
}

// EvidenceRef names a piece of evidence of an attempt, or of the collection
// when Attempt is empty.
type EvidenceRef struct {
	Tenant     TenantID
	Collection CollectionID
	Attempt    AttemptID
	Name       string // a short fixed word, [a-z0-9.-]
}

// AccountRef names an account at a provider.
type AccountRef struct{ Provider, Account string }

// Holder names the attempt that holds a person's one live order.
type Holder struct {
	Tenant      TenantID
	Collection  CollectionID
	Participant ParticipantID
	Attempt     AttemptID
}
