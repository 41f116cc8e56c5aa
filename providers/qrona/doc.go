// Package qrona identifies people with BankID through Qrona, and passes the
// contract of package providers.
//
// What shapes it:
//
//   - Qrona has no call to sign. The adapter knows one method, bankid-se-identify,
//     and what it returns is that somebody proved who they are. Whatever they
//     consent to is for the caller to ask, to record, and never to show as a BankID
//     signature.
//   - Nobody but Qrona vouches for it: there is no signature that we could check.
//   - Outside a phone call Qrona takes no personal number, so anybody could
//     identify themselves. Interpret compares who did with who was asked.
//   - A phone call is one request that lasts as long as the person takes
//     ([Client.StartAndWait]). It has no reference until it ends, so that nobody can
//     collect or withdraw it.
//   - Qrona documents no failure and no error. Both are taken for BankID's where
//     they look like them, and for what costs least where they do not.
package qrona
