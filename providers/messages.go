package providers

import (
	"strings"

	"github.com/handslag/handslag/signing"
)

// MessageID names a text to show: one that BankID recommends (BankID, "User
// messages"), such as RFA1, or one of ours, such as HS1, where BankID has none
// that tells the person what to do.
type MessageID string

// The messages that hints and errors lead to. RFA19 and RFA20 are questions that
// a page may ask before it starts an order.
const (
	MessageStartApp       MessageID = "RFA1"
	MessageNoApp          MessageID = "RFA2"
	MessageSuperseded     MessageID = "RFA3"
	MessageInProgress     MessageID = "RFA4"
	MessageTryAgain       MessageID = "RFA5"
	MessageCancelled      MessageID = "RFA6"
	MessageNoAnswer       MessageID = "RFA8"
	MessageEnterCode      MessageID = "RFA9"
	MessageStartingApp    MessageID = "RFA13"
	MessageSearchComputer MessageID = "RFA15A"
	MessageSearchMobile   MessageID = "RFA15B"
	MessageBankIDInvalid  MessageID = "RFA16"
	MessageAppMissing     MessageID = "RFA17A"
	MessageQRFailed       MessageID = "RFA17B"
	MessageChooseComputer MessageID = "RFA19"
	MessageChooseMobile   MessageID = "RFA20"
	MessagePending        MessageID = "RFA21"
	MessageFailed         MessageID = "RFA22"
	MessageScanDocument   MessageID = "RFA23"
	MessageScanFace       MessageID = "RFA24"
	MessageChooseStepUp   MessageID = "RFA25"
	MessageDocumentFailed MessageID = "RFA26"
	MessageFaceFailed     MessageID = "RFA27"
	MessageNoReader       MessageID = "RFA28"
	MessageSeveralBankIDs MessageID = "RFA29"
	MessageStepUpFailed   MessageID = "RFA30"

	MessageConfirmCall  MessageID = "HS1"
	MessageCallDeclined MessageID = "HS2"
	MessageUpdateApp    MessageID = "HS3"
)

// PendingMessage returns what to show while a BankID order is live, by its hint,
// the way the person was asked and the device with our page. A hint that we do
// not know is a live order all the same.
func PendingMessage(hint string, c signing.Channel, d Device) MessageID {
	switch hint {
	case "outstandingTransaction":
		if c == signing.ChannelSameDevice {
			return MessageStartingApp
		}
		return MessageStartApp
	case "noClient":
		return MessageStartApp
	case "started":
		// With a QR code or a call, the app that searches is on the phone.
		if c == signing.ChannelSameDevice && d == DeviceComputer {
			return MessageSearchComputer
		}
		return MessageSearchMobile
	case "userMrtd":
		return MessageScanDocument
	case "userStepUp":
		return MessageChooseStepUp
	case "userFace":
		return MessageScanFace
	case "userCallConfirm":
		return MessageConfirmCall
	case "userSign":
		return MessageEnterCode
	}
	return MessagePending
}

// FailedMessage returns what to show after a BankID order failed, by its hint
// and the way the person was asked.
func FailedMessage(hint string, c signing.Channel) MessageID {
	switch hint {
	case "expiredTransaction":
		return MessageNoAnswer
	case "certificateErr":
		return MessageBankIDInvalid
	case "userCancel":
		return MessageCancelled
	case "cancelled":
		return MessageSuperseded
	case "startFailed":
		if c == signing.ChannelQR {
			return MessageQRFailed
		}
		return MessageAppMissing
	case "mrtdVerificationFailed":
		return MessageDocumentFailed
	case "facialRecognitionFailed":
		return MessageFaceFailed
	case "nfcNotSupportedByDevice":
		return MessageNoReader
	case "multipleBankIdsOnDevice":
		return MessageSeveralBankIDs
	case "stepUpFailed":
		return MessageStepUpFailed
	case "userDeclinedCall":
		return MessageCallDeclined
	case "notSupportedByUserApp":
		return MessageUpdateApp
	}
	return MessageFailed
}

// ErrorMessage returns what to show when BankID refused a call, by its errorCode,
// or by the code of a provider that names the message itself, such as
// RFA4_SIGNING_IN_PROGRESS. The details that they add are never shown.
func ErrorMessage(errorCode string) MessageID {
	if id, _, ok := strings.Cut(errorCode, "_"); ok && strings.HasPrefix(id, "RFA") && messageTexts(MessageID(id)) != (messageText{}) {
		return MessageID(id)
	}
	switch errorCode {
	case "alreadyInProgress":
		return MessageInProgress
	case "requestTimeout", "internalError", "maintenance":
		return MessageTryAgain
	}
	return MessageFailed
}

// Text returns the message in a locale, or "" for a message that there is none
// of. Where BankID recommends a text, Swedish and English follow it; Norwegian is our
// own translation, as BankID publishes none.
func (m MessageID) Text(l signing.Locale) string {
	t := messageTexts(m)
	switch l {
	case signing.LocaleSV:
		return t.sv
	case signing.LocaleNB:
		return t.nb
	case signing.LocaleEN:
	}
	return t.en
}

type messageText struct{ sv, en, nb string }
