"""Judges sealed documents with pyHanko: validate.py TRUST_FOLDER FILE...

Every seal must be valid, trusted by the given anchors alone and timestamped;
what follows it must be proofs of status and a timestamp over the whole file, no
more; and none of it must be so once a byte that they cover is changed.
"""

import io
import logging
import sys

from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext


def anchors(folder, purpose):
    roots = list(load_certs_from_pemder([f"{folder}/{purpose}.simulator.pem"]))
    return ValidationContext(trust_roots=roots)


def judge(data, folder):
    reader = PdfFileReader(io.BytesIO(data))
    seals, stamps = reader.embedded_regular_signatures, reader.embedded_timestamp_signatures
    assert (len(seals), len(stamps)) == (1, 1), f"{len(seals)} signatures and {len(stamps)} timestamps"
    return validate_pdf_signature(
        seals[0],
        signer_validation_context=anchors(folder, "seal"),
        ts_validation_context=anchors(folder, "tsa"),
    ), validate_pdf_timestamp(stamps[0], validation_context=anchors(folder, "tsa"))


def main(folder, files):
    assert files, "no document to judge"
    logging.disable(logging.CRITICAL)  # it tells of the spoilt one at length
    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        status, last = judge(data, folder)
        assert status.bottom_line, status.pretty_print_details()
        assert status.coverage == SignatureCoverageLevel.ENTIRE_REVISION, status.coverage
        assert status.modification_level == ModificationLevel.LTA_UPDATES, status.modification_level
        stamp = status.timestamp_validity
        assert stamp and stamp.valid and stamp.trusted, "the timestamp is not trusted"
        assert last.intact and last.valid and last.trusted, "the document timestamp is not trusted"
        assert last.coverage == SignatureCoverageLevel.ENTIRE_FILE, last.coverage

        spoilt = bytearray(data)
        spoilt[10] ^= 1  # in the comment that follows the header
        status_of_spoilt, last_of_spoilt = judge(bytes(spoilt), folder)
        assert not status_of_spoilt.bottom_line, "a changed byte went unseen"
        assert not last_of_spoilt.intact, "a changed byte went unseen by the timestamp"
        print(f"pyhanko: {path}: {status.summary()}")


main(sys.argv[1], sys.argv[2:])
