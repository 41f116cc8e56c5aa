// Package accounts finds the account at a signing provider that serves a tenant,
// with its credentials, and watches how it does.
//
// # The idea
//
// [Settings] say which accounts there are, which tenant uses which, and in which
// order the providers of a method are tried. [Open] loads them all and makes an
// adapter of each. What is wrong is found when the program starts and not when a
// person stands there.
//
// A [Keeper] holds what was loaded. [Keeper.Reload] looks at the settings and at
// all files that they name, and takes over what has changed, whole or not at all.
//
// A Keeper also knows how its accounts do: [Keeper.Admit] lets an account rest
// that fails one start after the other, and [Keeper.Turn] keeps collects within
// the account's budget. What it knows is of this process alone;
// [Keeper.Conditions] is for whoever tells the others.
//
// # Invariants
//
//   - An account serves in one environment, which it names, and which must be that
//     of the installation. What gives itself away as another one's (hosts, client
//     ids, names in certificates) is refused.
//   - An order is collected at the account that it was started at. One that has
//     left the settings stays available by its name for longer than an order lives.
//   - No secret is in the settings, only where it is: a variable or a file.
package accounts
