package pdf

import (
	"cmp"
	"slices"
)

// census goes through every object in use once, in the order of the file, token
// by token and without building any. It counts, it notes who refers to whom, and
// it picks out the few objects with a telling name, which are then built and
// judged in full.
type census struct {
	file  *File
	used  []place // the objects in use, by number
	marks []mark  // of each of them
	// refs[start[i]:stop[i]] are whom object i refers to, as indexes into used.
	start, stop, refs []uint32

	replaced []uint32 // numbers of which there is an older version
	dangling int      // references to what does not exist
	highest  uint32   // number among these
	hints    int64    // where a linearized file's hint stream is

	lex    *lexer
	keys   []uint64 // hashes of the keys of the dictionaries that are open
	object seen
	judge  judge
}

// mark is what the census keeps of an object.
type mark uint8

const (
	markPage      mark = 1 << iota // a leaf of the page tree
	markStream                     // of any kind
	markStructure                  // of the file and not of the document: nothing refers to it
	markReached                    // from a trailer
)

// seen is what the census knows of the object that it is in.
type seen struct {
	telling bool
	length  Object // of the outermost dictionary
	kind    keyword
	outside bool // the outermost dictionary has an /F
}

// maxRefs bounds the memory of a census; as many take over 60 MB in a file.
const maxRefs = 16_000_000

// takeCensus visits every object.
func (f *File) takeCensus() (*census, error) {
	c := &census{file: f, judge: judge{file: f, findings: map[Rule]*Finding{}}}
	c.used, c.replaced = f.newest()
	n := len(c.used)
	c.marks, c.start, c.stop = make([]mark, n), make([]uint32, n), make([]uint32, n)
	const window = 32 << 10
	c.lex = newLexer(&blocks{src: f.src, size: f.size, own: make([]byte, window)}, 0, f.size, f.limits)
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return inFile(c.used[a], c.used[b]) })
	for _, i := range order {
		if err := c.visit(int(i)); err != nil {
			return nil, err
		}
	}
	return c, c.reach()
}

// inFile orders places as they are in the file.
func inFile(a, b place) int {
	return cmp.Or(cmp.Compare(a.e.kind, b.e.kind), cmp.Compare(a.e.offset, b.e.offset), cmp.Compare(a.e.index, b.e.index))
}

// index finds an object in use by its number.
func (c *census) index(num uint32) (int, bool) {
	if len(c.used) == 0 || num < c.used[0].num {
		return 0, false
	}
	if i := int(num - c.used[0].num); i < len(c.used) && c.used[i].num == num {
		return i, true
	}
	return slices.BinarySearchFunc(c.used, num, func(p place, num uint32) int { return cmp.Compare(p.num, num) })
}

func (c *census) visit(i int) error {
	p := c.used[i]
	c.object = seen{}
	c.start[i] = uint32(len(c.refs))
	var err error
	if p.e.kind == entryInStream {
		err = c.packed(p)
	} else {
		err = c.plain(p, i)
	}
	if err != nil {
		return err
	}
	c.stop[i] = uint32(len(c.refs))
	stream := c.marks[i]&markStream != 0
	kind := c.object.kind
	if kind == wordPage && !stream {
		c.marks[i] |= markPage
	}
	if kind == wordLinearized || stream && (kind == wordObjStm || kind == wordXRef) {
		c.marks[i] |= markStructure
	}
	if !c.object.telling {
		return nil
	}
	o, err := c.file.load(Ref{p.num, p.e.gen})
	if err != nil {
		return err
	}
	if d, ok := o.(Dict); ok && c.object.kind == wordLinearized {
		c.hints = hintStream(d)
	}
	return c.judge.object(o, p.num)
}

// hintStream is where the hint stream of a linearized file begins (Annex F.3.3),
// which nothing refers to.
func hintStream(d Dict) int64 {
	h, _ := d["H"].(Array)
	if len(h) == 0 {
		return 0
	}
	n, _ := h[0].(Integer)
	return int64(n)
}

// plain goes through an object that is in the file itself.
func (c *census) plain(p place, i int) error {
	l := c.lex
	if p.e.offset >= c.file.size {
		return truncated()
	}
	l.pos, l.start, l.tokens = p.e.offset, p.e.offset, 0
	if _, err := l.header(&Ref{p.num, p.e.gen}); err != nil {
		return err
	}
	k, err := l.token()
	if err != nil {
		return err
	}
	if err := c.value(l, k, 0); err != nil {
		return err
	}
	if err := c.file.worked(l.pos - p.e.offset); err != nil {
		return err
	}
	if k == tokenDict && l.keyword("stream") {
		c.marks[i] |= markStream
		c.object.telling = c.object.telling || c.object.outside
		if _, _, err := c.file.extent(l, c.object.length); err != nil {
			return err
		}
	}
	return l.closing()
}

// packed goes through an object that is in an object stream.
func (c *census) packed(p place) error {
	os, at, err := c.file.inObjectStream(p.num, p.e)
	if err != nil {
		return err
	}
	l := newBytesLexer(os.data, c.file.limits)
	l.pos, l.start, l.scratch = at, at, c.lex.scratch
	k, err := l.token()
	if err != nil {
		return err
	}
	if k == tokenRef {
		return onlyReference(p.num)
	}
	if err := c.value(l, k, 0); err != nil {
		return err
	}
	c.lex.scratch = l.scratch
	return c.file.worked(l.pos - at)
}

