// Package bankid speaks BankID's Relying Party API v6 over mutual TLS, as one
// relying party, and passes the contract of package providers.
//
// What shapes it:
//
//   - A start call must not be repeated blindly: a second order for a person ends
//     both. So each call knows whether a byte of it left us, by counting what was
//     written to its connection, and says so in its fault.
//   - A terminal answer is handed out once. Collect returns it unread but for the
//     status; Interpret judges the stored bytes later.
//   - A signature is worth what we can check. Interpret verifies the XML signature
//     and the OCSP response against pinned roots (package bankidsig) and holds
//     them against the texts that we sent, the person we asked for and our own
//     certificate. What BankID says beside them in JSON decides nothing.
//   - An identification is no signature. It carries a digest of the manifest
//     that consent will be asked for, and Interpret accepts it for the method that
//     asked for one and for no other.
//   - Only BankID's own CA is trusted for the connection, never the system's.
//
// Use:
//
//	client, err := bankid.New(bankid.Config{BaseURL: …, Credentials: credentials, ServerRoots: roots, …})
//	order, err := client.Start(ctx, request)
package bankid
