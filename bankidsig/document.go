package bankidsig

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"slices"
)

// The names that BankID's signature profile fixes. Algorithms other than these,
// rsa-sha1 of the profile's early years among them, are refused.
const (
	dsigNamespace = "http://www.w3.org/2000/09/xmldsig#"
	dataNamespace = "http://www.bankid.com/signature/v1.0.0/types"

	canonicalXML = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	rsaSHA256    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	digestSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

	signedDataID = "bidSignedData"
	keyInfoID    = "bidKeyInfo"

	maxCertificates = 4 // BankID sends three: person, customer CA, bank CA
)

// document is a signature whose shape was accepted. Nothing in it is verified
// but the two digests, once checkDigests has passed.
type document struct {
	signedInfo, keyInfo, signedData []byte // raw slices, which are their canonical form

	dataDigest, keyInfoDigest []byte
	signatureValue            []byte
	certificates              []*x509.Certificate
	data                      signedData
}

// shape checks an element's name, attributes and the names of its children.
func (e *element) shape(name string, attributes []attribute, children ...string) error {
	if e.name != name || !slices.Equal(e.attributes, attributes) {
		return reject(UnexpectedStructure, "the element at byte %d is not the one that belongs there", e.start)
	}
	if e.text != "" && len(children) > 0 || !slices.EqualFunc(e.children, children, func(c *element, want string) bool { return c.name == want }) {
		return reject(UnexpectedStructure, "the element at byte %d has other contents than it must", e.start)
	}
	return nil
}

// parseDocument accepts the one shape of BankID's signature.
func parseDocument(xml []byte) (*document, error) {
	root, err := scan(xml)
	if err != nil {
		return nil, err
	}
	if err := root.shape("Signature", []attribute{{"xmlns", dsigNamespace}}, "SignedInfo", "SignatureValue", "KeyInfo", "Object"); err != nil {
		return nil, err
	}
	signedInfo, value, keyInfo, object := root.children[0], root.children[1], root.children[2], root.children[3]
	d := &document{}
	if err := d.readSignedInfo(signedInfo); err != nil {
		return nil, err
	}
	if err := value.shape("SignatureValue", nil); err != nil {
		return nil, err
	}
	if d.signatureValue, err = value.base64(); err != nil {
		return nil, err
	}
	if err := d.readKeyInfo(keyInfo); err != nil {
		return nil, err
	}
	if err := object.shape("Object", nil, "bankIdSignedData"); err != nil {
		return nil, err
	}
	if err := d.data.read(object.children[0]); err != nil {
		return nil, err
	}
	d.signedInfo = xml[signedInfo.start:signedInfo.end]
	d.keyInfo = xml[keyInfo.start:keyInfo.end]
	d.signedData = xml[object.children[0].start:object.children[0].end]
	return d, nil
}

// readSignedInfo accepts exactly the two references of the profile, in its
// order, and the algorithms of the list (XML Signature 4.3).
func (d *document) readSignedInfo(e *element) error {
	if len(e.children) < 2 || !slices.Equal(e.attributes, []attribute{{"xmlns", dsigNamespace}}) {
		return reject(UnexpectedStructure, "SignedInfo is not of the shape it must have")
	}
	if err := e.children[0].algorithm("CanonicalizationMethod", canonicalXML); err != nil {
		return err
	}
	if err := e.children[1].algorithm("SignatureMethod", rsaSHA256); err != nil {
		return err
	}
	references := e.children[2:]
	if len(references) != 2 {
		return reject(BadReference, "it has %d references, not 2", len(references))
	}
	var err error
	d.dataDigest, err = references[0].reference([]attribute{{"Type", dataNamespace}, {"URI", "#" + signedDataID}})
	if err != nil {
		return err
	}
	d.keyInfoDigest, err = references[1].reference([]attribute{{"URI", "#" + keyInfoID}})
	return err
}

// algorithm accepts an empty element that names the algorithm given.
func (e *element) algorithm(name, want string) error {
	if e.name != name || len(e.attributes) != 1 || e.attributes[0].name != "Algorithm" || len(e.children) > 0 || e.text != "" {
		return reject(UnexpectedStructure, "an algorithm is not named where it must be, at byte %d", e.start)
	}
	if e.attributes[0].value != want {
		return reject(BadAlgorithm, "the algorithm at byte %d is not one we accept", e.start)
	}
	return nil
}

// reference returns the digest of a reference to what the attributes name.
func (e *element) reference(attributes []attribute) ([]byte, error) {
	if e.name != "Reference" || !slices.Equal(e.attributes, attributes) {
		return nil, reject(BadReference, "a reference is not to what it must be, at byte %d", e.start)
	}
	if err := e.shape("Reference", attributes, "Transforms", "DigestMethod", "DigestValue"); err != nil {
		return nil, err
	}
	transforms, method, value := e.children[0], e.children[1], e.children[2]
	if err := transforms.shape("Transforms", nil, "Transform"); err != nil {
		return nil, err
	}
	if err := transforms.children[0].algorithm("Transform", canonicalXML); err != nil {
		return nil, err
	}
	if err := method.algorithm("DigestMethod", digestSHA256); err != nil {
		return nil, err
	}
	if err := value.shape("DigestValue", nil); err != nil {
		return nil, err
	}
	return value.base64()
}

func (d *document) readKeyInfo(e *element) error {
	if err := e.shape("KeyInfo", []attribute{{"xmlns", dsigNamespace}, {"Id", keyInfoID}}, "X509Data"); err != nil {
		return err
	}
	data := e.children[0]
	if len(data.attributes) > 0 || len(data.children) == 0 || len(data.children) > maxCertificates {
		return reject(UnexpectedStructure, "it does not carry one to %d certificates", maxCertificates)
	}
	for _, c := range data.children {
		if err := c.shape("X509Certificate", nil); err != nil {
			return err
		}
		der, err := c.base64()
		if err != nil {
			return err
		}
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return reject(Malformed, "a certificate cannot be read").Because(err)
		}
		d.certificates = append(d.certificates, parsed)
	}
	return nil
}

// checkDigests compares the raw slices with the digests in SignedInfo.
func (d *document) checkDigests() error {
	data, keyInfo := sha256.Sum256(d.signedData), sha256.Sum256(d.keyInfo)
	if subtle.ConstantTimeCompare(data[:], d.dataDigest)&subtle.ConstantTimeCompare(keyInfo[:], d.keyInfoDigest) != 1 {
		return reject(BadDigest, "a signed part is not what was signed")
	}
	return nil
}

// base64 decodes an element's text, which must be the one encoding of its bytes.
func (e *element) base64() ([]byte, error) {
	b, err := decodeBase64(e.text)
	if err != nil {
		return nil, reject(Malformed, "the text at byte %d is not base64", e.start)
	}
	return b, nil
}

// decodeBase64 accepts no line breaks, which Go's decoder would skip, and no
// stray bits in the last character.
func decodeBase64(s string) ([]byte, error) {
	for i := range len(s) {
		if s[i] == '\r' || s[i] == '\n' {
			return nil, base64.CorruptInputError(i)
		}
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}
