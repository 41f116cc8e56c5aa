package evidence

import "github.com/handslag/handslag/signing"

// pageWords are the words of an evidence page in one language.
type pageWords struct {
	title, lead, where                string
	titleAlone, leadAlone, whereAlone string // of a page that is a document of its own
	test                              string

	signers, number, method, bankID, signedAt              string
	verified, attested, attestedProcess, identified        assuranceWords
	documents, length, bytes, thousands, this              string
	finished, sealed, unsealed                             string
	more, audit, entries, head, verify, collection, pageOf string
}

// assuranceWords say how sure a signature is: on a badge, and what that means.
type assuranceWords struct{ badge, meaning string }

func (w pageWords) assurance(a signing.Assurance) assuranceWords {
	switch a {
	case signing.AssuranceVerified:
		return w.verified
	case signing.AssuranceAttested:
		return w.attested
	case signing.AssuranceAttestedProcess:
		return w.attestedProcess
	case signing.AssuranceIdentified:
		return w.identified
	}
	return assuranceWords{badge: string(a)}
}

func pageWordsIn(locale signing.Locale) pageWords {
	switch locale {
	case signing.LocaleSV:
		return swedish
	case signing.LocaleNB:
		return norwegian
	case signing.LocaleEN:
	}
	return english
}

var swedish = pageWords{
	title: "Underskrifter",
	lead: "Den här sidan har lagts till efter dokumentet. Dokumentet före den är oförändrat: " +
		"varje byte som undertecknarna skrev under finns kvar.",
	where: "De fullständiga bevisen finns i den här filen som bilagor: varje underskrift med BankID:s svar om " +
		"certifikatets giltighet, och handslag-evidence.json som förtecknar dem. Allt skyddas av den elektroniska " +
		"stämpeln. Kontrollera filen med ”handslag verify” eller en PDF-läsare som kontrollerar PAdES.",
	titleAlone: "Bevis om underskrifter",
	leadAlone: "Den här filen hör till ett dokument som inte fick byggas ut. Dokumentet självt är oförändrat: " +
		"högst elektroniska signaturer och stämplar har kommit till efter det som undertecknarna skrev under.",
	whereAlone: "De fullständiga bevisen finns i den här filen som bilagor: varje underskrift med BankID:s svar om " +
		"certifikatets giltighet, och handslag-evidence.json som förtecknar dem. Allt skyddas av den elektroniska " +
		"stämpeln. Spara filen tillsammans med dokumentet, och kontrollera båda med ”handslag verify”.",
	test:    "TEST – undertecknat i en testmiljö och bevisar ingenting.",
	signers: "Undertecknare", number: "Personnummer", method: "Metod", bankID: "Underskrift med svenskt BankID", signedAt: "Undertecknat",
	verified: assuranceWords{"Kontrollerad", "Kontrollerad betyder att vi själva har prövat underskriften: den är gjord med personens BankID, " +
		"den gäller just de dokument som räknas upp nedan, och BankID bekräftade då att certifikatet var giltigt."},
	attested: assuranceWords{"Intygad", "Intygad betyder att leverantören intygar att personen skrev under just de här dokumenten, " +
		"utan att lämna ut underskriften."},
	attestedProcess: assuranceWords{"Intygad process", "Intygad process betyder att leverantören intygar en underskrift i sin egen process, " +
		"inte av dokumenten själva."},
	identified: assuranceWords{"Identifierad", "Identifierad betyder att personen har legitimerat sig och sedan godkänt dokumenten; " +
		"godkännandet är ingen underskrift."},
	documents: "Dokument som undertecknades", length: "Storlek", bytes: "byte", thousands: "\u00a0", this: "Detta dokument",
	finished: "Det färdiga dokumentet",
	sealed:   "Dokumentet har därefter fått vår elektroniska stämpel. Så här känns den färdiga filen igen:",
	unsealed: "En signatur som fanns i dokumentet förbjuder även vår stämpel. Det färdiga dokumentet är därför filen som laddades upp, byte för byte:",
	more:     "Bevis", audit: "Ärende och händelselogg", entries: "Poster i loggen", head: "Loggens slutvärde", verify: "Kontrollera",
	collection: "Ärende", pageOf: "Sida %d av %d",
}

