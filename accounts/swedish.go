package accounts

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers/bankid"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/providers/qrona"
	"github.com/handslag/handslag/providers/sbab"
	"github.com/handslag/handslag/settings"
)

// BankIDSettings are a relying party of BankID's.
type BankIDSettings struct {
	// BaseURL is https://appapi2.bankid.com/rp/v6.0 or that of the tests,
	// https://appapi2.test.bankid.com/rp/v6.0; empty is the environment's.
	BaseURL string `yaml:"baseURL"`
	// Credentials are the relying party's certificate and key.
	Credentials Credentials `yaml:"credentials"`
	Connection  `yaml:",inline"`
	// RequirePIN makes the person enter the security code even where they allow
	// biometrics.
	RequirePIN bool `yaml:"requirePIN"`
	// CertificatePolicies limits which kinds of BankID may sign, by object
	// identifier; empty allows all.
	CertificatePolicies []string `yaml:"certificatePolicies"`
	// ReturnRisk asks for BankID's risk assessment; it is kept in evidence and
	// decides nothing.
	ReturnRisk bool `yaml:"returnRisk"`
	// StrictOCSP refuses signatures whose OCSP nonce is not bound to them, whose OCSP
	// responder lacks id-pkix-ocsp-nocheck, or that are by a certificate which is for
	// identification alone.
	StrictOCSP bool `yaml:"strictOCSP"`
}

func (*BankIDSettings) provider() string { return bankidName }

func (s *BankIDSettings) files() []*string { return append(s.Credentials.files(), &s.ServerRoots) }

func (s *BankIDSettings) check() error {
	if s.ServerRoots == "" {
		return errors.New("serverRoots: is missing; it is the CA of BankID's API, which no system knows")
	}
	return errors.Join(s.Credentials.check(), s.Connection.check())
}

func (s *BankIDSettings) certificates(o Options) ([]*x509.Certificate, error) {
	return s.Credentials.certificates(o)
}

func (s *BankIDSettings) open(env string, o Options) (adapter, error) {
	base, err := address("baseURL", env, s.BaseURL, map[string]string{
		live: "https://appapi2.bankid.com/rp/v6.0", test: "https://appapi2.test.bankid.com/rp/v6.0",
	})
	if err != nil {
		return nil, err
	}
	pair, chain, err := s.Credentials.load(o)
	if err != nil {
		return nil, err
	}
	if err := inWorld(env, chain); err != nil {
		return nil, err
	}
	roots, err := s.roots(env)
	if err != nil {
		return nil, err
	}
	return opened(bankid.New(bankid.Config{
		BaseURL: base, Credentials: pair, ServerRoots: roots,
		Environment: bankidsig.Environment(env), Anchors: o.BankID,
		RequirePIN: s.RequirePIN, CertificatePolicies: s.CertificatePolicies,
		ReturnRisk: s.ReturnRisk, StrictOCSP: s.StrictOCSP,
		ConnectTimeout: s.ConnectTimeout, RequestTimeout: s.requestTimeout(), Clock: o.Clock,
	}))
}

