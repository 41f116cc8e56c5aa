package api

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// exchange is what the access log says of a request and its answer.
type exchange struct {
	id     string
	tenant signing.TenantID
	code   string // of the problem, or ""
}

const exchangeKey = "exchange"

func exchangeOf(c *gin.Context) *exchange {
	x, _ := c.Get(exchangeKey)
	known, ok := x.(*exchange)
	if !ok {
		return &exchange{}
	}
	return known
}

// account gives the request its id and the answer its standing headers, and
// writes the access log: the route's template, never its values, which are
// the caller's to choose.
func (s *Server) account(c *gin.Context) {
	began := s.config.Clock()
	x := &exchange{id: s.requestID()}
	c.Set(exchangeKey, x)
	h := c.Writer.Header()
	h.Set("X-Request-Id", x.id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	hide(trace.SpanFromContext(c.Request.Context()), c)
	defer func() {
		s.config.Log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request",
			slog.String("request_id", x.id),
			slog.String("method", knownMethod(c.Request.Method)),
			slog.String("route", c.FullPath()),
			slog.Int("status", c.Writer.Status()),
			slog.Duration("duration", s.config.Clock().Sub(began)),
			slog.String("tenant", string(x.tenant)),
			slog.String("code", x.code))
	}()
	c.Next()
}

// hide overwrites what the tracing handler has written down of the caller: a
// path and a method of their choosing, where they are and what they use.
func hide(span trace.Span, c *gin.Context) {
	span.SetAttributes(attribute.String("http.route", c.FullPath()), attribute.String("url.path", c.FullPath()))
	for _, key := range []string{"client.address", "network.peer.address", "user_agent.original", "http.request.method_original"} {
		span.SetAttributes(attribute.String(key, ""))
	}
}

// knownMethod keeps a method that somebody made up out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func (s *Server) requestID() string {
	var random [10]byte
	if _, err := io.ReadFull(s.config.Entropy, random[:]); err != nil {
		return "req_" + strconv.FormatInt(s.config.Clock().UnixNano(), 16) // a request can do without entropy
	}
	return "req_" + hex.EncodeToString(random[:])
}

// recover turns a panic into a problem. The panic's own words are not logged,
// since they may quote what was being worked on; the stack says where.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) //nolint:forbidigo // net/http has to see it
		}
		s.problem(c, fmt.Errorf("panic of type %T at %s", cause, debug.Stack()))
	}()
	c.Next()
}

// negotiate refuses a request whose Accept allows no form of the answer.
func (s *Server) negotiate(c *gin.Context) {
	op, _ := s.contract.operation(c.Request, c.FullPath())
	if len(op.produces) == 0 {
		return
	}
	for _, media := range op.produces {
		if acceptance(c.Request, media) > 0 {
			return
		}
	}
	s.problem(c, errAccept)
}

// acceptance is the quality that Accept gives a media type (RFC 9110 12.5.1):
// the most exact range that matches it counts.
func acceptance(r *http.Request, media string) float64 {
	ranges := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(ranges) == "" {
		return 1
	}
	kind, _, _ := strings.Cut(media, "/")
	quality, exactness := 0.0, -1
	for part := range strings.SplitSeq(ranges, ",") {
		name, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		exact := map[string]int{"*/*": 0, kind + "/*": 1, media: 2}
		rank, matches := exact[name]
		if !matches || rank < exactness {
			continue
		}
		q := 1.0
		if text, ok := parameters["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				q = 0
			}
		}
		if rank > exactness || q > quality {
			quality, exactness = q, rank
		}
	}
	return quality
}

// prefersHTML reports whether a page is a better answer than JSON.
func prefersHTML(r *http.Request, produces []string) bool {
	for _, media := range produces {
		if media == "text/html" {
			return acceptance(r, media) > acceptance(r, "application/json")
		}
	}
	return false
}

