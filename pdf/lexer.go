package pdf

import (
	"strconv"
)

// lexer parses objects out of a source of blocks. It holds one window at a time,
// so that a string or stream of any claimed length costs no memory before its
// bytes are seen.
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
}

const (
	maxObjectBytes  = 16 << 20 // one object without its stream: the largest seen in honest files are /Kids arrays of some MB
	maxObjectTokens = 2_000_000
)

func newLexer(src *blocks, pos, end int64, limits Limits) *lexer {
	return &lexer{src: src, pos: pos, end: end, start: pos, limits: limits}
}

func newBytesLexer(b []byte, limits Limits) *lexer {
	return &lexer{buf: b, end: int64(len(b)), limits: limits}
}

// peek returns the byte at pos; false at the end or after a read error.
func (l *lexer) peek() (byte, bool) {
	if l.pos >= l.end {
		return 0, false
	}
	if i := l.pos - l.off; i >= 0 && i < int64(len(l.buf)) {
		return l.buf[i], true
	}
	if l.src == nil || l.err != nil {
		return 0, false
	}
	l.buf, l.off, l.err = l.src.at(l.pos)
	if l.err != nil {
		return 0, false
	}
	return l.buf[l.pos-l.off], true
}

func (l *lexer) fail(what string) error {
	if l.err != nil {
		return l.err
	}
	return damaged("%s near byte %d", what, l.pos)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) skipSpace() {
	for {
		c, ok := l.peek()
		if !ok {
			return
		}
		switch {
		case isSpace(c):
			l.pos++
		case c == '%':
			for ok && c != '\n' && c != '\r' {
				l.pos++
				c, ok = l.peek()
			}
		default:
			return
		}
	}
}

// word reads regular characters, at most one more than maximum.
func (l *lexer) word(maximum int) string {
	var b []byte
	for len(b) <= maximum {
		c, ok := l.peek()
		if !ok || isSpace(c) || isDelimiter(c) {
			break
		}
		// The rest of the word at once, as far as the window shows it.
		rest := l.buf[l.pos-l.off:]
		rest = rest[:min(int64(len(rest)), l.end-l.pos, int64(maximum+1-len(b)))]
		n := 1
		for n < len(rest) && !isSpace(rest[n]) && !isDelimiter(rest[n]) {
			n++
		}
		l.pos += int64(n)
		if b == nil && n < len(rest) {
			return string(rest[:n])
		}
		b = append(b, rest[:n]...)
	}
	return string(b)
}

// keyword consumes w if it is next.
func (l *lexer) keyword(w string) bool {
	l.skipSpace()
	mark := l.pos
	if l.word(len(w)) == w {
		return true
	}
	l.pos = mark
	return false
}

// integer reads an unsigned integer of at most 18 digits.
func (l *lexer) integer() (int64, bool) {
	l.skipSpace()
	mark, n, digits := l.pos, int64(0), 0
	for {
		c, ok := l.peek()
		if !ok || isSpace(c) || isDelimiter(c) {
			return n, digits > 0
		}
		if !isDigit(c) || digits == 18 {
			l.pos = mark
			return 0, false
		}
		n = n*10 + int64(c-'0')
		digits++
		l.pos++
	}
}

func (l *lexer) object() (Object, error) {
	l.start, l.tokens = l.pos, 0
	return l.value(0)
}

func (l *lexer) value(depth int) (Object, error) {
	if depth > l.limits.MaxDepth {
		return nil, tooComplex("objects nested too deep")
	}
	l.tokens++
	if l.tokens > maxObjectTokens || l.pos-l.start > maxObjectBytes {
		return nil, tooComplex("one object is too large")
	}
	l.skipSpace()
	c, ok := l.peek()
	switch {
	case !ok:
		if l.err != nil {
			return nil, l.err
		}
		return nil, truncated()
	case c == '/':
		return l.parseName()
	case c == '(':
		return l.literal()
	case c == '[':
		return l.array(depth)
	case c == '<':
		l.pos++
		if c, _ = l.peek(); c == '<' {
			l.pos++
			return l.dict(depth)
		}
		return l.hex()
	case isDigit(c) || c == '-' || c == '+' || c == '.':
		return l.number()
	}
	switch l.word(5) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	return nil, l.fail("unexpected word")
}

func (l *lexer) array(depth int) (Object, error) {
	l.pos++
	a := Array{}
	for {
		l.skipSpace()
		if c, _ := l.peek(); c == ']' {
			l.pos++
			return a, nil
		}
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
}

func (l *lexer) dict(depth int) (Object, error) {
	d := Dict{}
	for {
		l.skipSpace()
		c, ok := l.peek()
		if c == '>' {
			l.pos++
			if c, _ = l.peek(); c != '>' {
				return nil, l.fail("dictionary not closed")
			}
			l.pos++
			return d, nil
		}
		if !ok || c != '/' {
			return nil, l.fail("dictionary key expected")
		}
		k, err := l.parseName()
		if err != nil {
			return nil, err
		}
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, twice := d[k]; twice {
			// Readers differ in which of the two they take (first or last).
			return nil, ambiguous("a dictionary near byte %d has the same key twice", l.pos)
		}
		d[k] = v
	}
}

func (l *lexer) parseName() (Name, error) {
	l.pos++
	w := l.word(1 << 16)
	if len(w) > 1<<16 {
		return "", tooComplex("a name is too long")
	}
	var b []byte
	for i := 0; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) {
			if n, err := strconv.ParseUint(w[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, w[i])
	}
	return Name(b), nil
}

// number reads an integer, a real, or a reference (which starts like one).
func (l *lexer) number() (Object, error) {
	w := l.word(64)
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		return l.real(w)
	}
	if n < 0 || n > 1<<31 || !isDigit(w[0]) {
		return Integer(n), nil
	}
	mark := l.pos
	l.skipSpace()
	if c, ok := l.peek(); ok && isDigit(c) && l.pos > mark {
		if gen, ok := l.integer(); ok && gen <= 65535 && l.keyword("R") {
			return Ref{uint32(n), uint16(gen)}, nil
		}
	}
	l.pos = mark
	return Integer(n), nil
}

func (l *lexer) real(w string) (Object, error) {
	dots, digits := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case isDigit(c):
			digits++
		case c == '.':
			dots++
		case (c == '-' || c == '+') && i == 0:
		default:
			return nil, l.fail("not a number")
		}
	}
	if dots > 1 || digits == 0 {
		return nil, l.fail("not a number")
	}
	return Real(w), nil
}
