"""Signs as pyHanko does, for our own verifier to judge.

pyhanko_sign.py PDF FOLDER TSA ROOTS IDENTITY..., each identity a PEM file of key
and chain. Answers each file that it wrote with "LEVEL TAB SIGNATURES TAB PATH".
"""

import io
import sys
from pathlib import Path

from asn1crypto import keys, pem, x509
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

UPLOAD, FOLDER, TSA, ROOTS = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]


def identity(path):
    parts = {"PRIVATE KEY": [], "CERTIFICATE": []}
    for kind, _, der in pem.unarmor(Path(path).read_bytes(), multiple=True):
        parts[kind].append(der)
    chain = [x509.Certificate.load(der) for der in parts["CERTIFICATE"]]
    store = SimpleCertificateStore()
    store.register_multiple(chain)
    key = keys.PrivateKeyInfo.load(parts["PRIVATE KEY"][0])
    return signers.SimpleSigner(signing_cert=chain[0], signing_key=key, cert_registry=store)


IDENTITIES = [identity(path) for path in sys.argv[5:]]
STAMPER = timestamps.HTTPTimeStamper(TSA)


def sign(data, level, who, certify=None, visible=False):
    name = f"Signature{who + 1}"
    trust = ValidationContext(trust_roots=list(load_certs_from_pemder([ROOTS])), allow_fetching=True, revocation_mode="require")
    meta = signers.PdfSignatureMetadata(
        field_name=name,
        subfilter=SigSeedSubFilter.PADES,
        reason="Contract",
        md_algorithm="sha256",
        certify=certify is not None,
        docmdp_permissions=certify or MDPPerm.FILL_FORMS,
        embed_validation_info=level in ("B-LT", "B-LTA"),
        use_pades_lta=level == "B-LTA",
        validation_context=trust,
    )
    out = IncrementalPdfFileWriter(io.BytesIO(data))
    style = TextStampStyle(stamp_text="Signed by somebody") if visible else None
    box = (72, 600, 272, 650) if visible else None
    fields.append_signature_field(out, SigFieldSpec(name, box=box))
    signer = signers.PdfSigner(
        meta, IDENTITIES[who % len(IDENTITIES)], timestamper=None if level == "B-B" else STAMPER, stamp_style=style
    )
    return signer.sign_pdf(out).getvalue()


def write(level, name, signatures, data):
    path = FOLDER / f"pyhanko-{level.lower()}-{name}-{signatures}.pdf"
    path.write_bytes(data)
    print(f"{level}\t{signatures}\t{path}", flush=True)
    return data


for level in ("B-B", "B-T", "B-LT", "B-LTA"):
    upload = UPLOAD.read_bytes()
    seen = write(level, "visible", 1, sign(upload, level, 0, visible=True))
    write(level, "visible", 2, sign(seen, level, 1))
for p in MDPPerm:
    certified = write("B-LTA", f"p{p.value}", 1, sign(upload, "B-LTA", 0, certify=p))
    if p != MDPPerm.NO_CHANGES:
        second = sign(certified, "B-LTA", 1)
        write("B-LTA", f"p{p.value}", 3, sign(second, "B-LTA", 2))
