package temporalserver

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/handslag/handslag/fault"
)

const (
	readyWithin = 30 * time.Second
	askAgain    = 20 * time.Millisecond
)

// until asks again and again until ask answers nil or time is up, and then
// returns the last answer.
func until(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(askAgain):
		}
	}
}

// dial returns a client once the frontend knows the namespace.
func dial(ctx context.Context, o client.Options) (client.Client, error) {
	c, err := client.NewLazyClient(o)
	if err != nil {
		return nil, fmt.Errorf("make Temporal client: %w", err)
	}
	err = until(ctx, func(ctx context.Context) error {
		_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
		return err
	})
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("wait for Temporal frontend: %w", err)
	}
	return c, nil
}

// registerSearchAttributes adds those that a database made by an earlier
// version of the product lacks. It removes and changes none: a search attribute
// of another type is the fault search_attribute_type.
func registerSearchAttributes(ctx context.Context, c client.Client, namespace string, wanted map[string]enumspb.IndexedValueType) error {
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes: %w", err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for name, kind := range wanted {
		switch got, ok := have.GetCustomAttributes()[name]; {
		case !ok:
			missing[name] = kind
		case got != kind:
			return fault.New(fault.Conflict, "search_attribute_type",
				"search attribute %s has type %s in namespace %s, and the product needs %s", name, got, namespace, kind)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if err != nil {
		return fmt.Errorf("add search attributes: %w", err)
	}
	return nil
}
