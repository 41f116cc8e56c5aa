package pdf

import "bytes"

// lexer cuts tokens out of a source of blocks. It holds one window at a time, so
// that a string or stream of any claimed length costs no memory before its bytes
// are seen, and it allocates nothing for a token that lies within a window.
type lexer struct {
	src    *blocks // nil when buf is the whole input
	buf    []byte
	off    int64 // position of buf[0]
	pos    int64
	end    int64
	limits Limits
	start  int64 // where the current object began, for its size bound
	tokens int
	err    error // of reading; sticky

	text    []byte // of the last token: a name, string, real or word; valid until the next
	number  int64  // of the last token: an integer or a reference's number
	gen     uint16 // of the last token: a reference's generation
	scratch []byte // under text, where a token is not in the window as it is
	names   names
}

const (
	maxObjectBytes  = 16 << 20 // one object without its stream: the largest seen in honest files are /Kids arrays of some MB
	maxObjectTokens = 2_000_000
	maxNameBytes    = 1 << 16
	maxNumberBytes  = 64
)

// tokenKind is what the lexer tells apart.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota // of the input
	tokenWord
	tokenName
	tokenString
	tokenInteger
	tokenReal
	tokenRef
	tokenArray
	tokenArrayEnd
	tokenDict
	tokenDictEnd
)

func newLexer(src *blocks, pos, end int64, limits Limits) *lexer {
	return &lexer{src: src, pos: pos, end: end, start: pos, limits: limits, names: src.names}
}

func newBytesLexer(b []byte, limits Limits) *lexer {
	return &lexer{buf: b, end: int64(len(b)), limits: limits}
}

// window returns the bytes at pos and after it that are at hand; none at the end
// or after a read error.
func (l *lexer) window() []byte {
	i := l.pos - l.off
	if i < 0 || i >= int64(len(l.buf)) {
		if l.pos >= l.end || l.src == nil || l.err != nil {
			return nil
		}
		if l.buf, l.off, l.err = l.src.at(l.pos); l.err != nil {
			return nil
		}
		i = l.pos - l.off
	}
	if n := min(int64(len(l.buf)), l.end-l.off); i < n {
		return l.buf[i:n]
	}
	return nil
}

// peek returns the byte at pos; false at the end or after a read error.
func (l *lexer) peek() (byte, bool) {
	if w := l.window(); len(w) > 0 {
		return w[0], true
	}
	return 0, false
}

func (l *lexer) fail(what string) error {
	if l.err != nil {
		return l.err
	}
	return damaged("%s near byte %d", what, l.pos)
}

// The classes of bytes (ISO 32000-2 7.2.3); what is in neither is regular.
const (
	space     = 1
	delimiter = 2
)

var class = [256]byte{
	0: space, '\t': space, '\n': space, '\f': space, '\r': space, ' ': space,
	'(': delimiter, ')': delimiter, '<': delimiter, '>': delimiter, '[': delimiter, ']': delimiter,
	'{': delimiter, '}': delimiter, '/': delimiter, '%': delimiter,
}

func isSpace(c byte) bool     { return class[c] == space }
func isDelimiter(c byte) bool { return class[c] == delimiter }
func isDigit(c byte) bool     { return c >= '0' && c <= '9' }

// skipSpace passes white space and comments and returns the window after them;
// none at the end.
func (l *lexer) skipSpace() []byte {
	for {
		w := l.window()
		i := 0
		for i < len(w) && class[w[i]] == space {
			i++
		}
		l.pos += int64(i)
		switch {
		case len(w) == 0:
			return nil
		case i == len(w):
		case w[i] == '%':
			l.skipComment()
		default:
			return w[i:]
		}
	}
}

func (l *lexer) skipComment() {
	for w := l.window(); len(w) > 0; w = l.window() {
		for i, c := range w {
			if c == '\n' || c == '\r' {
				l.pos += int64(i)
				return
			}
		}
		l.pos += int64(len(w))
	}
}

// regular reads regular characters, at most one more than maximum. What it
// returns is valid until the lexer moves on.
func (l *lexer) regular(maximum int) []byte {
	w := l.window()
	n := regularRun(w, maximum+1)
	l.pos += int64(n)
	if n < len(w) || n > maximum {
		return w[:n]
	}
	l.scratch = append(l.scratch[:0], w[:n]...) // it may go on in the next window
	for len(l.scratch) <= maximum {
		w = l.window()
		n = regularRun(w, maximum+1-len(l.scratch))
		l.scratch = append(l.scratch, w[:n]...)
		l.pos += int64(n)
		if n == 0 {
			break
		}
	}
	return l.scratch
}