// value goes through what the token begins, by the grammar of lexer.build.
func (c *census) value(l *lexer, k tokenKind, depth int) error {
	if depth > l.limits.MaxDepth {
		return tooComplex("objects nested too deep")
	}
	switch k {
	case tokenString, tokenInteger, tokenReal:
		return nil
	case tokenName:
		if wordOf(l.text) == wordTelling {
			c.object.telling = true
		}
		return nil
	case tokenRef:
		return c.ref(uint32(l.number))
	case tokenArray:
		return c.array(l, depth)
	case tokenDict:
		return c.dict(l, depth)
	case tokenWord:
		switch string(l.text) {
		case "true", "false", "null":
			return nil
		}
	case tokenEnd, tokenArrayEnd, tokenDictEnd:
	}
	return l.misplaced(k)
}

func (c *census) array(l *lexer, depth int) error {
	for {
		k, err := l.token()
		if err != nil || k == tokenArrayEnd {
			return err
		}
		if err := c.value(l, k, depth+1); err != nil {
			return err
		}
	}
}

func (c *census) dict(l *lexer, depth int) error {
	open := len(c.keys)
	for {
		k, err := l.token()
		switch {
		case err != nil:
			return err
		case k == tokenDictEnd:
			c.close(open)
			return nil
		case k != tokenName:
			return l.noKey()
		}
		key := wordOf(l.text)
		c.keys = append(c.keys, keyHash(l.text))
		if k, err = l.token(); err != nil {
			return err
		}
		c.entry(l, key, k, depth)
		if err := c.value(l, k, depth+1); err != nil {
			return err
		}
	}
}

// close compares the keys of the dictionary that ends. Two that may be the same
// make the object telling: building it will tell.
func (c *census) close(open int) {
	keys := c.keys[open:]
	slices.Sort(keys)
	for i := 1; i < len(keys); i++ {
		if keys[i] == keys[i-1] {
			c.object.telling = true
		}
	}
	c.keys = c.keys[:open]
}

// entry notes what an entry of a dictionary says, before its value is passed.
func (c *census) entry(l *lexer, key keyword, value tokenKind, depth int) {
	switch {
	case key == wordTelling:
		c.object.telling = true
	case key == wordF && value == tokenInteger:
		c.object.telling = c.object.telling || l.number&hiddenFlags != 0
	}
	if depth > 0 {
		return
	}
	switch {
	case key == wordF:
		c.object.outside = true
	case key == wordLinearized:
		c.object.kind, c.object.telling = wordLinearized, true
	case key == wordType && value == tokenName:
		c.object.kind = wordOf(l.text)
	case key == wordLength && value == tokenInteger:
		c.object.length = Integer(l.number)
	case key == wordLength && value == tokenRef:
		c.object.length = Ref{uint32(l.number), l.gen}
	}
}

func (c *census) ref(num uint32) error {
	i, ok := c.index(num)
	if !ok {
		c.dangling++
		c.highest = max(c.highest, num)
		return nil
	}
	if len(c.refs) >= maxRefs {
		return tooComplex("too many references")
	}
	c.refs = append(c.refs, uint32(i))
	return nil
}

// page reports whether the reference is to a leaf of the page tree.
func (c *census) page(ref Ref) bool {
	i, ok := c.index(ref.Num)
	return ok && c.marks[i]&markPage != 0 && c.used[i].e.gen == ref.Gen
}

// reach follows the references from the trailers. What it does not come to is no
// part of the document, yet: a later revision can make it one.
func (c *census) reach() error {
	roots := len(c.refs)
	for _, s := range c.file.sections {
		if err := c.trailer(s.trailer, 0); err != nil {
			return err
		}
		if err := c.judge.object(s.trailer, 0); err != nil {
			return err
		}
	}
	var queue []uint32
	next := c.refs[roots:]
	for {
		for _, to := range next {
			if c.marks[to]&markReached == 0 {
				c.marks[to] |= markReached
				queue = append(queue, to)
			}
		}
		if len(queue) == 0 {
			return nil
		}
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		next = c.refs[c.start[i]:c.stop[i]]
	}
}

func (c *census) trailer(o Object, depth int) error {
	if depth > c.file.limits.MaxDepth {
		return tooComplex("objects nested too deep")
	}
	switch v := o.(type) {
	case Ref:
		return c.ref(v.Num)
	case Array:
		for _, e := range v {
			if err := c.trailer(e, depth+1); err != nil {
				return err
			}
		}
	case Dict:
		for _, e := range v {
			if err := c.trailer(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// unreferenced counts the objects that no trailer leads to.
func (c *census) unreferenced() int {
	n := 0
	for i, m := range c.marks {
		if m&(markReached|markStructure) == 0 && (c.hints == 0 || c.used[i].e.offset != c.hints) {
			n++
		}
	}
	return n
}

// replacedContent counts the pages and streams of which there is an older version.
func (c *census) replacedContent() int {
	n := 0
	for _, num := range c.replaced {
		if i, ok := c.index(num); ok && c.marks[i]&(markPage|markStream) != 0 && c.marks[i]&markStructure == 0 {
			n++
		}
	}
	return n
}
