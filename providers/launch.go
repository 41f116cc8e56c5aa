package providers

import (
	"net/url"

	"github.com/handslag/handslag/signing"
)

// Device is the kind of device on which our page is shown.
type Device string

// The devices.
const (
	DeviceComputer Device = "computer"
	DeviceMobile   Device = "mobile"
)

// LaunchURL returns the link that opens the BankID app with an order on the
// device where the page is shown (BankID, "Autostart"). On a mobile it is a
// universal link, which the system hands to the app; on a computer it has the
// app's own scheme, where redirect=null keeps the app from opening a page. Where
// the person goes afterwards is said by the order's return URL.
//
// A browser may demand that the person clicks the link, so the page always shows it.
func LaunchURL(token signing.Private, d Device) signing.Private {
	query := "?autostarttoken=" + url.QueryEscape(token.Reveal())
	if d == DeviceMobile {
		return signing.Private("https://app.bankid.com/" + query)
	}
	return signing.Private("bankid:///" + query + "&redirect=null")
}
