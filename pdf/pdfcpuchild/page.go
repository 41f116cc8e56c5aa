package pdfcpuchild

// Page is the content of an evidence page, in the words and language of the
// caller; nothing is added to it but layout.
type Page struct {
	Language string `json:"language"` // BCP 47, for readers that speak
	Title    string `json:"title"`
	Lead     string `json:"lead"`
	// Notice is a warning beside the lead, as for what was signed in a test.
	Notice string `json:"notice,omitempty"`
	QR     *QR    `json:"qr,omitempty"`

	Sections []Section `json:"sections"`
	// Footer stands on every page, with PageOf, in which %d and %d become the
	// page and the number of pages ("Sida %d av %d").
	Footer string `json:"footer"`
	PageOf string `json:"pageOf"`
}

// QR is an address to scan, with a line under it.
type QR struct {
	URL     string `json:"url"`
	Caption string `json:"caption"`
}

// Section is a heading with items under it.
type Section struct {
	Heading string `json:"heading"`
	Text    string `json:"text,omitempty"`
	Items   []Item `json:"items,omitempty"`
}

// Item is a person, a document or the like; Badge is a word in a frame beside
// the title, such as the assurance.
type Item struct {
	Title string `json:"title"`
	Badge string `json:"badge,omitempty"`
	Lines []Line `json:"lines,omitempty"`
}

// Line is a label and a value; Mono sets digests and ids in a fixed width.
type Line struct {
	Label string `json:"label"`
	Text  string `json:"text"`
	Mono  bool   `json:"mono,omitempty"`
}
