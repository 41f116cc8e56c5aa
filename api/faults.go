package api

import (
	"time"

	"github.com/handslag/handslag/fault"
)

// ErrNotRunning is what an Orchestrator answers for a collection that it does
// not run, or no longer.
var ErrNotRunning = fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")

var (
	faultNoRoute      = fault.New(fault.NotFound, "route_not_found", "There is nothing at this address.")
	faultNoMethod     = fault.New(fault.Invalid, "method_not_allowed", "The address does not take this method; see Allow.")
	faultAccept       = fault.New(fault.Invalid, "not_acceptable", "The answer has no form that Accept allows.")
	faultMediaType    = fault.New(fault.Invalid, "media_type_unsupported", "The body must be of another media type.")
	faultBodyTooLarge = fault.New(fault.TooLarge, "body_too_large", "The body is too large.")
	faultBodyRead     = fault.New(fault.Invalid, "body_incomplete", "The body ended before all of it had arrived.")
	faultJSON         = fault.New(fault.Invalid, "json_invalid", "The body is not valid JSON.")
	faultRequest      = fault.New(fault.Invalid, "request_invalid", "The request is not what the contract asks for; errors says where.")
	faultParameter    = fault.New(fault.Invalid, "parameter_invalid", "A parameter of the request is not what the contract asks for.")
	faultInternal     = fault.New(fault.Internal, "internal", "")
	faultTryAgain     = fault.New(fault.Unavailable, "try_again", "The answer took too long. The same request may be sent again.").After(time.Second)
	faultTemporal     = fault.New(fault.Unavailable, "orchestrator_unavailable", "The orchestrator cannot be reached just now.").After(2 * time.Second)

	faultNoCredentials = fault.New(fault.Unauthenticated, "credentials_missing", "Send an API key or a signer link as a bearer token.")
	faultCredentials   = fault.New(fault.Unauthenticated, "credentials_invalid", "The API key or signer link is not valid, or not any more.")
	faultNeedsKey      = fault.New(fault.Forbidden, "api_key_required", "A signer link does not reach here.")
	faultLinkScope     = fault.New(fault.Forbidden, "link_scope", "The signer link is for another participant or collection.")

	faultNoCollection   = fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")
	faultNoDocument     = fault.New(fault.NotFound, "document_not_found", "There is no such document.")
	faultNoProblem      = fault.New(fault.NotFound, "problem_not_found", "There is no such problem code.")
	faultResultNotReady = fault.New(fault.Conflict, "result_not_ready", "The document is not sealed yet.")
	faultNoResult       = fault.New(fault.Gone, "result_none", "The collection ended without a result.")
	faultNoQR           = fault.New(fault.Conflict, "qr_not_available", "There is no QR code to show at this moment.")
)
