package pdf

import "github.com/handslag/handslag/fault"

// Codes of the faults of reading. Each is one reason that a person can act on;
// the codes of the upload check are beside it in check.go.
const (
	CodeNotPDF      = "pdf_not_pdf"
	CodeTruncated   = "pdf_truncated"
	CodeLeading     = "pdf_leading_data"
	CodeTrailing    = "pdf_trailing_data"
	CodeEncrypted   = "pdf_encrypted"
	CodeLoop        = "pdf_loop"
	CodeBomb        = "pdf_bomb"
	CodeTooComplex  = "pdf_too_complex"
	CodeDamaged     = "pdf_damaged"
	CodeAmbiguous   = "pdf_ambiguous"
	CodeUnsupported = "pdf_unsupported"
)

func notPDF() error {
	return fault.New(fault.Invalid, CodeNotPDF, "The file is not a PDF.")
}

func truncated() error {
	return fault.New(fault.Invalid, CodeTruncated, "The PDF is cut off: its end is missing.")
}

func encrypted() error {
	return fault.New(fault.Invalid, CodeEncrypted, "The PDF is encrypted or has a password; save it without protection and upload it again.")
}

func loop(where string) error {
	return fault.New(fault.Invalid, CodeLoop, "The PDF refers to itself in a circle (%s).", where)
}

func bomb() error {
	return fault.New(fault.Invalid, CodeBomb, "The PDF unpacks to far more data than it should.")
}

func tooComplex(what string) error {
	return fault.New(fault.Invalid, CodeTooComplex, "The PDF is too complex (%s).", what)
}

// damaged formats positions and structure words only, never content.
func damaged(format string, args ...any) error {
	e := fault.New(fault.Invalid, CodeDamaged, format, args...)
	e.Message = "The PDF is damaged: " + e.Message + "."
	return e
}

func ambiguous(format string, args ...any) error {
	e := fault.New(fault.Invalid, CodeAmbiguous, format, args...)
	e.Message = "The PDF can be read in more than one way: " + e.Message + "."
	return e
}

func unsupported(what string) error {
	return fault.New(fault.Invalid, CodeUnsupported, "The PDF uses something that is not supported: %s.", what)
}

func leadingData() error {
	return fault.New(fault.Invalid, CodeLeading, "There is other data in the file before the PDF begins.")
}

func trailingData() error {
	return fault.New(fault.Invalid, CodeTrailing, "There is other data in the file after the PDF ends.")
}
