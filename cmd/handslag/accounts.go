package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/activities"
	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/signing"
)

// worldFlags say in which world an installation is. Api and worker must be given
// the same.
type worldFlags struct {
	Environment string `required:"" enum:"live,test,simulator" help:"The world that signatures count in: live, test or simulator."`
	TrustDir    string `required:"" help:"Directory of trust anchors: <bankid-se|nbid|seal|tsa>.<environment>.pem." placeholder:"DIR"`
}

// accountFlags say through which accounts people sign. Api, worker and the
// worker's health check share them.
type accountFlags struct {
	AccountsFile string `help:"File that says through which accounts at providers people sign (see docs/accounts.md)." placeholder:"FILE"`
}

func (f *accountFlags) accountSettings() (accounts.Settings, error) {
	if f.AccountsFile == "" {
		return accounts.Settings{}, errors.New("HANDSLAG_ACCOUNTS_FILE must say through which accounts people sign (see docs/accounts.md)")
	}
	return accounts.ReadSettings(f.AccountsFile)
}

// open loads the accounts. One of another world is refused here: each signature
// made through it would be refused when the person has made it.
func (f *accountFlags) openAccounts(w worldFlags, trust evidence.Trust) (*accounts.Keeper, error) {
	return accounts.Open(f.accountSettings, accounts.Options{
		Environment: w.Environment, BankID: trust.BankID, Getenv: os.Getenv, Clock: time.Now,
	})
}

// anchors reads the trust anchors of the installation's world, and no others.
func (w worldFlags) anchors() (evidence.Trust, error) { return loadTrust(w.TrustDir, w.Environment) }

// tenantAccounts gives the accounts the shape that activities know.
type tenantAccounts struct{ *accounts.Keeper }

// Provider implements activities.Providers.
func (t tenantAccounts) Provider(tenant signing.TenantID, provider, account string) (activities.Account, error) {
	a, err := t.Keeper.Provider(tenant, provider, account)
	return activities.Account(a), err
}

var (
	_ activities.Providers = tenantAccounts{}
	_ activities.Breaker   = tenantAccounts{}
	_ activities.Pace      = tenantAccounts{}
)

// keepAccounts takes over changed settings and credentials, soon after they have
// changed and at once when asked to (SIGHUP), and tells the log how long they
// last. Each provider that there is an account at is sent to serve, once; nil for
// who serves none. It ends with ctx.
func keepAccounts(ctx context.Context, keeper *accounts.Keeper, serve chan<- string, logger *slog.Logger) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, reloadSignals()...)
	defer signal.Stop(asked)
	look, speak := time.NewTicker(settingsLookedAt), time.NewTicker(termsSpokenOf)
	defer look.Stop()
	defer speak.Stop()
	served := map[string]bool{}
	logAccounts(keeper, logger)
	for {
		for _, provider := range keeper.Providers() {
			if serve == nil || served[provider] {
				continue
			}
			select {
			case serve <- provider:
				served[provider] = true
			case <-ctx.Done():
				return
			}
		}
		force := false
		select {
		case <-ctx.Done():
			return
		case <-speak.C:
			logAccounts(keeper, logger)
			continue
		case <-asked:
			force = true
		case <-look.C:
		}
		changed, err := keeper.Reload(force)
		switch {
		case err != nil:
			logger.Error("the accounts stay as they were", "error", err)
		case changed:
			logger.Info("accounts reloaded")
			logAccounts(keeper, logger)
		}
	}
}

func logAccounts(keeper *accounts.Keeper, logger *slog.Logger) {
	now := time.Now()
	for _, t := range keeper.Terms() {
		attributes := []any{"account", t.Account, "provider", t.Provider, "tenants", t.Tenants}
		if !t.Until.IsZero() {
			attributes = append(attributes, "expires", t.Until.UTC(), "days", int(t.Days(now)))
		}
		switch {
		case t.Err != nil:
			logger.Error("an account cannot be used", append(attributes, "error", t.Err)...)
		case t.Until.IsZero() || t.Until.Sub(now) >= accounts.Soon:
			logger.Info("an account is ready", attributes...)
		case now.After(t.Until):
			logger.Error("the credentials of an account have expired", attributes...)
		default:
			logger.Warn("the credentials of an account expire soon", attributes...)
		}
	}
}
