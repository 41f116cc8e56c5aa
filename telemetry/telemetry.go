package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
)

// Start sets up OpenTelemetry for a service by the standard OTEL_* environment
// variables, and makes it the process's own. Without them nothing is exported.
// The function it returns sends what is left and ends it.
func Start(ctx context.Context, service string) (func(context.Context) error, error) {
	// The specification's default is otlp, to an address where nobody listens.
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"} {
		if os.Getenv(name) == "" {
			if err := os.Setenv(name, "none"); err != nil {
				return nil, fmt.Errorf("default %s: %w", name, err)
			}
		}
	}
	spans, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("make span exporter: %w", err)
	}
	reader, err := autoexport.NewMetricReader(ctx)
	if err != nil {
		return nil, fmt.Errorf("make metric reader: %w", err)
	}
	who := resource.NewSchemaless(semconv.ServiceName(service))
	traces := trace.NewTracerProvider(trace.WithBatcher(spans), trace.WithResource(who))
	metrics := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(who))
	if !autoexport.IsNoneSpanExporter(spans) { // else no span is made that nobody will see
		otel.SetTracerProvider(traces)
	}
	otel.SetMeterProvider(metrics)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func(ctx context.Context) error {
		return errors.Join(traces.Shutdown(ctx), metrics.Shutdown(ctx))
	}, nil
}
