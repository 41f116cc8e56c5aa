package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/pdf/revocation/online"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// sealFlags say what documents are sealed with: one seal for all tenants by
// flags, or any number by a file. The worker and its health check share them.
type sealFlags struct {
	SealsFile string   `help:"File that says which tenant is sealed with what (see docs/seals.md); instead of the flags for one seal." placeholder:"FILE"`
	SealCert  string   `help:"PEM file with the organisation's seal certificate and chain; or a PKCS #12 file when no key file is given (passphrase in HANDSLAG_SEAL_PASSPHRASE or …_FILE)." placeholder:"FILE"`
	SealKey   string   `help:"PEM file with the key of the seal, readable by its owner alone." placeholder:"FILE"`
	SealLevel string   `default:"B-LTA" enum:"B-B,B-T,B-LT,B-LTA" help:"PAdES level of the seal: B-B, B-T, B-LT or B-LTA."`
	SealPss   bool     `name:"seal-pss" help:"Seal with RSASSA-PSS, where the key is RSA."`
	TsaURLs   []string `name:"tsa-urls" help:"Timestamp authorities (RFC 3161), tried in order." placeholder:"URL"`
}

// given reports whether there is anything about seals.
func (f *sealFlags) given() bool { return f.SealsFile != "" || f.SealCert != "" }

// settings are the file's, or those of one seal for everybody.
func (f *sealFlags) settings() (seals.Settings, error) {
	switch {
	case f.SealsFile != "" && (f.SealCert != "" || f.SealKey != "" || len(f.TsaURLs) > 0):
		return seals.Settings{}, errors.New("HANDSLAG_SEALS_FILE and HANDSLAG_SEAL_CERT, _SEAL_KEY or _TSA_URLS exclude each other")
	case f.SealsFile != "":
		return seals.ReadSettings(f.SealsFile)
	case f.SealCert == "":
		return seals.Settings{}, errors.New("one of HANDSLAG_SEALS_FILE and HANDSLAG_SEAL_CERT must say what documents are sealed with")
	}
	seal := seals.SealSettings{Level: f.SealLevel, PSS: f.SealPss, Timestamps: f.TsaURLs}
	if f.SealKey != "" {
		seal.Key.PEM = &settings.PEM{Certificates: f.SealCert, Key: f.SealKey}
	} else {
		const passphrase = "HANDSLAG_SEAL_PASSPHRASE" //nolint:gosec // the name of a variable
		seal.Key.PKCS12 = &settings.PKCS12{File: f.SealCert, Passphrase: settings.Secret{File: os.Getenv(passphrase + "_FILE")}}
		if os.Getenv(passphrase) != "" {
			seal.Key.PKCS12.Passphrase = settings.Secret{Env: passphrase}
		}
	}
	return seals.Settings{Default: "default", Seals: map[string]seals.SealSettings{"default": seal}}, nil
}

// open loads the seals. One that our own verifier would refuse, or that would
// have timestamps which it refuses, is refused here: sealing would fail when all
// have signed.
func (f *sealFlags) open(ctx context.Context, trust evidence.Trust, known anchors, env bankidsig.Environment) (*seals.Keeper, error) {
	for _, purpose := range []string{"tsa", "seal"} {
		if known[purpose] == nil {
			return nil, fmt.Errorf("HANDSLAG_TRUST_DIR has no file %s.%s.pem", purpose, env)
		}
	}
	return seals.Open(ctx, f.settings, seals.Options{
		Anchors: trust.Seal[env], TimestampAnchors: trust.Timestamp[env],
		Known:      slices.Concat(known["seal"], known["tsa"], known["nbid"]),
		Revocation: &online.Client{HTTP: &http.Client{}, Clock: time.Now},
		HTTP:       &http.Client{}, Getenv: os.Getenv, Clock: time.Now,
	})
}

// tenantSeals gives the seals the shape that activities know.
type tenantSeals struct{ keeper *seals.Keeper }

// Seal implements activities.Seals.
func (t tenantSeals) Seal(tenant signing.TenantID) (activities.Seal, error) {
	s, err := t.keeper.Seal(tenant)
	if err != nil {
		return activities.Seal{}, err
	}
	return activities.Seal{
		Key: s.Key, Chain: s.Chain, PSS: s.PSS,
		Level: s.Level, Stamps: s.Stamps, Revocation: s.Revocation, Known: s.Known,
		Name: s.Name, Reason: s.Reason, Location: s.Location,
	}, nil
}

const (
	settingsLookedAt = 30 * time.Second // how long a changed file may go unnoticed
	termsSpokenOf    = 24 * time.Hour   // how often the log says until when seals and accounts last
)

// keepSeals takes over changed settings and keys, soon after they have changed
// and at once when asked to (SIGHUP), and tells the log how long seals and trust
// anchors last. It ends with ctx.
func keepSeals(ctx context.Context, keeper *seals.Keeper, known anchors, logger *slog.Logger) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, reloadSignals()...)
	defer signal.Stop(asked)
	look, speak := time.NewTicker(settingsLookedAt), time.NewTicker(termsSpokenOf)
	defer look.Stop()
	defer speak.Stop()
	logTerms(keeper, logger)
	known.log(logger)
	for {
		force := false
		select {
		case <-ctx.Done():
			return
		case <-speak.C:
			logTerms(keeper, logger)
			known.log(logger)
			continue
		case <-asked:
			force = true
		case <-look.C:
		}
		changed, err := keeper.Reload(ctx, force)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			logger.Error("the seals stay as they were", "error", err)
		case changed:
			logger.Info("seals reloaded")
			logTerms(keeper, logger)
		}
	}
}

func logTerms(keeper *seals.Keeper, logger *slog.Logger) {
	now := time.Now()
	for _, t := range keeper.Terms() {
		attributes := []any{"seal", t.Seal, "tenants", t.Tenants}
		if !t.Until.IsZero() {
			attributes = append(attributes, "expires", t.Until.UTC(), "days", int(t.Days(now)))
		}
		switch {
		case t.Err != nil:
			logger.Error("a seal cannot be used", append(attributes, "error", t.Err)...)
		case t.Until.Sub(now) < seals.Soon:
			logger.Warn("a seal expires soon", attributes...)
		default:
			logger.Info("a seal is ready", attributes...)
		}
	}
}
