package providers

import "github.com/handslag/handslag/signing"

// Texts of ours, where no provider recommends one.
const (
	MessageWrongPerson   MessageID = "HS4"
	MessageGoToPage      MessageID = "HS5" // to the provider's own
	MessagePageTimeout   MessageID = "HS6"
	MessagePageFailed    MessageID = "HS7"
	MessageReadAndAgree  MessageID = "HS8"
	MessageNotAccepted   MessageID = "HS9"
	MessagePageCancelled MessageID = "HS10"
)

// WaitingMessage returns what to show while an order of a method is live, by its
// hint, the way the person was asked and the device with our page. Hints are
// BankID's, whichever provider hands them on.
func WaitingMessage(m signing.Method, hint string, c signing.Channel, d Device) MessageID {
	switch {
	case m == signing.MethodNBIDPKI:
		return MessageGoToPage
	case hint == "initiated": // as an SBAB order is before BankID has heard of it
		return PendingMessage("outstandingTransaction", c, d)
	}
	return PendingMessage(hint, c, d)
}

// EndedMessage returns what to show after an attempt of a method, or "" where
// there is nothing to add. BankID's own word for a failure is the most exact, where
// the provider hands it on; else our reason says what the person can do.
func EndedMessage(m signing.Method, a signing.Attempt) MessageID {
	switch a.Outcome {
	case signing.OutcomeIdentified:
		return MessageReadAndAgree
	case signing.OutcomeCancelled:
		return MessageCancelled
	case signing.OutcomeResultLost:
		return MessageTryAgain
	case signing.OutcomeFailed:
	case signing.OutcomeSigned:
		return ""
	default: // live
		return ""
	}
	if m == signing.MethodNBIDPKI {
		return pageMessage(a.Reason)
	}
	if known := FailedMessage(a.ProviderCode, a.Channel); known != MessageFailed {
		return known
	}
	return reasonMessage(a)
}

func reasonMessage(a signing.Attempt) MessageID {
	switch a.Reason {
	case signing.ReasonUserCancelled:
		return MessageCancelled
	case signing.ReasonSuperseded:
		return MessageSuperseded
	case signing.ReasonNotStarted:
		return FailedMessage("startFailed", a.Channel)
	case signing.ReasonTimeout:
		return MessageNoAnswer
	case signing.ReasonIDInvalid:
		return MessageBankIDInvalid
	case signing.ReasonAppUnsupported:
		return MessageUpdateApp
	case signing.ReasonStepUpFailed:
		return MessageStepUpFailed
	case signing.ReasonCallDeclined:
		return MessageCallDeclined
	case signing.ReasonWrongSigner:
		return MessageWrongPerson
	case signing.ReasonNotAccepted:
		return MessageNotAccepted
	case signing.ReasonVerificationFailed, signing.ReasonStartFailed, signing.ReasonRewritten, signing.ReasonProviderError:
	}
	return MessageFailed
}

// pageMessage is for a provider with a page of its own, where nothing is to be
// said of the Swedish app.
func pageMessage(r signing.Reason) MessageID {
	switch r {
	case signing.ReasonUserCancelled, signing.ReasonSuperseded:
		return MessagePageCancelled
	case signing.ReasonTimeout, signing.ReasonNotStarted:
		return MessagePageTimeout
	case signing.ReasonWrongSigner:
		return MessageWrongPerson
	case signing.ReasonNotAccepted:
		return MessageNotAccepted
	case signing.ReasonIDInvalid, signing.ReasonAppUnsupported, signing.ReasonStepUpFailed, signing.ReasonCallDeclined,
		signing.ReasonVerificationFailed, signing.ReasonStartFailed, signing.ReasonRewritten, signing.ReasonProviderError:
	}
	return MessagePageFailed
}

// pageTexts are ours too.
func pageTexts(m MessageID) messageText {
	switch m {
	case MessageWrongPerson:
		return messageText{
			"Det var en annan person än den som är inbjuden. Använd ditt eget BankID, eller hör av dig till avsändaren om inbjudan inte är till dig.",
			"It was another person than the one who is invited. Use your own BankID, or contact the sender if the invitation is not for you.",
			"Det var en annen person enn den som er invitert. Bruk din egen BankID, eller ta kontakt med avsenderen hvis invitasjonen ikke er til deg.",
		}
	case MessageGoToPage:
		return messageText{
			"Skriv under på sidan som öppnas, med norskt BankID. Kom sedan tillbaka hit.",
			"Sign on the page that opens, with Norwegian BankID. Then come back here.",
			"Signer på siden som åpnes, med BankID. Kom deretter tilbake hit.",
		}
	case MessagePageTimeout:
		return messageText{
			"Underskriften blev inte klar i tid. Försök igen.",
			"The signing was not finished in time. Please try again.",
			"Signeringen ble ikke ferdig i tide. Prøv igjen.",
		}
	case MessagePageFailed:
		return messageText{
			"Underskriften kunde inte göras. Försök igen.",
			"The signing could not be done. Please try again.",
			"Signeringen kunne ikke gjennomføres. Prøv igjen.",
		}
	case MessageReadAndAgree:
		return messageText{
			"Du är legitimerad. Inget är godkänt än: läs vad det gäller här på sidan och godkänn det om du vill.",
			"You have proven who you are. Nothing is approved yet: read what it is about on this page, and approve it if you want to.",
			"Du er identifisert. Ingenting er godkjent ennå: les hva det gjelder her på siden, og godkjenn det hvis du vil.",
		}
	case MessageNotAccepted:
		return messageText{
			"Underskriften är inte av det slag som avsändaren godtar. Hör av dig till avsändaren.",
			"The signature is not of the kind that the sender accepts. Contact the sender.",
			"Signaturen er ikke av det slaget som avsenderen godtar. Ta kontakt med avsenderen.",
		}
	case MessagePageCancelled:
		return messageText{
			"Underskriften avbröts.",
			"The signing was cancelled.",
			"Signeringen ble avbrutt.",
		}
	}
	return messageText{}
}
