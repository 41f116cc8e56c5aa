package bankidsig

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth and maxElements leave room for what BankID adds to clientInfo; a
	// real signature has depth 9 and about 60 elements.
	maxDepth    = 16
	maxElements = 1000
)

// element is one element of a document in canonical form. It has text or
// children, never both: BankID writes no white space between elements.
type element struct {
	name       string
	attributes []attribute
	text       string
	children   []*element
	start, end int // its bytes in the document, tags included
}

type attribute struct{ name, value string }

// scanner reads the small, canonical part of XML that BankID emits: start tag,
// text or children, end tag. What XML offers beyond that (prefixes, entities,
// comments, CDATA, processing instructions, a DOCTYPE, empty-element tags,
// apostrophes, white space in tags) is refused where it stands.
type scanner struct {
	in       []byte
	at       int
	elements int
	ids      map[string]bool
	once     map[string]bool
}

// declarations are the forms of the XML declaration, which is outside every
// signed part (Canonical XML 1.0 1.1 drops it).
var declarations = []string{
	`<?xml version="1.0" encoding="UTF-8" standalone="no"?>`,
	`<?xml version="1.0" encoding="UTF-8"?>`,
	"",
}

// scan reads a whole document and returns its root element.
func scan(in []byte) (*element, error) {
	if !utf8.Valid(in) {
		return nil, reject(Malformed, "it is not UTF-8")
	}
	// The names of the parts that are signed or referred to may occur once each,
	// in whatever place, so that no reader can pick another.
	s := &scanner{in: in, ids: map[string]bool{}, once: map[string]bool{
		"Signature": false, "SignedInfo": false, "SignatureValue": false, "KeyInfo": false, "Object": false, "bankIdSignedData": false,
	}}
	for _, d := range declarations {
		if bytes.HasPrefix(in, []byte(d)) {
			s.at = len(d)
			break
		}
	}
	root, err := s.element(1)
	if err != nil {
		return nil, err
	}
	if s.at != len(in) {
		return nil, s.unexpected("there is something after the root element")
	}
	return root, nil
}

func (s *scanner) unexpected(what string) error {
	return reject(UnexpectedStructure, "%s at byte %d", what, s.at)
}

// take moves past literal when it comes next.
func (s *scanner) take(literal string) bool {
	if !bytes.HasPrefix(s.in[s.at:], []byte(literal)) {
		return false
	}
	s.at += len(literal)
	return true
}

func (s *scanner) element(depth int) (*element, error) {
	if s.elements++; depth > maxDepth || s.elements > maxElements {
		return nil, s.unexpected("it is nested too deeply or has too many elements")
	}
	e := &element{start: s.at}
	if err := s.startTag(e); err != nil {
		return nil, err
	}
	if seen, counted := s.once[e.name]; counted {
		if seen {
			return nil, s.unexpected("an element that must be single occurs again")
		}
		s.once[e.name] = true
	}
	if err := s.content(e, depth); err != nil {
		return nil, err
	}
	if !s.take("</" + e.name + ">") {
		return nil, s.unexpected("an end tag is missing")
	}
	e.end = s.at
	return e, nil
}

func (s *scanner) content(e *element, depth int) error {
	text, err := s.chars("<", "text")
	if err != nil {
		return err
	}
	e.text = text
	for !bytes.HasPrefix(s.in[s.at:], []byte("</")) {
		if e.text != "" {
			return s.unexpected("text and elements are mixed")
		}
		child, err := s.element(depth + 1)
		if err != nil {
			return err
		}
		e.children = append(e.children, child)
	}
	return nil
}

func (s *scanner) startTag(e *element) error {
	if !s.take("<") {
		return s.unexpected("there is no start tag")
	}
	var err error
	if e.name, err = s.name(); err != nil {
		return err
	}
	for s.take(" ") {
		a, err := s.attribute()
		if err != nil {
			return err
		}
		if n := len(e.attributes); n > 0 && !canonicalOrder(e.attributes[n-1].name, a.name) {
			return s.unexpected("attributes are repeated or out of order")
		}
		e.attributes = append(e.attributes, a)
	}
	if !s.take(">") {
		return s.unexpected("a start tag is not in canonical form")
	}
	return nil
}

// canonicalOrder is Canonical XML 1.0 2.2 for attributes without prefix: the
// namespace declaration first, then by name.
func canonicalOrder(a, b string) bool {
	return b != "xmlns" && (a == "xmlns" || a < b)
}

func (s *scanner) attribute() (attribute, error) {
	name, err := s.name()
	if err != nil {
		return attribute{}, err
	}
	if !s.take(`="`) {
		return attribute{}, s.unexpected("an attribute is not in canonical form")
	}
	value, err := s.chars(`"`, "an attribute")
	if err != nil {
		return attribute{}, err
	}
	s.at++ // the closing quote, which chars stops at
	if strings.EqualFold(name, "id") {
		if s.ids[value] {
			return attribute{}, reject(DuplicateID, "an Id occurs twice, at byte %d", s.at)
		}
		s.ids[value] = true
	}
	return attribute{name, value}, nil
}

// name reads an element or attribute name without prefix.
func (s *scanner) name() (string, error) {
	from := s.at
	for s.at < len(s.in) && nameByte(s.in[s.at], s.at == from) {
		s.at++
	}
	if s.at == from {
		return "", s.unexpected("there is no plain name")
	}
	return string(s.in[from:s.at]), nil
}

func nameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		return true
	case '0' <= c && c <= '9', c == '-', c == '.':
		return !first
	}
	return false
}

// chars reads up to, and not past, the byte until. It refuses what canonical
// form would write otherwise, and references to anything.
func (s *scanner) chars(until, where string) (string, error) {
	n := bytes.IndexByte(s.in[s.at:], until[0])
	if n < 0 {
		return "", s.unexpected("the document ends inside " + where)
	}
	text := s.in[s.at : s.at+n]
	if i := bytes.IndexFunc(text, notPlain); i >= 0 {
		s.at += i
		return "", s.unexpected("a character is not allowed in " + where)
	}
	s.at += n
	return string(text), nil
}

func notPlain(r rune) bool {
	return r < 0x20 || r == '&' || r == '<' || r == '>' || r == 0x7F || r == 0xFFFE || r == 0xFFFF
}
