// Package pki holds the certificates of a simulated world: everything that
// BankID, its member banks, a timestamp authority and a seal issuer would hand
// out, made here so that signatures are real and yet nobody can take them for
// genuine ones.
//
// There are eight hierarchies, kept apart as they are in reality:
//
//   - BankID signing: root, bank CA, customer CA, personal leaf certificates and
//     the OCSP responder of the customer CA;
//   - the TLS root of the Relying Party API and its server certificate;
//   - the CA of relying parties' client certificates;
//   - two timestamp CAs, each with an authority;
//   - a seal CA, an issuing CA under it, and an organisation's seal;
//   - Norwegian BankID signing: root, CA, and personal leaf certificates.
//
// The last four name where the status of their certificates is told, when
// [Options.StatusURL] says where that is; package simulator/revocation tells it.
//
// Invariants: every issuer name contains "Simulated"; the signing root never
// issues TLS certificates; private keys leave the package in memory, or in
// files with mode 0600.
//
//	p, err := pki.Open(dir, pki.Options{Clock: time.Now, Entropy: rand.Reader})
//	err = p.WriteTrust(trustDir)
package pki
