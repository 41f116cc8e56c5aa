package temporalserver

import (
	"context"
	"fmt"
	"net/http"

	"github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"

	"github.com/handslag/handslag/dev/loopback"
)

// webUI is the running web UI.
type webUI struct {
	address string
	server  *server.Server
}

// startUI starts the web UI and returns when it answers. The port is checked
// first: the UI ends the whole process, without a word, if it cannot bind it.
func startUI(ctx context.Context, frontend string, port int, o Options) (*webUI, error) {
	if err := loopback.Check(ctx, "the Temporal UI", port); err != nil {
		return nil, err
	}
	ui := &webUI{
		address: "http://" + loopback.Address(port),
		server: server.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
			TemporalGRPCAddress: frontend,
			Host:                loopback.Host,
			Port:                port,
			EnableUI:            true,
			DefaultNamespace:    o.Namespace,
			DisableNewsFetch:    true, // it would call out
			HideLogs:            true,
			CORS:                uiconfig.CORS{CookieInsecure: true}, // there is no TLS on loopback
			Codec:               uiconfig.Codec{Endpoint: o.CodecEndpoint},
		})),
	}
	go func() { _ = ui.server.Start() }() // ends with stop
	err := until(ctx, ui.answers)
	if err != nil {
		ui.stop()
		return nil, fmt.Errorf("wait for Temporal UI: %w", err)
	}
	return ui, nil
}

func (ui *webUI) answers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ui.address+"/healthz", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("web UI answers %s", answer.Status)
	}
	return nil
}

func (ui *webUI) stop() { ui.server.Stop() }
