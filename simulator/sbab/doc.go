// Package sbab simulates SBAB's Signing API 1.0, in its production and its
// sandbox shape, and as much of its loan and pre-approval processes as it takes
// to have participants who sign.
//
// A production signing is an order of the simulated BankID, so the person is
// played in the one app that package simulator/bankid has, and an order at
// somebody else is the other bank of SBAB's conflict table. In the sandbox
// nobody signs: a signing completes by itself, as the real sandbox is made of
// mocked answers.
//
// SBAB's conflicts are held per person: see conflict.go. What SBAB does not
// document is in [Settings], with the mildest guess as its default.
package sbab
