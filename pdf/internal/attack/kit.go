package attack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// Kit is a document, a world of certificates, and a form of cross-reference.
type Kit struct {
	World *pdftest.World
	Doc   pdftest.Doc
	Form  string // "table" or "stream"
	t     testing.TB
}

// New returns a kit for a contract of two pages, with more objects as given.
func New(t testing.TB, form string, objects map[int]string) *Kit {
	k := &Kit{World: pdftest.NewWorld(t, pdftest.P256(t)), Doc: pdftest.Pages(2), Form: form, t: t}
	maps.Copy(k.Doc.Objects, objects)
	return k
}

// Numbers in the document of [New].
const (
	Catalog = 1
	Pages   = 2
	Font    = 3
	Info    = 4
	Page1   = 5
	Text1   = 6
	Page2   = 7
	Text2   = 8
)

// Base is the document unsigned.
func (k *Kit) Base() []byte {
	if k.Form == "stream" {
		return k.Doc.ObjStm()
	}
	return k.Doc.Table()
}

// Sealed is the document with our own seal.
func (k *Kit) Sealed() []byte { return k.Seal(k.Base()) }

// Seal adds our own seal.
func (k *Kit) Seal(b []byte) []byte {
	h := &pdf.HashState{}
	h.Write(b)
	tail, err := pdf.Seal(context.Background(), pdf.Revision{Source: bytes.NewReader(b), Size: int64(len(b)), Hash: h},
		pdf.SealOptions{Key: k.World.Seal.Key, Chain: k.World.Seal.Chain(), Time: k.World.Now, Reason: "Sealed", Timestamper: k.World})
	require.NoError(k.t, err)
	return append(bytes.Clone(b), tail...)
}

// Object is the newest body of an object that is no stream in an object stream.
func (k *Kit) Object(b []byte, num int) string {
	mark := fmt.Appendf(nil, "\n%d 0 obj\n", num)
	if i := bytes.LastIndex(b, mark); i >= 0 {
		body, _, _ := strings.Cut(string(b[i+len(mark):]), "\nendobj")
		return body
	}
	body, ok := k.Doc.Objects[num]
	require.True(k.t, ok, "object %d", num)
	return body
}

// With puts entries at the end of a dictionary's text.
func With(dict, entries string) string {
	i := strings.LastIndex(dict, ">>")
	return dict[:i] + " " + entries + dict[i:]
}

// Replace is strings.Replace that insists on finding.
func (k *Kit) Replace(s, old, fresh string) string {
	require.Contains(k.t, s, old)
	return strings.Replace(s, old, fresh, 1)
}

// Edit replaces bytes by others of the same length, padded by spaces.
func (k *Kit) Edit(b []byte, old, fresh string) []byte {
	require.LessOrEqual(k.t, len(fresh), len(old))
	i := bytes.LastIndex(b, []byte(old))
	require.GreaterOrEqual(k.t, i, 0, old)
	out := bytes.Clone(b)
	copy(out[i:], fresh+strings.Repeat(" ", len(old)-len(fresh)))
	return out
}

// Ref reads the number of a reference at a key.
func (k *Kit) Ref(dict, key string) int {
	m := regexp.MustCompile(`/` + key + ` (\d+) 0 R`).FindStringSubmatch(dict)
	require.NotNil(k.t, m, "%s in %s", key, dict)
	n, err := strconv.Atoi(m[1])
	require.NoError(k.t, err)
	return n
}

// Signature is the number of the newest signature's value.
func (k *Kit) Signature(b []byte) int {
	return k.numberBefore(b, bytes.LastIndex(b, []byte("/ByteRange")))
}

// Widget is the number of the newest signature's field.
func (k *Kit) Widget(b []byte) int { return k.numberBefore(b, bytes.LastIndex(b, []byte("/FT /Sig"))) }

func (k *Kit) numberBefore(b []byte, at int) int {
	require.Positive(k.t, at)
	all := regexp.MustCompile(`(\d+) 0 obj`).FindAllSubmatch(b[:at], -1)
	n, err := strconv.Atoi(string(all[len(all)-1][1]))
	require.NoError(k.t, err)
	return n
}

// Signing is a signature that anybody makes, by the rules or against them.
type Signing struct {
	By     *pdftest.Identity // nil: our seal
	Value  string            // further entries of the signature dictionary
	Form   string            // SubFilter; "" is ETSI.CAdES.detached
	Stamp  bool              // a document timestamp instead of a signature
	Widget string            // further entries of the widget
	Rect   string            // "" is [0 0 0 0]
	Name   string            // of the field
	Page   int               // 0 is the first
	Field  int               // an existing field to fill
	// Objects are further ones of the same update; Catalog and Page edit the text
	// that an honest signer would write.
	Objects  map[int]string
	Catalog  func(string) string
	PageText func(string) string
	CMS      func(digest []byte) []byte // instead of an honest one with a timestamp
	Gap      string                     // between the hexadecimal string and the second range
	Update   Update
	Unlisted bool // the field is in no form
	NoWidget bool // and on no page
}