// limit holds the body to its type, size and time.
func (s *Server) limit(c *gin.Context) {
	op, _ := s.contract.operation(c.Request, c.FullPath())
	most := int64(maxJSONBody)
	switch op.consumes {
	case "":
		most = 0 // what a route has no use for is not read
	case "application/pdf":
		most = s.config.MaxUpload
	case anyMedia:
		most = maxCallback
	}
	if op.consumes != "" && op.consumes != anyMedia && !hasMediaType(c.Request, op.consumes) {
		s.problem(c, fault.New(fault.Invalid, errMediaType.Code, "The body must be %s, not encoded.", op.consumes))
		return
	}
	if op.consumes == "" {
		c.Request.Body = http.NoBody
		s.allowTime(c, op)
		return
	}
	body := c.Request.Body
	c.Request.Body = http.MaxBytesReader(c.Writer, body, most)
	s.allowTime(c, op)
	if c.Request.ContentLength > most {
		s.problem(c, bodyTooLarge(most))
	} else {
		c.Next()
	}
	if c.Writer.Status() == http.StatusRequestEntityTooLarge {
		s.drain(c, body, most)
	}
}

// drain takes in the rest of a body that was refused for its size, within
// reason. A client that sends all before it listens would otherwise meet a
// connection reset and never see the problem (RFC 9112 9.6). One that asked
// before it sent (Expect) has its answer.
func (s *Server) drain(c *gin.Context, body io.Reader, most int64) {
	if c.Request.Header.Get("Expect") != "" {
		return
	}
	c.Writer.Flush()
	_ = http.NewResponseController(c.Writer).SetReadDeadline(s.config.Clock().Add(answerTime / 2))
	_, _ = io.CopyN(io.Discard, body, 4*most)
}

// allowTime lets documents take longer than other bodies and answers. Where the
// server cannot set deadlines, in a test, there are none to move.
func (s *Server) allowTime(c *gin.Context, op operation) {
	carriesPDF := op.consumes == "application/pdf"
	for _, media := range op.produces {
		carriesPDF = carriesPDF || media == "application/pdf"
	}
	if !carriesPDF {
		return
	}
	control := http.NewResponseController(c.Writer)
	until := s.config.Clock().Add(s.config.UploadTime)
	_ = control.SetReadDeadline(until)
	_ = control.SetWriteDeadline(until.Add(answerTime))
}

// anyMedia is of a body whose bytes count as they are, whatever they are said to
// be: who calls cannot be told to say it otherwise.
const anyMedia = "*/*"

// hasMediaType reports whether the body is of a type, in UTF-8 and not encoded.
// Whoever says so twice may mean one of them for a proxy and the other for us.
func hasMediaType(r *http.Request, want string) bool {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 || len(r.Header.Values("Content-Encoding")) > 0 {
		return false
	}
	got, parameters, err := mime.ParseMediaType(types[0])
	charset, given := parameters["charset"]
	return err == nil && got == want && (!given || strings.EqualFold(charset, "utf-8"))
}

// validate holds a JSON body, and the one header with a form, against the
// contract.
func (s *Server) validate(c *gin.Context) {
	if keys := c.Request.Header.Values("Idempotency-Key"); len(keys) > 1 || len(keys) == 1 && !validKey(keys[0]) {
		s.problem(c, errParameter.In("Idempotency-Key", "format", "One key of 1 to 255 visible ASCII characters."))
		return
	}
	op, _ := s.contract.operation(c.Request, c.FullPath())
	if op.consumes != "application/json" {
		return
	}
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		s.problem(c, bodyFault(err))
		return
	}
	if err := checkJSON(body, op.body); err != nil {
		s.problem(c, err)
		return
	}
	c.Request.Body = io.NopCloser(strings.NewReader(string(body)))
}

// validKey holds an idempotency key to the contract's pattern.
func validKey(key string) bool {
	hidden := func(r rune) bool { return r < '!' || r > '~' }
	return len(key) >= 1 && len(key) <= 255 && !strings.ContainsFunc(key, hidden)
}

// bodyFault says why a body could not be read.
func bodyFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return errBodyRead.Because(err)
}
