// Package e2e tests the whole product from outside: a real installation with
// Temporal, S3 and the simulated BankID, spoken to as its owner and its signers
// would. Each test reads as the story that it tells.
//
// The tests share one installation. Those that switch faults on, or kill what
// the others need, do not run in parallel with anything.
package e2e