// IDkollenSettings are a customer of IDkollen's.
type IDkollenSettings struct {
	// BaseURL is https://api.idkollen.se or that of the tests,
	// https://stgapi.idkollen.se; empty is the environment's.
	BaseURL    string          `yaml:"baseURL"`
	AccountID  string          `yaml:"accountID"`
	SecretKey  settings.Secret `yaml:"secretKey"`
	Connection `yaml:",inline"`
	// CallbackURL is where IDkollen is to call us; empty is nowhere. IDkollen has to
	// list it first, or refuses every order.
	CallbackURL string          `yaml:"callbackURL"`
	CallbackKey settings.Secret `yaml:"callbackKey"`
	// UnprovenCallbacks takes callbacks that are not signed for hints all the same.
	UnprovenCallbacks bool `yaml:"unprovenCallbacks"`
	// RequirePIN makes the person enter the security code even where they allow
	// biometrics.
	RequirePIN bool `yaml:"requirePIN"`
	// RequestAddress asks for the person's address, which stays in the raw answer.
	RequestAddress bool `yaml:"requestAddress"`
	// CompanySignatory says that IDkollen has enabled the check of company
	// signatories for the account.
	CompanySignatory bool `yaml:"companySignatory"`
	// StatusEvery is the least time between two status calls, of an order or, with
	// StatusPerAccount, of all; 0 is a second. Workers do not know of each other:
	// with StatusPerAccount, multiply it by their number.
	StatusEvery      time.Duration `yaml:"statusEvery"`
	StatusPerAccount bool          `yaml:"statusPerAccount"`
	// RateLimitStatus is the answer to a status call that came too early; 0 is 429.
	RateLimitStatus int `yaml:"rateLimitStatus"`
}

func (*IDkollenSettings) provider() string { return idkollenName }

func (s *IDkollenSettings) files() []*string {
	return []*string{&s.SecretKey.File, &s.CallbackKey.File, &s.ServerRoots}
}

func (s *IDkollenSettings) check() error { return s.Connection.check() }

func (*IDkollenSettings) certificates(Options) ([]*x509.Certificate, error) { return nil, nil }

func (s *IDkollenSettings) open(env string, o Options) (adapter, error) {
	base, err := address("baseURL", env, s.BaseURL, map[string]string{
		live: "https://api.idkollen.se", test: "https://stgapi.idkollen.se",
	})
	if err != nil {
		return nil, err
	}
	secretKey, err := secret("secretKey", s.SecretKey, o)
	if err != nil {
		return nil, err
	}
	callbackKey, err := optional("callbackKey", s.CallbackKey, o)
	if err != nil {
		return nil, err
	}
	roots, err := s.roots(env)
	if err != nil {
		return nil, err
	}
	return opened(idkollen.New(idkollen.Config{
		BaseURL: base, AccountID: s.AccountID, SecretKey: secretKey, ServerRoots: roots, Environment: env,
		CallbackURL: s.CallbackURL, CallbackKey: callbackKey, UnprovenCallbacks: s.UnprovenCallbacks,
		RequirePIN: s.RequirePIN, RequestAddress: s.RequestAddress, CompanySignatory: s.CompanySignatory,
		StatusEvery: s.StatusEvery, StatusPerAccount: s.StatusPerAccount, RateLimitStatus: s.RateLimitStatus,
		ConnectTimeout: s.ConnectTimeout, RequestTimeout: s.requestTimeout(), Clock: o.Clock,
	}))
}

// SBABSettings are a partner of SBAB's, or a developer in its sandbox.
type SBABSettings struct {
	// BaseURL and TokenURL are empty for SBAB's own, of production or, with
	// SandboxKey, of the sandbox.
	BaseURL      string          `yaml:"baseURL"`
	TokenURL     string          `yaml:"tokenURL"`
	ClientID     string          `yaml:"clientID"`
	ClientSecret settings.Secret `yaml:"clientSecret"`
	// SandboxKey is a developer's personal key, in place of a client.
	SandboxKey settings.Secret `yaml:"sandboxKey"`
	Connection `yaml:",inline"`
	// EndUserIPHeader is the header in which SBAB expects the person's address;
	// empty sends none.
	EndUserIPHeader string `yaml:"endUserIPHeader"`
	// CollectEvery is the pace for a live signing, from 1 s to 2 s; 0 is 1 s.
	CollectEvery time.Duration `yaml:"collectEvery"`
	// AddressBlock and PhoneBlock are how long SBAB blocks a person after starts
	// from two addresses and after phone calls; 0 is 3 minutes and 1 minute.
	AddressBlock time.Duration `yaml:"addressBlock"`
	PhoneBlock   time.Duration `yaml:"phoneBlock"`
}

