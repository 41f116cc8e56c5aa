package api

import (
	"time"

	"github.com/handslag/handslag/fault"
)

// ErrNotRunning is what an Orchestrator answers for a collection that it does
// not run, or no longer.
var ErrNotRunning = fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")

var (
	errNoRoute      = fault.New(fault.NotFound, "route_not_found", "There is nothing at this address.")
	errNoMethod     = fault.New(fault.Invalid, "method_not_allowed", "The address does not take this method; see Allow.")
	errAccept       = fault.New(fault.Invalid, "not_acceptable", "The answer has no form that Accept allows.")
	errMediaType    = fault.New(fault.Invalid, "media_type_unsupported", "The body must be of another media type.")
	errBodyTooLarge = fault.New(fault.TooLarge, "body_too_large", "The body is too large.")
	errBodyRead     = fault.New(fault.Invalid, "body_incomplete", "The body ended before all of it had arrived.")
	errJSON         = fault.New(fault.Invalid, "json_invalid", "The body is not valid JSON.")
	errRequest      = fault.New(fault.Invalid, "request_invalid", "The request is not what the contract asks for; errors says where.")
	errParameter    = fault.New(fault.Invalid, "parameter_invalid", "A parameter of the request is not what the contract asks for.")
	errInternal     = fault.New(fault.Internal, "internal", "")
	errTryAgain     = fault.New(fault.Unavailable, "try_again", "The answer took too long. The same request may be sent again.").After(time.Second)
	errTemporal     = fault.New(fault.Unavailable, "orchestrator_unavailable", "The orchestrator cannot be reached just now.").After(2 * time.Second)

	errNoCredentials = fault.New(fault.Unauthenticated, "credentials_missing", "Send an API key or a signer link as a bearer token.")
	errCredentials   = fault.New(fault.Unauthenticated, "credentials_invalid", "The API key or signer link is not valid, or not any more.")
	errNeedsKey      = fault.New(fault.Forbidden, "api_key_required", "A signer link does not reach here.")
	errLinkScope     = fault.New(fault.Forbidden, "link_scope", "The signer link is for another participant or collection.")

	errCallback  = fault.New(fault.Forbidden, "callback_refused", "The call is not proven to be the provider's, or there is no such account.")
	errCallbacks = fault.New(fault.Unavailable, "callbacks_too_many", "Too many calls that are not proven to be a provider's.").After(strangerPace)

	errNoCollection     = fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")
	errNoDocument       = fault.New(fault.NotFound, "document_not_found", "There is no such document.")
	errNoProblem        = fault.New(fault.NotFound, "problem_not_found", "There is no such problem code.")
	errResultNotReady   = fault.New(fault.Conflict, "result_not_ready", "The document is not sealed yet.")
	errNoResult         = fault.New(fault.Gone, "result_none", "The collection ended without a result.")
	errEvidenceInResult = fault.New(fault.NotFound, "evidence_in_result", "The result of the document carries its evidence itself.")
	errNoQR             = fault.New(fault.Conflict, "qr_not_available", "There is no QR code to show at this moment.")
)
