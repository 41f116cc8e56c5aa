package pdf

// hex reads a hexadecimal string after its bracket into text.
func (l *lexer) hex() error {
	b := l.scratch[:0]
	half, high := false, byte(0)
	for {
		w := l.window()
		if len(w) == 0 {
			return l.fail("string not closed")
		}
		for i, c := range w {
			v := hexValue[c] - 1
			switch {
			case v < 16 && half:
				b = append(b, high<<4|v)
				half = false
				continue
			case v < 16:
				half, high = true, v
				continue
			case isSpace(c):
				continue
			}
			l.pos += int64(i)
			if c != '>' {
				return l.fail("not a hexadecimal digit")
			}
			l.pos++
			if half {
				b = append(b, high<<4)
			}
			l.text, l.scratch = b, b
			return nil
		}
		l.pos += int64(len(w))
		if len(b) > maxObjectBytes {
			return tooComplex("a string is too long")
		}
	}
}

// hexValue is one more than the value of each digit.
var hexValue = [256]byte{
	'0': 1, '1': 2, '2': 3, '3': 4, '4': 5, '5': 6, '6': 7, '7': 8, '8': 9, '9': 10,
	'a': 11, 'b': 12, 'c': 13, 'd': 14, 'e': 15, 'f': 16, 'A': 11, 'B': 12, 'C': 13, 'D': 14, 'E': 15, 'F': 16,
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

// literal reads a string in parentheses after the first into text.
func (l *lexer) literal() error {
	b := l.scratch[:0]
	for depth := 1; ; {
		w := l.window()
		if len(w) == 0 {
			return l.fail("string not closed")
		}
		n := plainRun(w)
		b = append(b, w[:n]...)
		l.pos += int64(n)
		if len(b) > maxObjectBytes {
			return tooComplex("a string is too long")
		}
		if n == len(w) {
			continue
		}
		l.pos++
		switch c := w[n]; c {
		case '(':
			depth++
			b = append(b, c)
		case ')':
			if depth--; depth == 0 {
				l.text, l.scratch = b, b
				return nil
			}
			b = append(b, c)
		case '\r': // ISO 32000-2 7.3.4.2: an end of line reads as one LF
			if n, _ := l.peek(); n == '\n' {
				l.pos++
			}
			b = append(b, '\n')
		case '\\':
			b = l.escape(b)
		}
	}
}

// plainRun counts the bytes of a string that stand for themselves.
func plainRun(w []byte) int {
	for i, c := range w {
		if c == '(' || c == ')' || c == '\\' || c == '\r' {
			return i
		}
	}
	return len(w)
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
