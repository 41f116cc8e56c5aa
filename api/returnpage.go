package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

//go:embed return.html
var returnHTML string

//go:embed return.css
var returnCSS string

// returnPages are the pages that a provider's own page leads back to. They know
// nothing of the person or the attempt, and so say nothing of how it went.
type returnPages struct {
	page *template.Template
	csp  string
}

func loadReturnPages() (*returnPages, error) {
	page, err := template.New("return").Parse(returnHTML)
	if err != nil {
		return nil, fmt.Errorf("read return.html: %w", err)
	}
	style := sha256.Sum256([]byte(returnCSS))
	return &returnPages{page, "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}, nil
}

// returnPage is the address that a provider is given when the tenant gave none.
func (s *Server) returnPage(l signing.Locale) signing.Private {
	if s.config.PublicURL == "" {
		return ""
	}
	return signing.Private(s.config.PublicURL + "/return/" + providers.ReturnOutcome + "?lang=" + string(l))
}

// GetReturnPage answers GET /return/{outcome}.
func (s *Server) GetReturnPage(_ context.Context, r gen.GetReturnPageRequestObject) (gen.GetReturnPageResponseObject, error) {
	if !r.Outcome.Valid() {
		return nil, errNoRoute
	}
	locale := cmp.Or(preferred(value(r.Params.Lang)), preferred(value(r.Params.AcceptLanguage)), signing.LocaleEN)
	var b bytes.Buffer
	err := s.returns.page.Execute(&b, struct {
		Language signing.Locale
		Style    template.CSS
		Words    returnWords
		Others   []otherLanguage
	}{locale, template.CSS(returnCSS), returnTexts(locale, r.Outcome), otherLanguages(locale)}) //nolint:gosec // a file of ours
	if err != nil {
		return nil, fmt.Errorf("render a return page: %w", err)
	}
	return gen.GetReturnPage200TextHTMLResponse{
		Body: &b, ContentLength: int64(b.Len()),
		Headers: gen.GetReturnPage200ResponseHeaders{ContentLanguage: string(locale), ContentSecurityPolicy: s.returns.csp},
	}, nil
}

// otherLanguage is a link to the same page in another language.
type otherLanguage struct {
	Language signing.Locale
	Name     string
}

func otherLanguages(but signing.Locale) []otherLanguage {
	var others []otherLanguage
	for _, o := range []otherLanguage{
		{signing.LocaleSV, "Svenska"}, {signing.LocaleNB, "Norsk bokmål"}, {signing.LocaleEN, "English"},
	} {
		if o.Language != but {
			others = append(others, o)
		}
	}
	return others
}

// returnWords are what a page says: what to do next, and that it proves nothing.
type returnWords struct{ Title, Next, Note, Languages string }

func returnTexts(l signing.Locale, outcome gen.GetReturnPageParamsOutcome) returnWords {
	w, titles := returnWords{}, map[gen.GetReturnPageParamsOutcome]string{}
	switch l {
	case signing.LocaleSV:
		titles[gen.Success], titles[gen.Cancel], titles[gen.Error] = "Nu kan du gå tillbaka", "Du lämnade underskriften", "Något gick fel"
		w.Next = "Gå tillbaka till sidan där du började. Den visar hur det gick och vad du kan göra nu."
		w.Note, w.Languages = "Du kan stänga den här sidan. Den är ingen bekräftelse på att något är underskrivet.", "Språk"
	case signing.LocaleNB:
		titles[gen.Success], titles[gen.Cancel], titles[gen.Error] = "Nå kan du gå tilbake", "Du forlot signeringen", "Noe gikk galt"
		w.Next = "Gå tilbake til siden der du begynte. Den viser hvordan det gikk og hva du kan gjøre nå."
		w.Note, w.Languages = "Du kan lukke denne siden. Den er ingen bekreftelse på at noe er signert.", "Språk"
	case signing.LocaleEN:
		fallthrough
	default:
		titles[gen.Success], titles[gen.Cancel], titles[gen.Error] = "You can go back now", "You left the signing", "Something went wrong"
		w.Next = "Go back to the page where you started. It shows how it went and what you can do now."
		w.Note, w.Languages = "You may close this page. It is no confirmation that anything is signed.", "Language"
	}
	w.Title = titles[outcome]
	return w
}
