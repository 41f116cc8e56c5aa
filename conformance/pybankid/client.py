"""Drives the simulated BankID with PyBankID, a client that others wrote for the
real one. Only the base address and the CA are changed. PyBankID's experimental
verifier, written against production signatures, judges every signature.

Reads from the environment: HANDSLAG_RP_API (https://host:port), HANDSLAG_RP_CA,
HANDSLAG_RP_CERT, HANDSLAG_RP_KEY, HANDSLAG_BANKID_ROOT and HANDSLAG_CONTROL
(http://host:port).
"""

import asyncio
import base64
import inspect
import json
import os
import ssl
import time

import bankid
import bankid.baseclient
import httpx
from bankid import exceptions
from bankid.experimental.verify import verify_bankid_response

API = os.environ["HANDSLAG_RP_API"] + "/rp/v6.0/"
CERTIFICATES = (os.environ["HANDSLAG_RP_CERT"], os.environ["HANDSLAG_RP_KEY"])
TOLVAN = "191212121212"
ROOT = open(os.environ["HANDSLAG_BANKID_ROOT"]).read()
TEXT = "Räksmörgås\r\nJag skriver *under*."

bankid.baseclient.resolve_cert_path = lambda name: os.environ["HANDSLAG_RP_CA"]


class Client:
    """One PyBankID client, synchronous or not, behind one awaitable face."""

    def __init__(self, kind):
        self.client = kind(CERTIFICATES, test_server=True)
        for name, value in vars(self.client).items():
            if name.endswith("_endpoint"):
                setattr(self.client, name, value.replace(self.client.api_url, API))

    def __getattr__(self, name):
        method = getattr(self.client, name)

        async def call(*args, **kwargs):
            answer = method(*args, **kwargs)
            return await answer if inspect.isawaitable(answer) else answer

        return call

    def qr(self, order, start):
        return self.client.generate_qr_code_content(order["qrStartToken"], start, order["qrStartSecret"])


control = httpx.Client(base_url=os.environ["HANDSLAG_CONTROL"])


