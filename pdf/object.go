package pdf

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Object is any PDF object (ISO 32000-2 7.3): nil for null, bool, Integer,
// Real, Name, String, Array, Dict, Ref or *Stream. Objects that a File returns
// are shared: whoever changes one clones it first.
type Object any

// The kinds of object.
type (
	Integer int64
	// Real keeps its spelling, so that copying an object changes no number.
	Real   string
	Name   string
	String string
	Array  []Object
	Dict   map[Name]Object
)

// Ref is an indirect reference.
type Ref struct {
	Num uint32
	Gen uint16
}

// Stream is a stream object; its raw bytes stay where they are until read.
type Stream struct {
	Dict Dict
	raw  *io.SectionReader
}

// alone reports whether the stream can be unpacked with no other object's help.
func (s *Stream) alone() bool {
	_, length := s.Dict["Length"].(Integer)
	return length && len(references(nil, Array{s.Dict["Filter"], s.Dict["DecodeParms"], s.Dict["N"], s.Dict["First"]})) == 0
}

func (d Dict) name(key Name) Name {
	n, _ := d[key].(Name)
	return n
}

func (d Dict) clone() Dict {
	c := make(Dict, len(d)+2)
	maps.Copy(c, d)
	return c
}

// sameObject reports whether two objects are equal in content. Streams are
// equal when their dictionaries and raw bytes are.
func sameObject(a, b Object) bool {
	sa, aIs := a.(*Stream)
	sb, bIs := b.(*Stream)
	if aIs != bIs {
		return false
	}
	if aIs {
		return reflect.DeepEqual(sa.Dict, sb.Dict) && sameBytes(sa.raw, sb.raw)
	}
	return reflect.DeepEqual(a, b)
}

func sameBytes(a, b *io.SectionReader) bool {
	if a.Size() != b.Size() {
		return false
	}
	var ba, bb [4096]byte
	for off := int64(0); off < a.Size(); {
		n := min(int64(len(ba)), a.Size()-off)
		if _, err := a.ReadAt(ba[:n], off); err != nil && err != io.EOF {
			return false
		}
		if _, err := b.ReadAt(bb[:n], off); err != nil && err != io.EOF {
			return false
		}
		if string(ba[:n]) != string(bb[:n]) {
			return false
		}
		off += n
	}
	return true
}

// appendObject writes o in PDF syntax. Keys are sorted so that the same object
// always gives the same bytes: a seal that is made again after a crash differs
// in nothing but its time.
func appendObject(b []byte, o Object) []byte {
	switch v := o.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case Integer:
		return strconv.AppendInt(b, int64(v), 10)
	case Real:
		return append(b, v...)
	case Name:
		return appendName(b, v)
	case String:
		return appendString(b, v)
	case Ref:
		return fmt.Appendf(b, "%d %d R", v.Num, v.Gen)
	case Array:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = appendObject(b, e)
		}
		return append(b, ']')
	case Dict:
		return appendDict(b, v)
	}
	//nolint:forbidigo // a mistake of ours: no document reaches this, only what we write
	panic(fmt.Sprintf("pdf: %T is no object that can be written in place", o))
}

func appendDict(b []byte, d Dict) []byte {
	keys := make([]Name, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y Name) int {
		switch {
		case x == y:
			return 0
		case x == "Type":
			return -1
		case y == "Type" || x > y:
			return 1
		}
		return -1
	})
	b = append(b, "<<"...)
	for _, k := range keys {
		b = appendName(b, k)
		b = append(b, ' ')
		b = appendObject(b, d[k])
		b = append(b, '\n')
	}
	return append(b, ">>"...)
}

func appendName(b []byte, n Name) []byte {
	b = append(b, '/')
	for i := range len(n) {
		c := n[i]
		if c <= ' ' || c >= 0x7f || c == '#' || isDelimiter(c) {
			b = fmt.Appendf(b, "#%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b
}

func appendString(b []byte, s String) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return fmt.Appendf(b, "<%X>", string(s))
		}
	}
	b = append(b, '(')
	for i := range len(s) {
		if c := s[i]; c == '(' || c == ')' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, ')')
}
