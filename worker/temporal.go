package worker

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"

	"github.com/handslag/handslag/keyring"
	"github.com/handslag/handslag/workflows"
)

// Dial connects to Temporal by the standard TEMPORAL_* settings (TEMPORAL_ADDRESS,
// TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* and profiles, Temporal
// Cloud included). All that it sends to be stored is encrypted with the ring.
func Dial(ctx context.Context, ring *keyring.Ring, logger *slog.Logger) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read TEMPORAL_* settings: %w", err)
	}
	options.Logger = log.NewStructuredLogger(logger)
	options.DataConverter = DataConverter(ring)
	// Without this, messages and stack traces of failures are stored in clear.
	options.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: options.DataConverter, EncodeCommonAttributes: true,
	})
	// What is encrypted cannot be compressed, and to try costs more than the rest.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	// An order that is followed has a span open for minutes, and a deeper stack.
	if _, traced := otel.GetTracerProvider().(*trace.TracerProvider); traced {
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{})
		if err != nil {
			return nil, fmt.Errorf("make tracing interceptor: %w", err)
		}
		options.Interceptors = []interceptor.ClientInterceptor{tracing}
	}
	options.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{})
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	return c, nil
}

var _ converter.PayloadCodec = codec{}

// EnsureSearchAttributes registers our search attributes where they are
// missing. On Temporal Cloud, which does not let clients do that, it fails and
// names what to create by hand.
func EnsureSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	want := map[string]enumspb.IndexedValueType{
		workflows.SearchCollection.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchTenant.GetName():     enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchState.GetName():      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchAttention.GetName():  enumspb.INDEXED_VALUE_TYPE_BOOL,
	}
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err == nil {
		for name := range have.GetCustomAttributes() {
			delete(want, name)
		}
	}
	if len(want) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: want,
	})
	if err != nil {
		return fmt.Errorf("register search attributes (create them by hand: HandslagCollection, HandslagTenant and "+
			"HandslagState as Keyword, HandslagAttention as Bool): %w", err)
	}
	return nil
}
