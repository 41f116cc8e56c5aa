"""Signs or verifies one file with pyHanko; arguments and answer: see README.md."""

import json
import re
import sys
import time

from asn1crypto import keys, pem, x509
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers, timestamps
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import DocumentSecurityStore, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore


def sign(source, target, tsa, _roots, identity):
    chain, key = [], None
    with open(identity, "rb") as f:
        for kind, _, der in pem.unarmor(f.read(), multiple=True):
            if kind == "CERTIFICATE":
                chain.append(x509.Certificate.load(der))
            else:
                key = keys.PrivateKeyInfo.load(der)
    store = SimpleCertificateStore()
    store.register_multiple(chain)
    signer = signers.SimpleSigner(signing_cert=chain[0], signing_key=key, cert_registry=store)
    meta = signers.PdfSignatureMetadata(field_name="Signature1", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
    with open(source, "rb") as f, open(target, "wb") as out:
        writer = IncrementalPdfFileWriter(f)
        signers.PdfSigner(meta, signer, timestamper=timestamps.HTTPTimeStamper(tsa)).sign_pdf(writer, output=out)
    return "B-T"


def verify(source, roots):
    with open(source, "rb") as f:
        reader = PdfFileReader(f)
        trust = {"trust_roots": list(load_certs_from_pemder([roots])), "allow_fetching": False, "revocation_mode": "require"}
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(trust)
        status = validate_pdf_signature(reader.embedded_regular_signatures[0], context)
        return "valid" if status.bottom_line else status.summary()


for _ in range(2):
    began = time.monotonic()
    said = sign(*sys.argv[2:]) if sys.argv[1] == "sign" else verify(*sys.argv[2:])
    took = time.monotonic() - began
with open("/proc/self/status") as f:
    peak = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
print(json.dumps({"ms": 1000 * took, "peak": peak, "said": said}))
