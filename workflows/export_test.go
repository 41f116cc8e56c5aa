package workflows

// The bounds that tests hold histories to.
const (
	AttemptEvents  = attemptEvents
	ConsentEvents  = consentEvents
	HintEvents     = hintEvents
	DocumentEvents = documentEvents
	EndEvents      = endEvents
)
