package worker_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/handslag/handslag/worker"
	"github.com/handslag/handslag/workflows"
)

// pollers is a Temporal that knows nothing but who polls.
type pollers struct {
	workflowservice.UnimplementedWorkflowServiceServer
	known []*taskqueuepb.PollerInfo
}

func (p *pollers) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (p *pollers) DescribeTaskQueue(_ context.Context, r *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	if r.GetTaskQueue().GetName() != workflows.TaskQueue {
		return &workflowservice.DescribeTaskQueueResponse{}, nil
	}
	return &workflowservice.DescribeTaskQueueResponse{Pollers: p.known}, nil
}

func TestPollingIsOfThisHostAndOfLate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	poller := func(identity string, ago time.Duration) *taskqueuepb.PollerInfo {
		return &taskqueuepb.PollerInfo{Identity: identity, LastAccessTime: timestamppb.New(now.Add(-ago))}
	}
	for _, c := range []struct {
		name    string
		known   []*taskqueuepb.PollerInfo
		polling bool
	}{
		{"nobody", nil, false},
		{"another host", []*taskqueuepb.PollerInfo{poller("1@b@", 0), poller("1@aa@", 0)}, false},
		{"long ago", []*taskqueuepb.PollerInfo{poller("1@a@", 3*time.Minute)}, false},
		{"this host", []*taskqueuepb.PollerInfo{poller("1@b@", 0), poller("7@a@", time.Minute)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			server := grpc.NewServer()
			workflowservice.RegisterWorkflowServiceServer(server, &pollers{known: c.known})
			go func() { _ = server.Serve(listener) }()
			t.Cleanup(server.Stop)
			temporal, err := client.DialContext(t.Context(), client.Options{HostPort: listener.Addr().String()})
			require.NoError(t, err)
			t.Cleanup(temporal.Close)
			err = worker.Polling(t.Context(), temporal, "a", now)
			if c.polling {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "no worker of a")
			}
		})
	}
}
