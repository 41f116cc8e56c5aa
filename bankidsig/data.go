package bankidsig

import "slices"

// signedData is what bankIdSignedData says. Texts stay in the base64 in which
// the relying party sent them, which is how they are compared.
type signedData struct {
	visible, nonVisible *string // nil when the element is absent
	format              string
	relyingParty        string // RFC 4514
	displayName         string
	function            string
}

func (d *signedData) read(e *element) error {
	if e.name != "bankIdSignedData" || !slices.Equal(e.attributes, []attribute{{"xmlns", dataNamespace}, {"Id", signedDataID}}) {
		return reject(UnexpectedStructure, "bankIdSignedData is not of the shape it must have")
	}
	rest := e.children
	next := func(name string) *element {
		if len(rest) == 0 || rest[0].name != name {
			return nil
		}
		found := rest[0]
		rest = rest[1:]
		return found
	}
	if v := next("usrVisibleData"); v != nil {
		if err := d.readVisible(v); err != nil {
			return err
		}
	}
	if v := next("usrNonVisibleData"); v != nil {
		if err := v.shape("usrNonVisibleData", nil); err != nil {
			return err
		}
		if _, err := v.base64(); err != nil {
			return err
		}
		d.nonVisible = &v.text
	}
	server, client := next("srvInfo"), next("clientInfo")
	if server == nil || client == nil || len(rest) > 0 {
		return reject(UnexpectedStructure, "bankIdSignedData has other contents than it must")
	}
	if err := d.readServer(server); err != nil {
		return err
	}
	function, err := client.single("funcId")
	if err != nil {
		return err
	}
	d.function = function
	return nil
}

func (d *signedData) readVisible(e *element) error {
	switch a := e.attributes; {
	case slices.Equal(a, []attribute{{"charset", "UTF-8"}, {"visible", "wysiwys"}}):
	case len(a) == 3 && a[1].name == "format" && slices.Equal(a, []attribute{{"charset", "UTF-8"}, a[1], {"visible", "wysiwys"}}):
		d.format = a[1].value
	default:
		return reject(UnexpectedStructure, "the visible text is not declared as it must be")
	}
	if len(e.children) > 0 {
		return reject(UnexpectedStructure, "the visible text is no text")
	}
	if _, err := e.base64(); err != nil {
		return err
	}
	d.visible = &e.text
	return nil
}

// readServer reads who asked for the signature. BankID may add elements here.
func (d *signedData) readServer(e *element) error {
	name, err := e.single("name")
	if err != nil {
		return err
	}
	decoded, err := decodeBase64(name)
	if err != nil {
		return reject(Malformed, "the name of the relying party is not base64")
	}
	d.relyingParty = string(decoded)
	if slices.ContainsFunc(e.children, func(c *element) bool { return c.name == "displayName" }) {
		shown, err := e.single("displayName")
		if err != nil {
			return err
		}
		decoded, err := decodeBase64(shown)
		if err != nil {
			return reject(Malformed, "the shown name of the relying party is not base64")
		}
		d.displayName = string(decoded)
	}
	return nil
}

// single returns the text of the one child with the name given.
func (e *element) single(name string) (string, error) {
	var found *element
	for _, c := range e.children {
		if c.name != name {
			continue
		}
		if found != nil || len(c.children) > 0 {
			return "", reject(UnexpectedStructure, "the element at byte %d is repeated or has elements in it", c.start)
		}
		found = c
	}
	if found == nil {
		return "", reject(UnexpectedStructure, "the element at byte %d lacks something it must have", e.start)
	}
	return found.text, nil
}
