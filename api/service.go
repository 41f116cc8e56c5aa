package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/handslag/handslag/api/gen"
)

// GetLive answers GET /health/live.
func (s *Server) GetLive(context.Context, gen.GetLiveRequestObject) (gen.GetLiveResponseObject, error) {
	return gen.GetLive200JSONResponse{Status: gen.HealthStatusOk}, nil
}

// GetReady answers GET /health/ready, asking every dependency at once.
func (s *Server) GetReady(ctx context.Context, _ gen.GetReadyRequestObject) (gen.GetReadyResponseObject, error) {
	ctx, _ = asCaller(ctx)
	limited, stop := context.WithTimeout(ctx, readinessLimit)
	defer stop()
	var (
		asking sync.WaitGroup
		lock   sync.Mutex // guards states and status
		states = map[string]gen.HealthDependencies{}
		status = gen.HealthStatusOk
	)
	for name, ask := range s.config.Dependencies {
		asking.Go(func() {
			err := ask(limited)
			lock.Lock()
			defer lock.Unlock()
			states[name] = gen.HealthDependenciesOk
			if err != nil {
				states[name], status = gen.HealthDependenciesUnavailable, gen.HealthStatusUnavailable
				s.config.Log.LogAttrs(ctx, slog.LevelWarn, "dependency not ready",
					slog.String("dependency", name), slog.Any("error", err))
			}
		})
	}
	asking.Wait()
	if status != gen.HealthStatusOk {
		return gen.GetReady503JSONResponse{Status: status, Dependencies: &states}, nil
	}
	return gen.GetReady200JSONResponse{Status: status, Dependencies: &states}, nil
}

// contractAnswer is the contract as it was loaded.
type contractAnswer []byte

// VisitGetOpenAPIResponse implements gen.GetOpenAPIResponseObject.
func (a contractAnswer) VisitGetOpenAPIResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(a); err != nil {
		return fmt.Errorf("write the contract: %w", err)
	}
	return nil
}

var _ gen.GetOpenAPIResponseObject = contractAnswer(nil)

// GetOpenAPI answers GET /openapi.json.
func (s *Server) GetOpenAPI(context.Context, gen.GetOpenAPIRequestObject) (gen.GetOpenAPIResponseObject, error) {
	return contractAnswer(s.contract.json), nil
}
