package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profileFlags let a measurement look into the process.
type profileFlags struct {
	ProfileListen string `name:"profile-listen" hidden:"" help:"Loopback address that serves profiles of the process below /debug/pprof/."`
}

// profile serves profiles until ctx ends, where that was asked for. It listens
// on the loopback interface alone: profiles are for who measures on this machine.
func (c *profileFlags) profile(ctx context.Context, logger *slog.Logger) error {
	if c.ProfileListen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.ProfileListen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return errors.New("HANDSLAG_PROFILE_LISTEN must be an address of the loopback interface, such as 127.0.0.1:6060")
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", c.ProfileListen)
	if err != nil {
		return fmt.Errorf("listen for profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Warn("profiles are served no more", "error", err)
		}
	}()
	return nil
}
