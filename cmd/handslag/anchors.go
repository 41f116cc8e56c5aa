package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/settings"
)

// anchors are the certificates of the trust directory, by purpose. Trust holds
// them as pools, which do not tell what is in them.
type anchors map[string][]*x509.Certificate

// readAnchors reads those of one environment, after loadTrust has accepted the
// directory.
func readAnchors(dir, environment string) (anchors, error) {
	suffix := "." + environment + ".pem"
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("list trust anchors: %w", err)
	}
	found := anchors{}
	for _, file := range files {
		purpose := strings.TrimSuffix(filepath.Base(file), suffix)
		if found[purpose], err = settings.Certificates(file); err != nil {
			return nil, fmt.Errorf("read trust anchors: %w", err)
		}
	}
	return found, nil
}

// first is when the first anchor of a purpose expires.
func first(certificates []*x509.Certificate) time.Time {
	until := certificates[0].NotAfter
	for _, c := range certificates[1:] {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	return until
}

// observe reports the days until the first anchor of each purpose expires.
func (a anchors) observe(m metric.Meter) error {
	_, err := m.Float64ObservableGauge("handslag.trust.days_to_expiry", metric.WithUnit("d"),
		metric.WithDescription("Days until the first trust anchor of a purpose expires."),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			for purpose, certificates := range a {
				o.Observe(time.Until(first(certificates)).Hours()/24, metric.WithAttributes(attribute.String("purpose", purpose)))
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("make gauge: %w", err)
	}
	return nil
}

// log warns of anchors that expire soon: what they vouch for will not pass then.
func (a anchors) log(logger *slog.Logger) {
	for purpose, certificates := range a {
		if until := first(certificates); time.Until(until) < seals.Soon {
			logger.Warn("a trust anchor expires soon", "purpose", purpose, "expires", until.UTC(), "days", int(time.Until(until).Hours()/24))
		}
	}
}