var norwegian = pageWords{
	title: "Signaturer",
	lead: "Denne siden er lagt til etter dokumentet. Dokumentet foran den er uendret: " +
		"hver byte som underskriverne signerte, er bevart.",
	where: "De fullstendige bevisene ligger i denne filen som vedlegg: hver signatur med BankIDs svar om " +
		"sertifikatets gyldighet, og handslag-evidence.json som lister dem opp. Alt er beskyttet av det elektroniske " +
		"seglet. Kontroller filen med «handslag verify» eller en PDF-leser som kontrollerer PAdES.",
	titleAlone: "Bevis for signaturer",
	leadAlone: "Denne filen hører til et dokument som ikke kunne utvides. Dokumentet selv er uendret: " +
		"høyst elektroniske signaturer og segl er kommet til etter det som underskriverne signerte.",
	whereAlone: "De fullstendige bevisene ligger i denne filen som vedlegg: hver signatur med BankIDs svar om " +
		"sertifikatets gyldighet, og handslag-evidence.json som lister dem opp. Alt er beskyttet av det elektroniske " +
		"seglet. Ta vare på filen sammen med dokumentet, og kontroller begge med «handslag verify».",
	test:    "TEST – signert i et testmiljø og beviser ingenting.",
	signers: "Underskrivere", number: "Personnummer", method: "Metode", bankID: "Signatur med svensk BankID", signedAt: "Signert",
	verified: assuranceWords{"Kontrollert", "Kontrollert betyr at vi selv har prøvd signaturen: den er laget med personens BankID, " +
		"den gjelder nettopp dokumentene som er listet opp nedenfor, og BankID bekreftet da at sertifikatet var gyldig."},
	attested: assuranceWords{"Attestert", "Attestert betyr at leverandøren bekrefter at personen signerte nettopp disse dokumentene, " +
		"uten å utlevere signaturen."},
	attestedProcess: assuranceWords{"Attestert prosess", "Attestert prosess betyr at leverandøren bekrefter en signatur i sin egen prosess, " +
		"ikke av dokumentene selv."},
	identified: assuranceWords{"Identifisert", "Identifisert betyr at personen har legitimert seg og deretter godkjent dokumentene; " +
		"godkjenningen er ingen signatur."},
	documents: "Dokumenter som ble signert", length: "Størrelse", bytes: "byte", thousands: "\u00a0", this: "Dette dokumentet",
	finished: "Det ferdige dokumentet",
	sealed:   "Dokumentet har deretter fått vårt elektroniske segl. Slik kjennes den ferdige filen igjen:",
	unsealed: "En signatur som fantes i dokumentet, forbyr også vårt segl. Det ferdige dokumentet er derfor filen som ble lastet opp, byte for byte:",
	more:     "Bevis", audit: "Sak og hendelseslogg", entries: "Poster i loggen", head: "Loggens sluttverdi", verify: "Kontroller",
	collection: "Sak", pageOf: "Side %d av %d",
}

var english = pageWords{
	title: "Signatures",
	lead: "This page was added after the document. The document before it is unchanged: " +
		"every byte that the signers signed is still there.",
	where: "The complete evidence is in this file as attachments: each signature with BankID's statement of the " +
		"certificate's validity, and handslag-evidence.json, which lists them. The electronic seal protects it all. " +
		"Check the file with “handslag verify” or with a PDF reader that checks PAdES.",
	titleAlone: "Evidence of signatures",
	leadAlone: "This file belongs to a document that must not be added to. The document itself is unchanged: " +
		"at most electronic signatures and seals follow what the signers signed.",
	whereAlone: "The complete evidence is in this file as attachments: each signature with BankID's statement of the " +
		"certificate's validity, and handslag-evidence.json, which lists them. The electronic seal protects it all. " +
		"Keep the file together with the document, and check both with “handslag verify”.",
	test:    "TEST – signed in a test environment; this proves nothing.",
	signers: "Signers", number: "Personal number", method: "Method", bankID: "Signature with Swedish BankID", signedAt: "Signed",
	verified: assuranceWords{"Verified", "Verified means that we checked the signature ourselves: it was made with the person's BankID, " +
		"it is for exactly the documents listed below, and BankID confirmed at the time that the certificate was valid."},
	attested: assuranceWords{"Attested", "Attested means that the provider states that the person signed exactly these documents, " +
		"without handing out the signature."},
	attestedProcess: assuranceWords{"Attested process", "Attested process means that the provider states a signature in a process of its own, " +
		"not of the documents themselves."},
	identified: assuranceWords{"Identified", "Identified means that the person proved their identity and then approved the documents; " +
		"the approval is not a signature."},
	documents: "Documents that were signed", length: "Size", bytes: "bytes", thousands: ",", this: "This document",
	finished: "The finished document",
	sealed:   "The document has since been given our electronic seal. This is how to recognise the finished file:",
	unsealed: "A signature that came with the document forbids even our seal. The finished document is therefore the file that was uploaded, byte for byte:",
	more:     "Evidence", audit: "Case and audit trail", entries: "Entries in the trail", head: "Head of the trail", verify: "Verify",
	collection: "Case", pageOf: "Page %d of %d",
}
