package providers

// messageTexts is BankID's table of recommended texts, and ours. It is a switch and not a
// map, so that there is nothing that anybody could change.
func messageTexts(m MessageID) messageText {
	switch m {
	case MessageStartApp:
		return messageText{
			"Starta BankID-appen.",
			"Start your BankID app.",
			"Start BankID-appen.",
		}
	case MessageNoApp:
		return messageText{
			"Du verkar inte ha BankID-appen. Installera den och skaffa ett BankID hos din bank.",
			"You do not seem to have the BankID app. Install it and get a BankID from your bank.",
			"Du ser ikke ut til å ha BankID-appen. Installer den og skaff deg en BankID i banken din.",
		}
	case MessageSuperseded:
		return messageText{
			"Åtgärden avbröts. Försök igen.",
			"Action cancelled. Please try again.",
			"Handlingen ble avbrutt. Prøv igjen.",
		}
	case MessageInProgress:
		return messageText{
			"En identifiering eller underskrift för det här personnumret är redan påbörjad. Försök igen.",
			"An identification or signing for this personal number is already started. Please try again.",
			"En identifisering eller signering for dette personnummeret er allerede i gang. Prøv igjen.",
		}
	case MessageTryAgain, MessageFailed:
		return messageText{
			"Något gick fel. Försök igen.",
			"Something went wrong. Please try again.",
			"Noe gikk galt. Prøv igjen.",
		}
	case MessageCancelled:
		return messageText{
			"Åtgärden avbröts.",
			"Action cancelled.",
			"Handlingen ble avbrutt.",
		}
	case MessageNoAnswer:
		return messageText{
			"BankID-appen svarar inte. Kontrollera att den är startad och att du har internetanslutning. Försök sedan igen.",
			"The BankID app is not responding. Check that it is started and that you have internet access, then try again.",
			"BankID-appen svarer ikke. Kontroller at den er startet og at du har internett, og prøv igjen.",
		}
	case MessageEnterCode:
		return messageText{
			"Skriv in din säkerhetskod i BankID-appen och välj Identifiera eller Skriv under.",
			"Enter your security code in the BankID app and select Identify or Sign.",
			"Skriv inn sikkerhetskoden i BankID-appen og velg Identifiera eller Skriv under.",
		}
	case MessageStartingApp:
		return messageText{
			"Försöker starta BankID-appen.",
			"Trying to start your BankID app.",
			"Prøver å starte BankID-appen.",
		}
	case MessageSearchComputer:
		return messageText{
			"Söker efter BankID, det kan ta en liten stund. Om det inte hittas finns kanske inget BankID för den här underskriften på datorn. Har du ett BankID på kort, sätt det i kortläsaren.",
			"Searching for BankID, which may take a little while. If none is found, there may be no BankID on this computer that can be used. If you have one on a card, insert it into your card reader.",
			"Søker etter BankID, det kan ta litt tid. Hvis den ikke blir funnet, er det kanskje ingen BankID på datamaskinen som kan brukes. Har du BankID på kort, sett det i kortleseren.",
		}
	case MessageSearchMobile:
		return messageText{
			"Söker efter BankID, det kan ta en liten stund. Om det inte hittas finns kanske inget BankID för den här underskriften på enheten.",
			"Searching for BankID, which may take a little while. If none is found, there may be no BankID on this device that can be used.",
			"Søker etter BankID, det kan ta litt tid. Hvis den ikke blir funnet, er det kanskje ingen BankID på enheten som kan brukes.",
		}
	case MessageScanDocument, MessageScanFace, MessageChooseStepUp:
		return stepUpTexts(m)
	}
	return failureTexts(m)
}

// callTexts are ours: BankID recommends none for calls, nor for an app that is
// too old for what was asked of it.
func callTexts(m MessageID) messageText {
	switch m {
	case MessageConfirmCall:
		return messageText{
			"Bekräfta i BankID-appen att du pratar i telefon med oss.",
			"Confirm in the BankID app that you are in a call with us.",
			"Bekreft i BankID-appen at du snakker i telefonen med oss.",
		}
	case MessageCallDeclined:
		return messageText{
			"Du har svarat att du inte pratar i telefon med oss, och åtgärden avbröts. Lägg på om någon annan bad dig använda ditt BankID.",
			"You answered that you are not in a call with us, and the action was cancelled. Hang up if somebody else asked you to use your BankID.",
			"Du har svart at du ikke snakker i telefonen med oss, og handlingen ble avbrutt. Legg på hvis noen andre ba deg bruke BankID-en din.",
		}
	case MessageUpdateApp:
		return messageText{
			"Din version av BankID-appen klarar inte det här. Uppdatera appen och försök igen.",
			"Your version of the BankID app cannot do this. Update the app and try again.",
			"Din versjon av BankID-appen klarer ikke dette. Oppdater appen og prøv igjen.",
		}
	}
	return pageTexts(m)
}

