// Package signicat speaks Signicat's Sign API v2, for signatures with Norwegian
// BankID (PKISIGNING, vendor NBID), and passes the contract of package providers.
//
// What shapes it:
//
//   - One session per signer carries all documents: they are uploaded, put into
//     a collection, and a session is made over it. Only the last of these calls
//     makes an order. What the others leave behind when a start fails is gone
//     after 30 minutes, so a start uploads everything anew.
//   - The API has no idempotency, so a session whose creation was not answered
//     may exist. Reconcile looks for it by our reference, the attempt's id.
//   - A session has no end of its own before its due date, which is kept long so
//     that results can be fetched: Signicat forgets them with the session. Whoever
//     follows the order cancels it at the end of its life. Deleting is the only
//     way to withdraw, and would delete a signature as well, so Cancel looks
//     first. Between the look and the deletion a person may sign; that signature
//     is lost, and cannot be had otherwise.
//   - What the API says of a session proves nothing. Interpret returns which files
//     to fetch; whether a file is what was sent and one signature more, by whom,
//     and at which level is for whoever holds the bytes (providers.RevisionReturner).
//
// The locale of a session is always nb, the only one that Norwegian BankID has.
// restrictedUse is never sent: without the national identity number in the
// certificate no session can be made.
package signicat
