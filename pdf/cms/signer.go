package cms

import "crypto/x509"

// Signer returns the certificate that the signature says it was made with, among
// those it carries. Nothing is checked: [Signed.Verify] does that.
func (s *Signed) Signer() (*x509.Certificate, error) { return s.leaf(nil) }
