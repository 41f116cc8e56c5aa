// Package qrona simulates Qrona's API for identification with BankID: auth and
// collect, a phone call that blocks, and cancel. There is no call to sign.
//
// Its orders are orders of the simulated BankID, so the person is played in the
// one app that package simulator/bankid has. What Qrona does not document, such
// as how failures look, is in [Settings]; the default is what BankID does.
package qrona
