package bankid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
)

// readQR takes a QR text apart: "bankid", the token, the second and the code,
// in the one spelling that BankID documents.
func readQR(qr string) (token string, at int64, code []byte, err error) {
	parts := strings.Split(strings.TrimSpace(qr), ".")
	if len(parts) != 4 || parts[0] != "bankid" {
		return "", 0, nil, errQRMalformed
	}
	at, err = strconv.ParseInt(parts[2], 10, 64)
	if err != nil || at < 0 || strconv.FormatInt(at, 10) != parts[2] {
		return "", 0, nil, errQRMalformed
	}
	code, err = hex.DecodeString(parts[3])
	if err != nil || hex.EncodeToString(code) != parts[3] {
		return "", 0, nil, errQRMalformed
	}
	return parts[1], at, code, nil
}

// qrCode is BankID's animated QR code: HMAC-SHA256 of the decimal second under
// the secret's ASCII.
func qrCode(secret string, at int64) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strconv.FormatInt(at, 10)))
	return mac.Sum(nil)
}

// launchToken finds the token in https://app.bankid.com/?autostarttoken=… and
// bankid:///?autostarttoken=…, or takes the text for the token itself.
func launchToken(s string) string {
	s = strings.TrimSpace(s)
	if u, err := url.Parse(s); err == nil && u.Query().Has("autostarttoken") {
		return u.Query().Get("autostarttoken")
	}
	return s
}