def act(path, status=200, **body):
    answer = control.post(path, json=body)
    assert answer.status_code == status, (path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


def person(path, **body):
    return act(path, personalNumber=TOLVAN, **body)


def fault(kind):
    act("/v1/faults", 201, kind=kind, count=1)


def script(ref, **how):
    answer = control.put(f"/v1/orders/{ref}/script", json=how)
    assert answer.status_code == 200, answer.text


# The hint codes that BankID documents, and one that it does not.
PENDING = (
    "outstandingTransaction noClient started userMrtd userStepUp userFace userCallConfirm userSign processing simulatedUnknown"
).split()
FAILED = (
    "expiredTransaction certificateErr userCancel cancelled startFailed userDeclinedCall notSupportedByUserApp mrtdVerificationFailed "
    "facialRecognitionFailed nfcNotSupportedByDevice multipleBankIdsOnDevice stepUpFailed transactionRiskBlocked simulatedUnknown"
).split()


async def expect(error, call):
    try:
        await call
    except error as e:
        assert type(e) is error, type(e)
        return e
    raise AssertionError(f"{error.__name__} was not raised")


async def complete(client, ref):
    answer = await client.collect(ref)
    assert answer["status"] == "complete", answer
    data = answer["completionData"]
    assert data["user"] == {"personalNumber": TOLVAN, "name": "Tolvan Tolvansson", "givenName": "Tolvan", "surname": "Tolvansson"}, data["user"]
    xml = base64.b64decode(data["signature"], validate=True).decode()
    verify_bankid_response(answer, BANK_ID_ROOT_CERT=ROOT)
    await expect(exceptions.InvalidParametersError, client.collect(ref))
    return xml


async def qr_flow(client):
    start = time.time()
    order = await client.authenticate("192.0.2.1", requirement={"pinCode": True})
    assert (await client.collect(order["orderRef"]))["hintCode"] == "outstandingTransaction"
    person("/v1/scan", qr=client.qr(order, start))
    assert (await client.collect(order["orderRef"]))["hintCode"] == "userSign"
    person(f"/v1/orders/{order['orderRef']}/sign", securityCode="123456")
    assert "<funcId>Identification</funcId>" in await complete(client, order["orderRef"])


async def stale_qr(client):
    start = time.time()
    order = await client.authenticate("192.0.2.1")
    old = client.qr(order, start)
    act("/v1/clock", advance="5s")
    refusal = act("/v1/scan", 409, personalNumber=TOLVAN, qr=old)
    assert refusal["code"] == "qr_stale", refusal
    person("/v1/scan", qr=client.qr(order, start - 5))
    assert await client.cancel(order["orderRef"]) is True


async def sign_flow(client):
    order = await client.sign(
        "2001:db8::1",
        user_visible_data=TEXT,
        requirement={"personalNumber": TOLVAN},
        user_non_visible_data="doc-sha256=00",
        user_visible_data_format="simpleMarkdownV1",
    )
    shown = person("/v1/open", token=order["autoStartToken"])
    assert shown["text"] == TEXT and shown["format"] == "simpleMarkdownV1", shown
    person(f"/v1/orders/{order['orderRef']}/sign", securityCode="123456")
    xml = await complete(client, order["orderRef"])
    assert "<funcId>Signing</funcId>" in xml
    assert base64.b64encode(TEXT.encode()).decode() in xml


async def phone_flow(client):
    for start, function in (
        (client.phone_authenticate(TOLVAN, "user"), "Identification"),
        (client.phone_authenticate(TOLVAN, "RP", user_visible_data=TEXT, user_visible_data_format="simpleMarkdownV1"), "Identification"),
        (client.phone_sign(TOLVAN, "RP", user_visible_data=TEXT, user_non_visible_data="doc-sha256=00"), "Signing"),
        (client.phone_sign(TOLVAN, "user", user_visible_data=TEXT, requirement={"pinCode": True}), "Signing"),
    ):
        order = await start
        assert set(order) == {"orderRef"}, order
        ref = order["orderRef"]
        person("/v1/open")
        assert (await client.collect(ref))["hintCode"] == "userCallConfirm"
        person(f"/v1/orders/{ref}/confirm")
        person(f"/v1/orders/{ref}/sign", securityCode="123456")
        assert f"<funcId>{function}</funcId>" in await complete(client, ref)
    ref = (await client.phone_sign(TOLVAN, "user", user_visible_data=TEXT))["orderRef"]
    person("/v1/open")
    person(f"/v1/orders/{ref}/decline-call")
    assert (await client.collect(ref))["hintCode"] == "userDeclinedCall"
    ref = (await client.phone_authenticate(TOLVAN, "user"))["orderRef"]
    assert await client.cancel(ref) is True
    act("/v1/open", 404, personalNumber=TOLVAN)


async def forgeries(client):
    """The verifier must refuse what is wrong, or its approval means nothing."""
    for kind in ("tamperedText", "wrongNonce", "wrappedSignature", "expiredLeaf"):
        fault(kind)
        order = await client.sign("192.0.2.1", user_visible_data=TEXT)
        person("/v1/open", token=order["autoStartToken"])
        person(f"/v1/orders/{order['orderRef']}/sign", securityCode="123456")
        answer = await client.collect(order["orderRef"])
        try:
            verify_bankid_response(answer, BANK_ID_ROOT_CERT=ROOT)
        except AssertionError:
            continue
        raise RuntimeError(f"PyBankID accepts {kind}")


async def failures(client):
    order = await client.authenticate("192.0.2.1")
    act("/v1/clock", advance="30s")
    answer = await client.collect(order["orderRef"])
    assert (answer["status"], answer["hintCode"]) == ("failed", "startFailed"), answer
    order = await client.authenticate("192.0.2.1")
    person("/v1/open", token=order["autoStartToken"])
    person(f"/v1/orders/{order['orderRef']}/cancel")
    assert (await client.collect(order["orderRef"]))["hintCode"] == "userCancel"
    order = await client.sign("192.0.2.1", user_visible_data=TEXT)
    person("/v1/open", token=order["autoStartToken"])
    act("/v1/clock", advance="3m")
    assert (await client.collect(order["orderRef"]))["hintCode"] == "expiredTransaction"
    for hint in FAILED:
        order = await client.sign("192.0.2.1", user_visible_data=TEXT)
        ref = order["orderRef"]
        script(ref, outcome=hint)
        person("/v1/open", token=order["autoStartToken"])
        person(f"/v1/orders/{ref}/sign", securityCode="123456")
        answer = await client.collect(ref)
        assert answer == {"orderRef": ref, "status": "failed", "hintCode": hint}, answer
        await expect(exceptions.InvalidParametersError, client.collect(ref))


async def waiting(client):
    """Every hint of a live order, through a client that knows few of them."""
    order = await client.sign("192.0.2.1", user_visible_data=TEXT)
    ref = order["orderRef"]
    for hint in PENDING:
        script(ref, hint=hint)
        answer = await client.collect(ref)
        assert answer == {"orderRef": ref, "status": "pending", "hintCode": hint}, answer
    assert await client.cancel(ref) is True


async def cancel(client):
    order = await client.sign("192.0.2.1", user_visible_data=TEXT)
    assert await client.cancel(order["orderRef"]) is True
    await expect(exceptions.InvalidParametersError, client.cancel(order["orderRef"]))
    e = await expect(exceptions.InvalidParametersError, client.collect(order["orderRef"]))
    assert e.json["details"] == "No such order", e.json


def calls(client):
    """Every call of the client, as it can be made when the answer does not matter."""
    return {
        "authenticate": lambda: client.authenticate("192.0.2.1"),
        "sign": lambda: client.sign("192.0.2.1", user_visible_data=TEXT),
        "phone_authenticate": lambda: client.phone_authenticate(TOLVAN, "user"),
        "phone_sign": lambda: client.phone_sign(TOLVAN, "user", user_visible_data=TEXT),
        "collect": lambda: client.collect("131daac9-16c6-4618-beb0-365768f37288"),
        "cancel": lambda: client.cancel("131daac9-16c6-4618-beb0-365768f37288"),
    }


# Exceptions that the simulator answers with when told to, the message that the
# client then recommends, and those that a request itself leads to.
SWITCHED = {
    "maintenance": (exceptions.MaintenanceError, 5),
    "internalError": (exceptions.InternalError, 5),
    "requestTimeout": (exceptions.RequestTimeoutError, 5),
    "unauthorized": (exceptions.UnauthorizedError, None),
    "unknownError": (exceptions.BankIDError, None),
    "tooManyRequests": (exceptions.BankIDError, None),
}
EARNED = {exceptions.InvalidParametersError, exceptions.AlreadyInProgressError, exceptions.NotFoundError}
# Classes of the library that nothing a server says can lead to.
UNREACHABLE = {exceptions.BankIDWarning: "the library defines it and uses it nowhere"}


def library_classes():
    return {c for c in vars(exceptions).values() if inspect.isclass(c) and issubclass(c, (Exception, Warning))}


async def errors(client):
    covered = {error for error, _ in SWITCHED.values()} | EARNED | set(UNREACHABLE)
    assert library_classes() == covered, library_classes() ^ covered
    for name, reason in UNREACHABLE.items():
        print(f"not raised: {name.__name__}: {reason}")
    for kind, (error, rfa) in SWITCHED.items():
        for call in calls(client).values():
            fault(kind)
            e = await expect(error, call())
            assert e.rfa == rfa and set(e.json) == {"errorCode", "details"}, (e.rfa, e.json)

    await expect(exceptions.InvalidParametersError, client.authenticate("not an address"))
    await expect(exceptions.InvalidParametersError, client.sign("192.0.2.1", user_visible_data="x" * 30001))
    await expect(exceptions.InvalidParametersError, client.authenticate("192.0.2.1", user_visible_data="x" * 1126))
    await expect(exceptions.InvalidParametersError, client.phone_sign("1212121212", "user", user_visible_data=TEXT))
    for name in ("collect", "cancel"):
        e = await expect(exceptions.InvalidParametersError, calls(client)[name]())
        assert e.json["details"] == "No such order", e.json

    order = await client.phone_authenticate(TOLVAN, "user")
    e = await expect(exceptions.AlreadyInProgressError, client.phone_sign(TOLVAN, "user", user_visible_data=TEXT))
    assert e.rfa == 4
    assert (await client.collect(order["orderRef"]))["hintCode"] == "cancelled"

    real = client.client._auth_endpoint
    client.client._auth_endpoint = API + "authenticate"
    await expect(exceptions.NotFoundError, client.authenticate("192.0.2.1"))
    client.client._auth_endpoint = real
    await transport_errors(client)


async def transport_errors(client):
    """What the library has no class of its own for."""
    inner = client.client.client
    answer = inner.post(API + "auth", content=b"{}", headers={"Content-Type": "application/json; charset=utf-8"})
    answer = await answer if inspect.isawaitable(answer) else answer
    assert (answer.status_code, answer.json()["errorCode"]) == (415, "unsupportedMediaType"), answer.text
    answer = inner.get(API + "auth")
    answer = await answer if inspect.isawaitable(answer) else answer
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "methodNotAllowed"), answer.text
    fault("cutAfter")
    await expect(httpx.RemoteProtocolError, client.authenticate("192.0.2.1"))
    # Without a certificate that BankID knows its front answers with a page, at
    # which the library fails to read JSON.
    with httpx.Client(headers={"Content-Type": "application/json"}, verify=ssl.create_default_context(cafile=os.environ["HANDSLAG_RP_CA"])) as stranger:
        answer = stranger.post(API + "auth", json={"endUserIp": "192.0.2.1"})
        assert answer.status_code == 403 and answer.text.startswith("<html>"), answer.text
        try:
            exceptions.get_json_error_class(answer)
        except json.JSONDecodeError:
            return
        raise AssertionError("the library reads a page as JSON")


async def main():
    act("/v1/persons", personalNumber=TOLVAN, givenName="Tolvan", surname="Tolvansson")
    for kind in (bankid.BankIDClient, bankid.BankIDAsyncClient):
        for scenario in (qr_flow, stale_qr, sign_flow, phone_flow, forgeries, waiting, failures, cancel, errors):
            await scenario(Client(kind))
            print(f"ok {kind.__name__} {scenario.__name__}", flush=True)


asyncio.run(main())
