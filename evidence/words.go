package evidence

import "github.com/handslag/handslag/signing"

// pageWords are the words of an evidence page in one language.
type pageWords struct {
	signed, both, approved            string // what the page is about
	lead, where                       string
	titleAlone, leadAlone, whereAlone string // of a page that is a document of its own
	test                              string

	signers, consents, processes                               string
	number, norwegianNumber, behalf, method                    string
	bankID, bankIDStated, bankIDIdentified, via, bankIDProcess string
	nbid                                                       string
	signedAt, identifiedAt, consentedAt, endedAt, version      string
	verified, inside, attested, attestedProcess                assuranceWords
	identified                                                 assuranceWords
	documents, versionBy, length, bytes, thousands, this       string
	finished, sealed, unsealed                                 string
	more, audit, entries, head, verify, collection, pageOf     string
}

// assuranceWords say what a part is worth: on a badge, and what that means.
type assuranceWords struct{ badge, meaning string }

func (w pageWords) worth(p Proof) assuranceWords {
	switch p.Assurance {
	case signing.AssuranceVerified:
		if p.Method.SignsDocuments() {
			return w.inside
		}
		return w.verified
	case signing.AssuranceAttested:
		return w.attested
	case signing.AssuranceAttestedProcess:
		return w.attestedProcess
	case signing.AssuranceIdentified:
		return w.identified
	}
	return assuranceWords{badge: string(p.Assurance)}
}

// about is what the page has proof of, never more than there is.
func (w pageWords) about(signatures, consents bool) string {
	switch {
	case signatures && consents:
		return w.both
	case consents:
		return w.approved
	}
	return w.signed
}

// providerName is a provider as people know it.
func providerName(provider string) string {
	switch provider {
	case "bankid":
		return "BankID"
	case "idkollen":
		return "IDkollen"
	case "sbab":
		return "SBAB"
	case "qrona":
		return "Qrona"
	case "signicat":
		return "Signicat"
	}
	return provider
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
	signed: "underskrifter", both: "underskrifter och godkännanden", approved: "godkännanden",
	lead: "Den här sidan har lagts till efter dokumentet. Dokumentet före den är oförändrat: varje byte finns kvar.",
	where: "Bevisen finns i den här filen som bilagor, och handslag-evidence.json förtecknar dem. Allt skyddas av den " +
		"elektroniska stämpeln. Kontrollera filen med ”handslag verify” eller en PDF-läsare som kontrollerar PAdES.",
	titleAlone: "Bevis om %s",
	leadAlone: "Den här filen hör till ett dokument som inte fick byggas ut. I dokumentet självt har inget annat än " +
		"elektroniska signaturer och stämplar kommit till.",
	whereAlone: "Bevisen finns i den här filen som bilagor, och handslag-evidence.json förtecknar dem. Allt skyddas av den " +
		"elektroniska stämpeln. Spara filen tillsammans med dokumentet, och kontrollera båda med ”handslag verify”.",
	test:    "TEST – gjort i en testmiljö och bevisar ingenting.",
	signers: "Underskrifter", consents: "Godkännanden, inte underskrifter", processes: "Hos leverantören, inte av dokumenten",
	number: "Personnummer", norwegianNumber: "Norskt födelsenr", behalf: "För organisation", method: "Metod",
	bankID: "Underskrift med svenskt BankID", bankIDStated: "Underskrift med svenskt BankID, enligt %s",
	bankIDIdentified: "Legitimering med svenskt BankID%s, därefter godkännande", via: " via %s", bankIDProcess: "Process hos %s med svenskt BankID",
	nbid:     "Underskrift med norskt BankID, i dokumentet självt",
	signedAt: "Undertecknat", identifiedAt: "Legitimerad", consentedAt: "Godkänt", endedAt: "Avslutad", version: "Version",
	verified: assuranceWords{"Kontrollerad", "Kontrollerad betyder att vi själva har prövat underskriften: den är gjord med personens BankID, " +
		"den gäller just de dokument som räknas upp nedan, och BankID bekräftade då att certifikatet var giltigt."},
	inside: assuranceWords{"I dokumentet", "I dokumentet betyder att underskriften är gjord med norskt BankID i själva PDF-filen, " +
		"där även en PDF-läsare visar den; också den har vi prövat."},
	attested: assuranceWords{"Intygad", "Intygad betyder att leverantören intygar att personen skrev under just de här dokumenten, " +
		"utan att lämna ut underskriften; den kan därför inte kontrolleras här."},
	attestedProcess: assuranceWords{"Intygad process", "Leverantören intygar att personen har skrivit under i leverantörens egen process. " +
		"Det är ingen underskrift av dokumenten, och räknas inte som en."},
	identified: assuranceWords{"Identifierad", "Identifierad betyder att personen har legitimerat sig med BankID och sedan godkänt dokumenten på vår sida; " +
		"godkännandet är ingen underskrift."},
	documents: "Dokument", versionBy: "Version %d, efter underskrift av %s", length: "Storlek", bytes: "byte", thousands: "\u00a0", this: "Detta dokument",
	finished: "Det färdiga dokumentet",
	sealed:   "Dokumentet har därefter fått vår elektroniska stämpel. Så här känns den färdiga filen igen:",
	unsealed: "En signatur som fanns i dokumentet förbjuder även vår stämpel. Det färdiga dokumentet är därför filen som laddades upp, byte för byte:",
	more:     "Bevis", audit: "Ärende och händelselogg", entries: "Poster i loggen", head: "Loggens slutvärde", verify: "Kontrollera",
	collection: "Ärende", pageOf: "Sida %d av %d",
}

