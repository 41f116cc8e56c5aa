package signicat

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

const (
	flowPKI    = "PKISIGNING"
	flowAuth   = "AUTHENTICATION_BASED"
	vendorNBID = "NBID"
)

// request is an element of the array that creates sessions.
type request struct {
	Title             string             `json:"title"`
	Documents         []requestDocument  `json:"documents"`
	Setup             []setup            `json:"signingSetup"`
	Signer            *requestSigner     `json:"signer,omitempty"`
	ExternalReference string             `json:"externalReference,omitempty"`
	DueDate           *time.Time         `json:"dueDate,omitempty"`
	PackageTo         []string           `json:"packageTo,omitempty"`
	PreAuthentication *preAuthentication `json:"preAuthentication,omitempty"`
	Redirects         *redirects         `json:"redirectSettings,omitempty"`
	SenderDisplayName string             `json:"senderDisplayName,omitempty"`
	SignText          string             `json:"signText,omitempty"`
	SubsequentTo      []string           `json:"subsequentTo,omitempty"`
	UI                *ui                `json:"ui,omitempty"`
	Archive           *archive           `json:"archive,omitempty"`
	RestrictedUse     string             `json:"restrictedUse,omitempty"`
}

type (
	requestDocument struct {
		Action       string `json:"action"`
		CollectionID string `json:"documentCollectionId"`
		DocumentID   string `json:"documentId"`
	}
	setup struct {
		Flow              string            `json:"signingFlow"`
		IdentityProviders []identityName    `json:"identityProviders,omitempty"`
		Vendor            string            `json:"vendor,omitempty"`
		Additional        map[string]string `json:"additionalParameters,omitempty"`
		Requested         []string          `json:"requestedAttributes,omitempty"`
	}
	identityName struct {
		Name string `json:"idpName"`
	}
	requestSigner struct {
		Email       string   `json:"email,omitempty"`
		Mobile      string   `json:"mobile,omitempty"`
		NIN         string   `json:"nationalIdentificationNumber,omitempty"`
		Validations []string `json:"validations,omitempty"`
	}
	preAuthentication struct {
		Enabled           *bool          `json:"enabled"`
		IdentityProviders []identityName `json:"identityProviders,omitempty"`
	}
	redirects struct {
		Success string `json:"success"`
		Cancel  string `json:"cancel"`
		Error   string `json:"error"`
	}
	ui struct {
		Language string `json:"language"`
	}
	archive struct {
		Send      bool   `json:"sendSignatureResultsToArchive"`
		Retention string `json:"retentionPeriod"`
	}
)

var (
	duration     = regexp.MustCompile(`^P([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?$`)
	elevenDigits = regexp.MustCompile(`^[0-9]{11}$`)
	vendors      = []string{vendorNBID, "SBID", "BUYPASS", "AUDKENNI", "SMARTID", "SK_MOBILEID", "ESTEID"}
	languages    = []string{"da", "de", "en", "fi", "nb", "nn", "sv"}
)

// readRequests reads the array. An object is refused, as integrators found out.
func readRequests(r *http.Request) ([]request, error) {
	var raw json.RawMessage
	if err := body(r, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 || raw[0] != '[' {
		return nil, badRequest("The request body must be an array of signing sessions")
	}
	var all []request
	if err := strictly(raw, &all); err != nil {
		return nil, badRequest("The request body could not be read: %s", err.Error())
	}
	if len(all) == 0 {
		return nil, badRequest("The array is empty")
	}
	return all, nil
}

// check applies the rules that need nothing but the request.
func (q *request) check(now time.Time, v Settings) error {
	switch {
	case q.Title == "":
		return badParameter("title", "required")
	case len(q.Documents) == 0:
		return badParameter("documents", "required")
	case len(q.Setup) == 0:
		return badParameter("signingSetup", "required")
	case q.DueDate != nil && (!q.DueDate.After(now) || q.DueDate.After(now.Add(30*24*time.Hour))):
		return badParameter("dueDate", "must be in the future and at most 30 days away")
	case q.UI != nil && !slices.Contains(languages, q.UI.Language):
		return badRequest("ui.language must be one of da, de, en, fi, nb, nn, sv")
	case q.PreAuthentication != nil && q.PreAuthentication.Enabled == nil:
		return badParameter("preAuthentication.enabled", "required")
	case q.Archive != nil && (!duration.MatchString(q.Archive.Retention) || q.Archive.Retention == "P"):
		return badParameter("archive.retentionPeriod", "must be an ISO 8601 duration")
	}
	if err := checkPackageTo(q.PackageTo); err != nil {
		return err
	}
	for _, d := range q.Documents {
		if d.Action != "SIGN" && d.Action != "VIEW" {
			return badParameter("documents.action", "must be SIGN or VIEW")
		}
	}
	if err := q.checkRedirects(); err != nil {
		return err
	}
	if err := q.checkSetup(v); err != nil {
		return err
	}
	return q.checkSigner()
}

func (q *request) checkRedirects() error {
	if q.Redirects == nil {
		return nil
	}
	for name, to := range map[string]string{"success": q.Redirects.Success, "cancel": q.Redirects.Cancel, "error": q.Redirects.Error} {
		if u, err := url.Parse(to); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return badParameter("redirectSettings."+name, "must be an address")
		}
	}
	return nil
}

func (q *request) checkSetup(v Settings) error {
	for _, one := range q.Setup {
		switch {
		case one.Flow != q.Setup[0].Flow:
			return badRequest("Signing methods cannot be mixed")
		case one.Flow == flowAuth && len(one.IdentityProviders) == 0:
			return badParameter("signingSetup.identityProviders", "required")
		case one.Flow == flowAuth:
		case one.Flow != flowPKI:
			return badParameter("signingSetup.signingFlow", "must be "+flowPKI+" or "+flowAuth)
		case !slices.Contains(vendors, one.Vendor):
			return badParameter("signingSetup.vendor", "unknown")
		case one.Vendor != vendorNBID:
			return badRequest("The simulated account has Norwegian BankID alone")
		case len(q.PackageTo) > 0 && !v.AllowsPackages:
			return badRequest("packageTo is not supported with PKI signing")
		case q.RestrictedUse == "noUse" || q.RestrictedUse == "NO_USE":
			return badRequest("The certificate would not hold the national identity number")
		}
	}
	return nil
}

func (q *request) checkSigner() error {
	if q.Signer == nil {
		return nil
	}
	for _, v := range q.Signer.Validations {
		if v != "NATIONAL_IDENTIFICATION_NUMBER" {
			return badParameter("signer.validations", "unknown")
		}
		if q.Signer.NIN == "" {
			return badParameter("signer.nationalIdentificationNumber", "required by its validation")
		}
	}
	if q.Signer.NIN != "" && !elevenDigits.MatchString(q.Signer.NIN) {
		return badParameter("signer.nationalIdentificationNumber", "must be eleven digits")
	}
	return nil
}

// validates reports whether only the person named may sign.
func (q *request) validates() bool { return q.Signer != nil && len(q.Signer.Validations) > 0 }

func (q *request) flow() string { return q.Setup[0].Flow }
