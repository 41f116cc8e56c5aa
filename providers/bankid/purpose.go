package bankid

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// visibleFormat is how every text of ours is shown.
const visibleFormat = "simpleMarkdownV1"

// purpose is what a method asks BankID for. All that differs between a signature
// and an identification is decided here, so that what an answer is held against
// follows from what was asked for.
type purpose struct {
	path       string // of the call, after phone/ where somebody is called
	assurance  signing.Assurance
	proof      string // what the XML signature is kept as
	identifies bool
	// needsText says that BankID demands a visible text.
	needsText                 bool
	maxVisible, maxNonVisible int // in characters of base64
}

func purposeOf(m signing.Method) (purpose, bool) {
	switch m {
	case signing.MethodBankIDSE:
		return purpose{
			path: "sign", assurance: signing.AssuranceVerified, proof: providers.ProofXML,
			needsText: true, maxVisible: maxVisible, maxNonVisible: maxNonVisible,
		}, true
	case signing.MethodBankIDSEIdentify:
		return purpose{
			path: "auth", assurance: signing.AssuranceIdentified, proof: providers.ProofIdentification,
			identifies: true, maxVisible: maxIdentify, maxNonVisible: maxIdentify,
		}, true
	case signing.MethodBankIDSEProcess, signing.MethodNBIDPKI:
	}
	return purpose{}, false
}

// nonVisible is what goes with the text: the manifest itself to sign, and a
// digest of it to identify with, where BankID takes 1,500 characters only.
func (p purpose) nonVisible(manifest []byte) []byte {
	if p.identifies {
		return signing.IdentificationData(manifest)
	}
	return manifest
}

// texts checks what the person is shown and what goes with it.
func (p purpose) texts(text signing.Private, manifest []byte) (texts, error) {
	visible, nonVisible := text.Reveal(), p.nonVisible(manifest)
	switch {
	case visible == "" && p.needsText:
		return texts{}, invalid("/visibleText", "required", "There is no text to sign.")
	case !utf8.ValidString(visible):
		return texts{}, invalid("/visibleText", "encoding", "The text is not UTF-8.")
	case base64.StdEncoding.EncodedLen(len(visible)) > p.maxVisible:
		return texts{}, invalid("/visibleText", "too_long", "The text is longer than %d bytes.", base64.StdEncoding.DecodedLen(p.maxVisible))
	case base64.StdEncoding.EncodedLen(len(nonVisible)) > p.maxNonVisible:
		return texts{}, invalid("/manifest", "too_long", "The manifest is longer than %d bytes.", base64.StdEncoding.DecodedLen(p.maxNonVisible))
	}
	return texts{
		Visible: base64.StdEncoding.EncodeToString([]byte(visible)), VisibleFormat: formatOf(visible),
		NonVisible: base64.StdEncoding.EncodeToString(nonVisible),
	}, nil
}

// formatOf says how a text is shown; nothing is shown in no format.
func formatOf(visible string) string {
	if visible == "" {
		return ""
	}
	return visibleFormat
}

// expectation is what the answer to such an order must say.
func (p purpose) expectation(x providers.Expectation, relyingParty string) bankidsig.Expectation {
	visible := x.VisibleText.Reveal()
	return bankidsig.Expectation{
		// Never nil: nothing sent means nothing signed.
		VisibleText: append([]byte{}, visible...), VisibleFormat: formatOf(visible),
		NonVisibleData: append([]byte{}, p.nonVisible(x.Manifest)...),
		Signer:         bankidsig.Private(x.Signer.Reveal()), RelyingParty: relyingParty,
		StartedAt: x.StartedAt, CollectedAt: x.CollectedAt,
	}
}
