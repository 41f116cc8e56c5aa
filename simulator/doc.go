// Package simulator is a small world in which a contract can be signed without
// an account anywhere: BankID's Relying Party API with real signatures, the
// person with the app, the brokers and the bank whose orders end at that BankID,
// Signicat, two timestamp authorities, and the service that tells whether
// certificates are still good, all under certificates of their own.
//
// It behaves as the real services do, refusals and timing included, and it can
// be told to misbehave. All of it follows one [Clock], which can be read, moved
// forward and reset while it runs. Nobody but tests and the development stack may
// use it; a live installation refuses its trust anchors by their name.
//
//	world, err := simulator.New(simulator.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
//	go http.Serve(tls.NewListener(rp, world.RPTLS()), world.RPAPI())
//	go http.Serve(control, world.Control())
//	go http.Serve(timestamps, world.Timestamp())
//	go http.Serve(status, world.Status())
//
// Package person plays the signer against the control API.
package simulator
