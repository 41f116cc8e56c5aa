"""Judges sealed documents with pyHanko: validate.py TRUST_FOLDER FILE...

Every seal must be valid, trusted by the given anchors alone, timestamped, and
cover the whole file; and must not be so once a byte that it covers is changed.
"""

import io
import logging
import sys

from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext


def anchors(folder, purpose):
    roots = list(load_certs_from_pemder([f"{folder}/{purpose}.simulator.pem"]))
    return ValidationContext(trust_roots=roots)


def judge(data, folder):
    signatures = PdfFileReader(io.BytesIO(data)).embedded_signatures
    assert len(signatures) == 1, f"{len(signatures)} signatures"
    return validate_pdf_signature(
        signatures[0],
        signer_validation_context=anchors(folder, "seal"),
        ts_validation_context=anchors(folder, "tsa"),
    )


def main(folder, files):
    assert files, "no document to judge"
    logging.disable(logging.CRITICAL)  # it tells of the spoilt one at length
    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        status = judge(data, folder)
        assert status.bottom_line, status.pretty_print_details()
        assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE, status.coverage
        stamp = status.timestamp_validity
        assert stamp and stamp.valid and stamp.trusted, "the timestamp is not trusted"

        spoilt = bytearray(data)
        spoilt[10] ^= 1  # in the comment that follows the header
        assert not judge(bytes(spoilt), folder).bottom_line, "a changed byte went unseen"
        print(f"pyhanko: {path}: {status.summary()}")


main(sys.argv[1], sys.argv[2:])
