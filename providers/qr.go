package providers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/handslag/handslag/signing"
)

// QRText returns the text of BankID's animated QR code for an order that is that
// many whole seconds old, counted from [Order.StartedAt]. The app accepts a text
// for a second or two, so it is computed anew each second, on the server: the
// secret must not leave it (BankID, "QR code").
//
// Draw it with error correction level M, a quiet zone and no logo.
func QRText(token, secret signing.Private, seconds int) signing.Private {
	t := strconv.Itoa(seconds)
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(t))
	return signing.Private("bankid." + token.Reveal() + "." + t + "." + hex.EncodeToString(mac.Sum(nil)))
}
