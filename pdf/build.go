package pdf

// names are the names seen so far, so that the thousandth /Type costs no memory.
type names map[string]Name

const (
	maxNames       = 4096
	maxSharedBytes = 64
)

func (n names) of(b []byte) Name {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := Name(b)
	if n != nil && len(n) < maxNames && len(b) <= maxSharedBytes {
		n[string(s)] = s
	}
	return s
}

// object builds the object that the lexer is at.
func (l *lexer) object() (Object, error) {
	l.start, l.tokens = l.pos, 0
	k, err := l.token()
	if err != nil {
		return nil, err
	}
	return l.build(k, 0)
}

// build makes an object of a token and those that belong to it.
func (l *lexer) build(k tokenKind, depth int) (Object, error) {
	if depth > l.limits.MaxDepth {
		return nil, tooComplex("objects nested too deep")
	}
	switch k {
	case tokenName:
		return l.names.of(l.text), nil
	case tokenString:
		return String(l.text), nil
	case tokenInteger:
		return Integer(l.number), nil
	case tokenReal:
		return Real(l.text), nil
	case tokenRef:
		return Ref{uint32(l.number), l.gen}, nil
	case tokenArray:
		return l.array(depth)
	case tokenDict:
		return l.dict(depth)
	case tokenWord:
		switch string(l.text) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		case "null":
			return nil, nil
		}
	case tokenEnd, tokenArrayEnd, tokenDictEnd:
	}
	return nil, l.misplaced(k)
}

// misplaced is the error of a token where an object should begin.
func (l *lexer) misplaced(k tokenKind) error {
	if k == tokenEnd {
		return truncated()
	}
	return l.fail("unexpected word")
}

func (l *lexer) array(depth int) (Object, error) {
	a := Array{}
	for {
		k, err := l.token()
		if err != nil {
			return nil, err
		}
		if k == tokenArrayEnd {
			return a, nil
		}
		v, err := l.build(k, depth+1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
}

func (l *lexer) dict(depth int) (Object, error) {
	d := Dict{}
	for {
		k, err := l.token()
		switch {
		case err != nil:
			return nil, err
		case k == tokenDictEnd:
			return d, nil
		case k != tokenName:
			return nil, l.noKey()
		}
		key := l.names.of(l.text)
		if k, err = l.token(); err != nil {
			return nil, err
		}
		v, err := l.build(k, depth+1)
		if err != nil {
			return nil, err
		}
		if _, twice := d[key]; twice {
			// Readers differ in which of the two they take (first or last).
			return nil, ambiguous("a dictionary near byte %d has the same key twice", l.pos)
		}
		d[key] = v
	}
}

func (l *lexer) noKey() error { return l.fail("dictionary key expected") }