var norwegian = pageWords{
	signed: "signaturer", both: "signaturer og godkjenninger", approved: "godkjenninger",
	lead: "Denne siden er lagt til etter dokumentet. Dokumentet foran den er uendret: hver byte er bevart.",
	where: "Bevisene ligger i denne filen som vedlegg, og handslag-evidence.json lister dem opp. Alt er beskyttet av det " +
		"elektroniske seglet. Kontroller filen med «handslag verify» eller en PDF-leser som kontrollerer PAdES.",
	titleAlone: "Bevis for %s",
	leadAlone: "Denne filen hører til et dokument som ikke kunne utvides. I selve dokumentet er det ikke kommet til annet enn " +
		"elektroniske signaturer og segl.",
	whereAlone: "Bevisene ligger i denne filen som vedlegg, og handslag-evidence.json lister dem opp. Alt er beskyttet av det " +
		"elektroniske seglet. Ta vare på filen sammen med dokumentet, og kontroller begge med «handslag verify».",
	test:    "TEST – gjort i et testmiljø og beviser ingenting.",
	signers: "Signaturer", consents: "Godkjenninger, ikke signaturer", processes: "Andre prosesser, ikke av dokumentene",
	number: "Personnummer", norwegianNumber: "Fødselsnummer", behalf: "For organisasjon", method: "Metode",
	bankID: "Signatur med svensk BankID", bankIDStated: "Signatur med svensk BankID, ifølge %s",
	bankIDIdentified: "Identifisering med svensk BankID%s, deretter godkjenning", via: " via %s", bankIDProcess: "Prosess hos %s med svensk BankID",
	nbid:     "Signatur med norsk BankID, i selve dokumentet",
	signedAt: "Signert", identifiedAt: "Identifisert", consentedAt: "Godkjent", endedAt: "Avsluttet", version: "Versjon",
	verified: assuranceWords{"Kontrollert", "Kontrollert betyr at vi selv har prøvd signaturen: den er laget med personens BankID, " +
		"den gjelder nettopp dokumentene som er listet opp nedenfor, og BankID bekreftet da at sertifikatet var gyldig."},
	inside: assuranceWords{"I dokumentet", "I dokumentet betyr at signaturen er laget med norsk BankID i selve PDF-filen, " +
		"der også en PDF-leser viser den; også den har vi prøvd."},
	attested: assuranceWords{"Attestert", "Attestert betyr at leverandøren bekrefter at personen signerte nettopp disse dokumentene, " +
		"uten å utlevere signaturen; den kan derfor ikke kontrolleres her."},
	attestedProcess: assuranceWords{"Attestert prosess", "Leverandøren bekrefter at personen har signert i leverandørens egen prosess. " +
		"Det er ingen signatur av dokumentene, og regnes ikke som en."},
	identified: assuranceWords{"Identifisert", "Identifisert betyr at personen har identifisert seg med BankID og deretter godkjent dokumentene på vår side; " +
		"godkjenningen er ingen signatur."},
	documents: "Dokumenter", versionBy: "Versjon %d, etter signatur av %s", length: "Størrelse", bytes: "byte", thousands: "\u00a0", this: "Dette dokumentet",
	finished: "Det ferdige dokumentet",
	sealed:   "Dokumentet har deretter fått vårt elektroniske segl. Slik kjennes den ferdige filen igjen:",
	unsealed: "En signatur som fantes i dokumentet, forbyr også vårt segl. Det ferdige dokumentet er derfor filen som ble lastet opp, byte for byte:",
	more:     "Bevis", audit: "Sak og hendelseslogg", entries: "Poster i loggen", head: "Loggens sluttverdi", verify: "Kontroller",
	collection: "Sak", pageOf: "Side %d av %d",
}

