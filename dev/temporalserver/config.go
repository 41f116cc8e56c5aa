package temporalserver

import (
	"context"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"

	"github.com/handslag/handslag/dev/loopback"
)

// ports are those of the services and the web UI.
type ports struct {
	frontend, history, matching, worker, ui int
}

func choosePorts(ctx context.Context, o Options) (ports, error) {
	free, err := loopback.Free(ctx, 5)
	if err != nil {
		return ports{}, err
	}
	p := ports{frontend: free[0], history: free[1], matching: free[2], worker: free[3], ui: free[4]}
	if o.Port != 0 {
		p.frontend = o.Port
	}
	if o.UIPort != 0 {
		p.ui = o.UIPort
	}
	// The server ends the whole process if it cannot bind a port.
	if err := loopback.Check(ctx, "Temporal", p.frontend); err != nil {
		return ports{}, err
	}
	return p, nil
}

func (p ports) services() map[primitives.ServiceName]int {
	return map[primitives.ServiceName]int{
		primitives.FrontendService: p.frontend, primitives.HistoryService: p.history,
		primitives.MatchingService: p.matching, primitives.WorkerService: p.worker,
	}
}

// hosts replaces the membership protocol: there is one host, and it needs not
// wait until the hosts of an earlier, killed process are found to be gone.
func (p ports) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, port := range p.services() {
		hosts[name] = static.SingleLocalHost(loopback.Address(port))
	}
	return hosts
}

// clusterName is in the database; it never changes.
const clusterName = "active"

func serverConfig(database *config.SQL, p ports) *config.Config {
	services := map[string]config.Service{}
	for name, port := range p.services() {
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback.Host}}
	}
	return &config.Config{
		Persistence: config.Persistence{
			DefaultStore: sqlite.PluginName, VisibilityStore: sqlite.PluginName,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{sqlite.PluginName: {SQL: database}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: loopback.Address(p.frontend)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: loopback.Address(p.frontend)},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
}

// pollsPerSecond replaces a default of 20 for each shard. We have one shard, so
// that default makes every task wait up to 50 ms.
const pollsPerSecond = 200

func settings() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   pollsPerSecond,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      pollsPerSecond,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): pollsPerSecond,
		// Partitions spread a task queue over hosts; on one they only add hops.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// Cancelling reaches a running activity at once, not at its next heartbeat.
		dynamicconfig.WorkerCommandsEnabled.Key():             true,
		dynamicconfig.EnableCancelActivityWorkerCommand.Key(): true,
		// A newly registered search attribute can be used at once.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	}
}