const room = 6 << 10

// Sign signs b as s says.
func (k *Kit) Sign(b []byte, s Signing) []byte {
	if s.By == nil {
		s.By = k.World.Seal
	}
	u := s.Update
	u.Objects = map[int]string{}
	value, widget, form := Next(b), Next(b)+1, Next(b)+2
	page, kind, filter := Page1, "/Sig", "/ETSI.CAdES.detached"
	if s.Page != 0 {
		page = s.Page
	}
	date := fmt.Sprintf("/M (%s)", k.World.Now.Format("D:20060102150405Z"))
	if s.Stamp {
		kind, filter, date = "/DocTimeStamp", "/ETSI.RFC3161", ""
	}
	if s.Form != "" {
		filter = "/" + s.Form
	}
	u.Objects[value] = fmt.Sprintf("<</Type %s /Filter /Adobe.PPKLite /SubFilter %s /ByteRange [0 ########## ########## ##########] %s %s /Contents <%s>%s>>",
		kind, filter, date, s.Value, strings.Repeat("0", 2*room), s.Gap)
	if s.Field != 0 {
		u.Objects[s.Field] = With(k.Object(b, s.Field), fmt.Sprintf("/V %d 0 R %s", value, s.Widget))
	} else {
		k.place(b, u.Objects, s, page, value, widget, form)
	}
	maps.Copy(u.Objects, s.Objects)
	if s.Catalog != nil {
		root := Root(b)
		text, ok := u.Objects[root]
		if !ok {
			text = k.Object(b, root)
		}
		u.Objects[root] = s.Catalog(text)
	}
	return k.fill(u.On(b), len(b), s)
}

// place puts the widget on its page and the field into the form.
func (k *Kit) place(b []byte, objects map[int]string, s Signing, page, value, widget, form int) {
	rect, name := "[0 0 0 0]", fmt.Sprintf("Sig%d", widget)
	if s.Rect != "" {
		rect = s.Rect
	}
	if s.Name != "" {
		name = s.Name
	}
	objects[widget] = fmt.Sprintf("<</Type /Annot /Subtype /Widget /FT /Sig /T (%s) /V %d 0 R /P %d 0 R /F 132 /Rect %s %s>>", name, value, page, rect, s.Widget)
	if !s.NoWidget {
		text := grow(k.Object(b, page), "Annots", widget)
		if s.PageText != nil {
			text = s.PageText(text)
		}
		objects[page] = text
	}
	if s.Unlisted {
		return
	}
	root := Root(b)
	cat := k.Object(b, root)
	switch {
	case strings.Contains(cat, "/AcroForm <<"):
		objects[root] = grow(cat, "Fields", widget)
	case strings.Contains(cat, "/AcroForm"):
		n := k.Ref(cat, "AcroForm")
		objects[n] = grow(k.Object(b, n), "Fields", widget)
	default:
		objects[root] = With(cat, fmt.Sprintf("/AcroForm %d 0 R", form))
		objects[form] = fmt.Sprintf("<</Fields [%d 0 R] /SigFlags 3>>", widget)
	}
}

func grow(dict, key string, num int) string {
	m := regexp.MustCompile(`/` + key + ` \[([^\]]*)\]`)
	if m.MatchString(dict) {
		return m.ReplaceAllString(dict, fmt.Sprintf("/%s [$1 %d 0 R]", key, num))
	}
	return With(dict, fmt.Sprintf("/%s [%d 0 R]", key, num))
}

// fill computes range, digest and signature of the newest signature.
func (k *Kit) fill(out []byte, before int, s Signing) []byte {
	at := before + bytes.Index(out[before:], []byte("/Contents <0000")) + len("/Contents ")
	end := at + 2*room + 2 + len(s.Gap)
	for _, n := range []int{at, end, len(out) - end} {
		i := bytes.Index(out, []byte("##########"))
		require.Positive(k.t, i)
		copy(out[i:], fmt.Sprintf("%-10d", n))
	}
	h := sha256.New()
	h.Write(out[:at])
	h.Write(out[end:])
	digest := h.Sum(nil)
	var der []byte
	switch {
	case s.CMS != nil:
		der = s.CMS(digest)
	case s.Stamp:
		der = k.Token(digest)
	default:
		der = CMS{By: s.By, Digest: digest, Stamps: []Stamp{k.Token}}.Encode(k.t)
	}
	require.LessOrEqual(k.t, len(der), room)
	copy(out[at+1:], fmt.Sprintf("%x", der))
	return out
}

// Token is the world's timestamp over a digest.
func (k *Kit) Token(digest []byte) []byte {
	token, err := k.World.Token(k.World.Stamp, digest, nil)
	require.NoError(k.t, err)
	return token
}
