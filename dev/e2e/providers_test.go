package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
)

var everything = []string{"verified", "attested", "identified", "attested-process"}

// TestThreeSwedesOverThreeProviders, and a fourth whose process at SBAB is listed
// beside them as what it is.
func TestThreeSwedesOverThreeProviders(t *testing.T) {
	t.Parallel()
	c := onStage(t).given(
		swede("Anna").at("bankid"),
		swede("Bo").at("idkollen"),
		swede("Cilla").at("qrona").identifying(),
		swede("Dag").inProcess(),
	).accepting(everything...).made()

	c.when("Anna").signs()
	c.when("Bo").signs()
	c.when("Cilla").signs()
	c.then("Cilla").is("identified")
	c.when("Cilla").consents()
	c.when("Dag").signs()

	c.then("Anna").is("signed", "bankid", "verified")
	c.then("Bo").is("signed", "idkollen", "attested")
	c.then("Cilla").is("consented")
	c.then("Dag").is("process_completed")
	c.completes()
}

// TestTheSameByRoute names no provider: each method goes where it is served.
func TestTheSameByRoute(t *testing.T) {
	t.Parallel()
	c := onStage(t).given(
		swede("Anna"), swede("Bo").identifying(), swede("Cilla").inProcess(), norwegian("Kari"),
	).accepting(everything...).made()

	for _, name := range []string{"Anna", "Bo", "Cilla", "Kari"} {
		c.when(name).signs()
	}
	c.when("Bo").consents()

	c.then("Anna").is("signed", "bankid", "verified")
	c.then("Bo").is("consented")
	c.then("Cilla").is("process_completed")
	c.then("Kari").is("signed", "signicat", "verified")
	c.completes()
}

// TestWhatNobodyCanDeliverIsRefusedAtOnce, when the collection is created.
func TestWhatNobodyCanDeliverIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	for name, given := range map[string]*agreement{
		"attested is not accepted":                s.given(swede("Anna").at("idkollen")),
		"an identification is not accepted":       s.given(swede("Anna").identifying()),
		"a related process is not accepted":       s.given(swede("Anna").inProcess()).accepting("verified", "attested", "identified"),
		"Qrona signs nothing":                     s.given(swede("Anna").at("qrona")).accepting(everything...),
		"BankID has no Norwegians":                s.given(norwegian("Kari").at("bankid")).accepting(everything...),
		"there is no such provider":               s.given(swede("Anna").at("freja")).accepting(everything...),
		"no Swedish signature is a qualified one": s.given(swede("Anna")).atLevel("qes"),
	} {
		_, err := given.tried()
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
	}
}
