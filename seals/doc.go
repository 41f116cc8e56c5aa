// Package seals finds the key and the certificates with which a tenant's
// documents are sealed: in a PEM or PKCS #12 file, in AWS KMS, or in a security
// module (PKCS #11).
//
// # The idea
//
// [Settings] say which seals there are and which tenant uses which. [Open] loads
// them all and checks each: that key and certificate belong together, that the
// chain is in order, that the installation's own anchors vouch for it. What is
// wrong is found when the worker starts and not when the last person has signed.
//
// A [Keeper] holds what was loaded and is asked for a tenant's [Seal].
// [Keeper.Reload] looks at the settings and at all files that they name, and
// takes over what has changed; when anything there is wrong it keeps what it has.
//
// # Invariants
//
//   - A seal is handed out only while its whole chain is valid. One that has
//     expired, or whose key cannot be reached, is a fault of kind Unavailable:
//     nothing was made, and the same call succeeds once the operator has acted.
//   - Each signature of a key that is elsewhere is verified with the certificate
//     before it is used.
//   - No secret is in the settings, only where it is: a variable or a file.
package seals
