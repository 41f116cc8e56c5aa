package pdf

func (l *lexer) hex() (Object, error) {
	var b []byte
	half, high := false, byte(0)
	for {
		c, ok := l.peek()
		if !ok {
			return nil, l.fail("string not closed")
		}
		l.pos++
		if c == '>' {
			if half {
				b = append(b, high<<4)
			}
			return String(b), nil
		}
		if isSpace(c) {
			continue
		}
		v, ok := hexDigit(c)
		if !ok {
			return nil, l.fail("not a hexadecimal digit")
		}
		if half {
			b = append(b, high<<4|v)
		}
		half, high = !half, v
		if len(b) > maxObjectBytes {
			return nil, tooComplex("a string is too long")
		}
	}
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func (l *lexer) literal() (Object, error) {
	l.pos++
	var b []byte
	for depth := 1; ; {
		c, ok := l.peek()
		if !ok {
			return nil, l.fail("string not closed")
		}
		l.pos++
		switch c {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return String(b), nil
			}
		case '\r': // ISO 32000-2 7.3.4.2: an end of line reads as one LF
			if n, _ := l.peek(); n == '\n' {
				l.pos++
			}
			c = '\n'
		case '\\':
			b = l.escape(b)
			continue
		}
		b = append(b, c)
		if len(b) > maxObjectBytes {
			return nil, tooComplex("a string is too long")
		}
	}
}

func (l *lexer) escape(b []byte) []byte {
	c, ok := l.peek()
	if !ok {
		return b
	}
	l.pos++
	switch c {
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case '\n':
		return b
	case '\r':
		if n, _ := l.peek(); n == '\n' {
			l.pos++
		}
		return b
	}
	if c < '0' || c > '7' {
		return append(b, c)
	}
	v := c - '0'
	for range 2 {
		n, ok := l.peek()
		if !ok || n < '0' || n > '7' {
			break
		}
		v = v<<3 | (n - '0')
		l.pos++
	}
	return append(b, v)
}