var english = pageWords{
	signed: "signatures", both: "signatures and approvals", approved: "approvals",
	lead: "This page was added after the document. The document before it is unchanged: every byte of it is still there.",
	where: "The evidence is in this file as attachments, and handslag-evidence.json lists them. The electronic seal protects " +
		"it all. Check the file with “handslag verify” or with a PDF reader that checks PAdES.",
	titleAlone: "Evidence of %s",
	leadAlone: "This file belongs to a document that must not be added to. Nothing but electronic signatures and seals was " +
		"added to the document itself.",
	whereAlone: "The evidence is in this file as attachments, and handslag-evidence.json lists them. The electronic seal protects " +
		"it all. Keep the file together with the document, and check both with “handslag verify”.",
	test:    "TEST – done in a test environment; this proves nothing.",
	signers: "Signatures", consents: "Approvals, not signatures", processes: "Other processes, not of the documents",
	number: "Personal number", norwegianNumber: "Norwegian ID no.", behalf: "On behalf of", method: "Method",
	bankID: "Signature with Swedish BankID", bankIDStated: "Signature with Swedish BankID, as %s states",
	bankIDIdentified: "Identification with Swedish BankID%s, then approval", via: " through %s", bankIDProcess: "Process at %s with Swedish BankID",
	nbid:     "Signature with Norwegian BankID, in the document itself",
	signedAt: "Signed", identifiedAt: "Identified", consentedAt: "Approved", endedAt: "Completed", version: "Version",
	verified: assuranceWords{"Verified", "Verified means that we checked the signature ourselves: it was made with the person's BankID, " +
		"it is for exactly the documents listed below, and BankID confirmed at the time that the certificate was valid."},
	inside: assuranceWords{"In the document", "In the document means that the signature was made with Norwegian BankID in the PDF file itself, " +
		"where a PDF reader shows it, too; we have checked it as well."},
	attested: assuranceWords{"Attested", "Attested means that the provider states that the person signed exactly these documents, " +
		"without handing out the signature; so it cannot be checked here."},
	attestedProcess: assuranceWords{"Attested process", "The provider states that the person signed in a process of the provider's own. " +
		"That is no signature of the documents, and does not count as one."},
	identified: assuranceWords{"Identified", "Identified means that the person proved their identity with BankID and then approved the documents on our page; " +
		"the approval is not a signature."},
	documents: "Documents", versionBy: "Version %d, after the signature of %s", length: "Size", bytes: "bytes", thousands: ",", this: "This document",
	finished: "The finished document",
	sealed:   "The document has since been given our electronic seal. This is how to recognise the finished file:",
	unsealed: "A signature that came with the document forbids even our seal. The finished document is therefore the file that was uploaded, byte for byte:",
	more:     "Evidence", audit: "Case and audit trail", entries: "Entries in the trail", head: "Head of the trail", verify: "Verify",
	collection: "Case", pageOf: "Page %d of %d",
}