func stepUpTexts(m MessageID) messageText {
	switch m {
	case MessageScanDocument:
		return messageText{
			"Fotografera och läs av din ID-handling med BankID-appen.",
			"Photograph and scan your identity document with the BankID app.",
			"Fotografer og les av ID-dokumentet ditt med BankID-appen.",
		}
	case MessageScanFace:
		return messageText{
			"Gör ansiktsigenkänningen i BankID-appen.",
			"Do the facial recognition in the BankID app.",
			"Gjør ansiktsgjenkjenningen i BankID-appen.",
		}
	case MessageChooseStepUp:
		return messageText{
			"Välj i BankID-appen hur du vill bekräfta din identitet.",
			"Choose in the BankID app how to confirm your identity.",
			"Velg i BankID-appen hvordan du vil bekrefte identiteten din.",
		}
	}
	return messageText{}
}

func failureTexts(m MessageID) messageText {
	switch m {
	case MessageBankIDInvalid:
		return messageText{
			"Det BankID du försöker använda är för gammalt eller spärrat. Använd ett annat BankID eller skaffa ett nytt hos din bank.",
			"The BankID you are trying to use is blocked or too old. Use another BankID or get a new one from your bank.",
			"BankID-en du prøver å bruke er for gammel eller sperret. Bruk en annen BankID eller skaff en ny i banken din.",
		}
	case MessageAppMissing:
		return messageText{
			"BankID-appen verkar inte finnas på den här enheten. Installera den och skaffa ett BankID hos din bank.",
			"The BankID app does not seem to be on this device. Install it and get a BankID from your bank.",
			"BankID-appen ser ikke ut til å finnes på denne enheten. Installer den og skaff deg en BankID i banken din.",
		}
	case MessageQRFailed:
		return messageText{
			"Det gick inte att läsa av QR-koden. Starta BankID-appen och läs av den igen. Har du inte appen, installera den och skaffa ett BankID hos din bank.",
			"The QR code could not be scanned. Start the BankID app and scan it again. If you do not have the app, install it and get a BankID from your bank.",
			"QR-koden kunne ikke leses. Start BankID-appen og les den av igjen. Har du ikke appen, installer den og skaff deg en BankID i banken din.",
		}
	case MessageChooseComputer:
		return messageText{
			"Vill du använda BankID på den här datorn eller ett Mobilt BankID?",
			"Do you want to use a BankID on this computer or a Mobile BankID?",
			"Vil du bruke BankID på denne datamaskinen eller en Mobil BankID?",
		}
	case MessageChooseMobile:
		return messageText{
			"Vill du använda BankID på den här enheten eller på en annan enhet?",
			"Do you want to use a BankID on this device or on another device?",
			"Vil du bruke BankID på denne enheten eller på en annen enhet?",
		}
	case MessagePending:
		return messageText{
			"En identifiering eller underskrift pågår.",
			"Identification or signing in progress.",
			"Identifisering eller signering pågår.",
		}
	case MessageDocumentFailed:
		return messageText{
			"Kontrollen av din ID-handling misslyckades. Försök igen.",
			"The check of your identity document failed. Please try again.",
			"Kontrollen av ID-dokumentet ditt mislyktes. Prøv igjen.",
		}
	case MessageFaceFailed:
		return messageText{
			"Ansiktsigenkänningen misslyckades. Försök igen.",
			"The facial recognition failed. Please try again.",
			"Ansiktsgjenkjenningen mislyktes. Prøv igjen.",
		}
	case MessageNoReader:
		return messageText{
			"Din enhet kan inte läsa av ID-handlingar. Använd en annan enhet.",
			"Your device cannot read identity documents. Use another device.",
			"Enheten din kan ikke lese av ID-dokumenter. Bruk en annen enhet.",
		}
	case MessageSeveralBankIDs:
		return messageText{
			"Du har flera BankID på enheten. Radera alla utom ett under Inställningar i BankID-appens meny och försök igen.",
			"You have several BankIDs on the device. Delete all but one under Settings in the menu of the BankID app and try again.",
			"Du har flere BankID-er på enheten. Slett alle unntatt én under Innstillinger i menyen i BankID-appen og prøv igjen.",
		}
	case MessageStepUpFailed:
		return messageText{
			"Bekräftelsen av din identitet misslyckades. Försök igen.",
			"The confirmation of your identity failed. Please try again.",
			"Bekreftelsen av identiteten din mislyktes. Prøv igjen.",
		}
	}
	return callTexts(m)
}