func (*SBABSettings) provider() string { return sbabName }

func (s *SBABSettings) files() []*string {
	return []*string{&s.ClientSecret.File, &s.SandboxKey.File, &s.ServerRoots}
}

func (s *SBABSettings) check() error { return s.Connection.check() }

func (*SBABSettings) certificates(Options) ([]*x509.Certificate, error) { return nil, nil }

func (s *SBABSettings) open(env string, o Options) (adapter, error) {
	own := map[string]string{live: "https://api.sbab.se/partner/signing/1.0"}
	if s.SandboxKey.Given() {
		own = map[string]string{test: "https://developer.sbab.se/sandbox/partner/signing/1.0"}
		if env == live {
			return nil, errors.New("sandboxKey: is of SBAB's sandbox, where nothing is signed; this account is to be live")
		}
	}
	base, err := address("baseURL", env, s.BaseURL, own)
	if err != nil {
		return nil, err
	}
	if err := hostInWorld("tokenURL", env, s.TokenURL); err != nil {
		return nil, err
	}
	clientSecret, err := optional("clientSecret", s.ClientSecret, o)
	if err != nil {
		return nil, err
	}
	sandboxKey, err := optional("sandboxKey", s.SandboxKey, o)
	if err != nil {
		return nil, err
	}
	roots, err := s.roots(env)
	if err != nil {
		return nil, err
	}
	return opened(sbab.New(sbab.Config{
		BaseURL: base, TokenURL: s.TokenURL, ClientID: s.ClientID, ClientSecret: clientSecret, SandboxKey: sandboxKey,
		Roots: roots, Environment: env, EndUserIPHeader: s.EndUserIPHeader,
		CollectEvery: s.CollectEvery, AddressBlock: s.AddressBlock, PhoneBlock: s.PhoneBlock,
		ConnectTimeout: s.ConnectTimeout, RequestTimeout: s.requestTimeout(), Clock: o.Clock,
	}))
}

// QronaSettings are a customer of Qrona's.
type QronaSettings struct {
	BaseURL    string          `yaml:"baseURL"` // empty is https://bankid.qrona.se
	Token      settings.Secret `yaml:"token"`
	Connection `yaml:",inline"`
	// SendPersonalNumber names the person when an order is made, so that nobody
	// else can complete it; only an older Qrona takes it.
	SendPersonalNumber bool `yaml:"sendPersonalNumber"`
	// CollectEvery is the pace for a live order, from 1 s to 5 s; 0 is 2 s.
	CollectEvery time.Duration `yaml:"collectEvery"`
	// CallTimeout limits a phone call, from more than 3 minutes to 30; 0 is 4.
	CallTimeout time.Duration `yaml:"callTimeout"`
}

func (*QronaSettings) provider() string { return qronaName }

func (s *QronaSettings) files() []*string { return []*string{&s.Token.File, &s.ServerRoots} }

func (s *QronaSettings) check() error { return s.Connection.check() }

func (*QronaSettings) certificates(Options) ([]*x509.Certificate, error) { return nil, nil }

func (s *QronaSettings) open(env string, o Options) (adapter, error) {
	const own = "https://bankid.qrona.se" // the same for tests, as far as is known
	base, err := address("baseURL", env, s.BaseURL, map[string]string{live: own, test: own})
	if err != nil {
		return nil, err
	}
	token, err := secret("token", s.Token, o)
	if err != nil {
		return nil, err
	}
	roots, err := s.roots(env)
	if err != nil {
		return nil, err
	}
	return opened(qrona.New(qrona.Config{
		BaseURL: base, Token: token, Roots: roots, Environment: env, SendPersonalNumber: s.SendPersonalNumber,
		CollectEvery: s.CollectEvery, CallTimeout: s.CallTimeout,
		ConnectTimeout: s.ConnectTimeout, RequestTimeout: s.requestTimeout(), Clock: o.Clock,
	}))
}
