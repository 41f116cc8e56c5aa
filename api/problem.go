package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/fault"
)

const problemMedia = "application/problem+json"

// asFault is the one mapping of errors to what a client is told. An error that
// is no fault is our own defect and says nothing. So does a fault that means
// that we or our store are at fault: its message is for the log.
func asFault(err error) *fault.Error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge(tooLarge.Limit)
	}
	f, ok := fault.As(err)
	if !ok {
		return errInternal
	}
	return f
}

func bodyTooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, errBodyTooLarge.Code, "The body is over the limit of %d bytes.", limit)
}

// statusOf gives a fault its status: its own, where problems.yaml has one, or
// that of its kind.
func (s *Server) statusOf(f *fault.Error) int {
	if p, ok := s.problems.find(f.Code); ok && p.Status != 0 {
		return p.Status
	}
	return kindStatus(f.Kind)
}

func kindStatus(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Gone:
		return http.StatusGone
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Uncertain:
		return http.StatusBadGateway
	case fault.Corrupt, fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// problem ends a request with the problem that err is, and is where errors are
// logged.
func (s *Server) problem(c *gin.Context, err error) {
	c.Abort()
	f, x := asFault(err), exchangeOf(c)
	status := s.statusOf(f)
	x.code = f.Code
	if status >= http.StatusInternalServerError {
		s.config.Log.LogAttrs(c.Request.Context(), slog.LevelError, "request failed",
			slog.String("request_id", x.id), slog.String("code", f.Code), slog.Any("error", err))
	}
	if c.Writer.Written() {
		// Part of a file is on its way. To end the connection is the only way left
		// to say that the rest does not come (RFC 9112 8).
		panic(http.ErrAbortHandler) //nolint:forbidigo // the documented way to break off an answer
	}
	h := c.Writer.Header()
	for _, name := range []string{"ETag", "Content-Disposition", "Location"} {
		h.Del(name)
	}
	h.Set("Content-Type", problemMedia)
	h.Set("Cache-Control", "no-store")
	if seconds := retrySeconds(f); seconds > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(f))
	}
	body, err := json.Marshal(s.describe(f, status, x.id))
	if err != nil { // a Problem has strings and numbers only
		body = []byte(`{}`)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Status(status)
	_, _ = c.Writer.Write(body) // a client that is gone needs no answer
}

// retrySeconds is how long to wait, never less than the fault says; 0 is nothing.
func retrySeconds(f *fault.Error) int { return int(math.Ceil(f.RetryAfter.Seconds())) }

// challenge follows RFC 6750 3: no error code when no credentials were sent.
func challenge(f *fault.Error) string {
	if f.Code == errNoCredentials.Code {
		return `Bearer realm="handslag"`
	}
	return `Bearer realm="handslag", error="invalid_token"`
}

func (s *Server) describe(f *fault.Error, status int, requestID string) gen.Problem {
	p := gen.Problem{
		Type: s.config.ProblemBase + f.Code, Title: http.StatusText(status), Status: status, Code: f.Code,
		RequestID: requestID, Provider: optional(f.Provider), ProviderCode: optional(f.ProviderCode),
	}
	if known, ok := s.problems.find(f.Code); ok {
		p.Title = known.Title
	}
	if seconds := retrySeconds(f); seconds > 0 {
		p.RetryAt = presentTime(s.config.Clock().Add(time.Duration(seconds) * time.Second).Truncate(time.Second))
	}
	if f.Kind != fault.Internal && f.Kind != fault.Corrupt {
		p.Detail = optional(f.Message)
	}
	if len(f.Fields) > 0 {
		fields := make([]gen.FieldError, len(f.Fields))
		for i, field := range f.Fields {
			fields[i] = gen.FieldError{Pointer: field.Pointer, Code: field.Code, Detail: field.Message}
		}
		p.Errors = &fields
	}
	return p
}

// optional is nil for the zero value, which the contract leaves out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
