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
import os
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
    act("/v1/clock", 204, advance="5s")
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
    for start in (
        client.phone_authenticate(TOLVAN, "user"),
        client.phone_sign(TOLVAN, "RP", user_visible_data=TEXT),
    ):
        order = await start
        ref = order["orderRef"]
        person("/v1/open")
        assert (await client.collect(ref))["hintCode"] == "userCallConfirm"
        person(f"/v1/orders/{ref}/confirm")
        person(f"/v1/orders/{ref}/sign", securityCode="123456")
        await complete(client, ref)


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
    act("/v1/clock", 204, advance="30s")
    answer = await client.collect(order["orderRef"])
    assert (answer["status"], answer["hintCode"]) == ("failed", "startFailed"), answer
    order = await client.authenticate("192.0.2.1")
    person("/v1/open", token=order["autoStartToken"])
    person(f"/v1/orders/{order['orderRef']}/cancel")
    assert (await client.collect(order["orderRef"]))["hintCode"] == "userCancel"


async def cancel(client):
    order = await client.sign("192.0.2.1", user_visible_data=TEXT)
    assert await client.cancel(order["orderRef"]) is True
    await expect(exceptions.InvalidParametersError, client.cancel(order["orderRef"]))
    e = await expect(exceptions.InvalidParametersError, client.collect(order["orderRef"]))
    assert e.json["details"] == "No such order", e.json


async def errors(client):
    await expect(exceptions.InvalidParametersError, client.authenticate("not an address"))
    order = await client.phone_authenticate(TOLVAN, "user")
    await expect(exceptions.AlreadyInProgressError, client.phone_authenticate(TOLVAN, "user"))
    assert (await client.collect(order["orderRef"]))["hintCode"] == "cancelled"
    for kind, error in {
        "maintenance": exceptions.MaintenanceError,
        "internalError": exceptions.InternalError,
        "requestTimeout": exceptions.RequestTimeoutError,
        "unauthorized": exceptions.UnauthorizedError,
    }.items():
        fault(kind)
        await expect(error, client.authenticate("192.0.2.1"))
    real = client.client._auth_endpoint
    client.client._auth_endpoint = API + "authenticate"
    await expect(exceptions.NotFoundError, client.authenticate("192.0.2.1"))
    client.client._auth_endpoint = real


async def main():
    act("/v1/persons", personalNumber=TOLVAN, givenName="Tolvan", surname="Tolvansson")
    for kind in (bankid.BankIDClient, bankid.BankIDAsyncClient):
        for scenario in (qr_flow, stale_qr, sign_flow, phone_flow, forgeries, failures, cancel, errors):
            await scenario(Client(kind))
            print(f"ok {kind.__name__} {scenario.__name__}", flush=True)


asyncio.run(main())
