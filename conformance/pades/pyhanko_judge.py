"""Judges files with pyHanko: pyhanko_judge.py ROOT... reads lines "LEVEL TAB PATH".

Answers each with one line of JSON: the outcome of pyHanko's validation by
EN 319 102-1, and of its analysis of what followed each signature. Below B-LT the
status of certificates is asked where they say; from B-LT on only what the file
holds counts. No certificate is ever fetched.
"""

import asyncio
import json
import logging
import sys
from datetime import timedelta
from multiprocessing import Pool

from asn1crypto import crl, ocsp
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed, AdESStatus
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
from pyhanko.sign.validation import DocumentSecurityStore, SignatureCoverageLevel
from pyhanko.sign.validation.ades import (
    ades_basic_validation,
    ades_lta_validation,
    ades_timestamp_validation,
    ades_with_time_validation,
)
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

ROOTS = list(load_certs_from_pemder(sys.argv[1:]))
WORDS = {AdESStatus.PASSED: "TOTAL-PASSED", AdESStatus.INDETERMINATE: "INDETERMINATE", AdESStatus.FAILED: "TOTAL-FAILED"}


def policy(level, known=LocalKnowledge()):
    # An answer on a status is fetched after the time of validation was taken.
    certificates = CertValidationPolicySpec(
        SimpleTrustManager.build(trust_roots=ROOTS), CertRevTrustPolicy(REQUIRE_REVINFO), time_tolerance=timedelta(minutes=1)
    )
    complete = level in ("B-LT", "B-LTA")
    rule = RevinfoOnlineFetchingRule.LOCAL_ONLY if complete else RevinfoOnlineFetchingRule.NO_HISTORICAL_FETCH
    gathering = RevocationInfoGatheringSpec(rule, certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH)
    return PdfSignatureValidationSpec(SignatureValidationSpec(certificates, gathering, certificates, local_knowledge=known))


def changes(found):
    found.compute_integrity_info(DEFAULT_DIFF_POLICY)
    result = found.diff_result
    if result is None and found.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return ""
    if isinstance(result, DiffResult) and result.modification_level <= ModificationLevel.FORM_FILLING:
        return ""
    return f"{result}, {found.coverage}"


def held(reader):
    """All that the file holds about the status of certificates."""
    dss = DocumentSecurityStore.read_dss(reader)
    return LocalKnowledge(
        known_ocsps=[o for r in dss.ocsps for o in OCSPContainer.load_multi(ocsp.OCSPResponse.load(r.get_object().data))],
        known_crls=[CRLContainer(crl.CertificateList.load(r.get_object().data)) for r in dss.crls],
        known_certs=list(dss.load_certs()),
    )


async def validate(found, level):
    """5.3, 5.5 or 5.6 of EN 319 102-1; each wants what its level has."""
    if level == "B-LTA":
        return await ades_lta_validation(found, policy(level))
    known = held(found.reader) if level == "B-LT" else LocalKnowledge()
    method = ades_basic_validation if level == "B-B" else ades_with_time_validation
    return await method(
        found.signed_data, policy(level, known).signature_validation_spec, raw_digest=found.compute_digest()
    )


def signature(found, level):
    result = asyncio.run(validate(found, level))
    stamp = result.api_status and result.api_status.timestamp_validity
    why = result.failure_msg or ""
    indication, sub = WORDS[result.ades_subindic.status], result.ades_subindic.standard_name
    if result.ades_subindic == AdESPassed.OK:
        sub = ""
        if level != "B-B" and not (stamp and stamp.valid and stamp.trusted):
            indication, why = "INDETERMINATE", "the timestamp is not good"
    return {"indication": indication, "sub": sub, "why": why, "changes": changes(found)}


def timestamp(found):
    rules = policy("B-LTA", held(found.reader)).signature_validation_spec
    result = asyncio.run(ades_timestamp_validation(found.signed_data, rules, found.compute_digest))
    status = result.ades_subindic
    return {
        "indication": WORDS[status.status],
        "sub": "" if status == AdESPassed.OK else status.standard_name,
        "why": result.failure_msg or "",
        "changes": changes(found),
    }


def attempt(found, kind, run):
    try:
        verdict = run()
    except Exception as e:  # whatever it is, it is no yes
        verdict = {"indication": "TOTAL-FAILED", "why": f"{type(e).__name__}: {e}"}
    return {"field": found.field_name, "kind": kind} | verdict


def judge(line):
    logging.disable(logging.CRITICAL)
    level, path = line.rstrip("\n").split("\t", 1)
    try:
        with open(path, "rb") as f:
            reader = PdfFileReader(f)
            rows = [attempt(s, "signature", lambda s=s: signature(s, level)) for s in reader.embedded_regular_signatures]
            rows += [attempt(s, "timestamp", lambda s=s: timestamp(s)) for s in reader.embedded_timestamp_signatures]
            return json.dumps({"file": path, "signatures": rows})
    except Exception as e:
        return json.dumps({"file": path, "error": f"{type(e).__name__}: {e}"})


if __name__ == "__main__":
    with Pool(2) as pool:
        for answer in pool.imap_unordered(judge, sys.stdin):
            print(answer, flush=True)