func regularRun(w []byte, maximum int) int {
	w = w[:min(len(w), maximum)]
	for i, c := range w {
		if class[c] != 0 {
			return i
		}
	}
	return len(w)
}

// keyword consumes w if it is next.
func (l *lexer) keyword(w string) bool {
	l.skipSpace()
	mark := l.pos
	if string(l.regular(len(w))) == w {
		return true
	}
	l.pos = mark
	return false
}

// integer reads an unsigned integer of at most 18 digits.
func (l *lexer) integer() (int64, bool) {
	l.skipSpace()
	mark := l.pos
	n, ok := digits(l.regular(18))
	if !ok {
		l.pos = mark
	}
	return n, ok
}

// digits reads b as an unsigned integer of at most 18 digits.
func digits(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// token reads the next token.
func (l *lexer) token() (tokenKind, error) {
	l.tokens++
	if l.tokens > maxObjectTokens || l.pos-l.start > maxObjectBytes {
		return 0, tooComplex("one object is too large")
	}
	w := l.skipSpace()
	if len(w) == 0 {
		return tokenEnd, l.err
	}
	c := w[0]
	switch c {
	case '/':
		l.pos++
		return tokenName, l.nameToken()
	case '(':
		l.pos++
		return tokenString, l.literal()
	case '[':
		l.pos++
		return tokenArray, nil
	case ']':
		l.pos++
		return tokenArrayEnd, nil
	case '<':
		l.pos++
		if c, _ = l.peek(); c == '<' {
			l.pos++
			return tokenDict, nil
		}
		return tokenString, l.hex()
	case '>':
		l.pos++
		if c, _ = l.peek(); c != '>' {
			return 0, l.fail("dictionary not closed")
		}
		l.pos++
		return tokenDictEnd, nil
	}
	if isDigit(c) || c == '-' || c == '+' || c == '.' {
		return l.numberToken()
	}
	const longest = len("false")
	if l.text = l.regular(longest); len(l.text) == 0 {
		return 0, l.fail("unexpected character")
	}
	return tokenWord, nil
}

func (l *lexer) nameToken() error {
	w := l.regular(maxNameBytes)
	if len(w) > maxNameBytes {
		return tooComplex("a name is too long")
	}
	l.text = w
	for i, c := range w {
		if c == '#' {
			l.text = unescapeName(w, i)
			// 7.3.5: readers that keep names as C strings would see a shorter one.
			if bytes.IndexByte(l.text, 0) >= 0 {
				return l.fail("a name holds a zero byte")
			}
			break
		}
	}
	return nil
}

// unescapeName replaces the #XX from the first on (7.3.5). A # that is followed
// by something else stands for itself.
func unescapeName(w []byte, first int) []byte {
	b := append([]byte(nil), w[:first]...)
	for i := first; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) {
			high, ok1 := hexDigit(w[i+1])
			low, ok2 := hexDigit(w[i+2])
			if ok1 && ok2 {
				b = append(b, high<<4|low)
				i += 2
				continue
			}
		}
		b = append(b, w[i])
	}
	return b
}

// numberToken reads an integer, a real, or a reference (which starts like one).
func (l *lexer) numberToken() (tokenKind, error) {
	w := l.regular(maxNumberBytes)
	n, plain := digits(w)
	if !plain {
		if n, ok := digits(w[1:]); ok && !isDigit(w[0]) && w[0] != '.' { // after a sign
			if l.number = n; w[0] == '-' {
				l.number = -n
			}
			return tokenInteger, nil
		}
		l.text = w
		return tokenReal, l.real(w)
	}
	l.number = n
	if n <= 1<<31 && l.reference() {
		return tokenRef, nil
	}
	return tokenInteger, nil
}

// reference reads the rest of a reference, "g R", if that is what is next.
func (l *lexer) reference() bool {
	if w := l.window(); len(w) > 2 && class[w[0]] == space && !isDigit(w[1]) && class[w[1]] != space && w[1] != '%' {
		return false // as most numbers end
	}
	mark := l.pos
	w := l.skipSpace()
	if len(w) > 0 && isDigit(w[0]) && l.pos > mark {
		if gen, ok := l.integer(); ok && gen <= 65535 && l.keyword("R") {
			l.gen = uint16(gen)
			return true
		}
	}
	l.pos = mark
	return false
}

// real says whether w is a real number. Integers beyond 64 bits count as one.
func (l *lexer) real(w []byte) error {
	dots, digits := 0, 0
	for i, c := range w {
		switch {
		case isDigit(c):
			digits++
		case c == '.':
			dots++
		case (c == '-' || c == '+') && i == 0:
		default:
			return l.fail("not a number")
		}
	}
	if dots > 1 || digits == 0 || len(w) > maxNumberBytes {
		return l.fail("not a number")
	}
	return nil
}
