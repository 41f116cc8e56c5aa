// Drives the simulated BankID with the npm package bankid, a client that others
// wrote for the real one. Only the base address, the CA and the certificate are
// changed; the environment says which (see package relyingparty).
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { BankIdClientV6, BankIdError, BankIdErrorCode, RequestError, REQUEST_FAILED_ERROR } = require("bankid");
const { QrGenerator } = require("bankid/lib/qrgenerator");

const env = process.env;
const API = env.HANDSLAG_RP_API + "/rp/v6.0/";
const TOLVAN = "191212121212";
const TEXT = "Räksmörgås\r\nJag skriver *under*.";

// The package collects at an interval, whether it was answered or not: one that
// is too short for a busy machine loses the terminal answer to a second question.
function client(pfx = env.HANDSLAG_RP_P12, more = {}) {
  const c = new BankIdClientV6({ production: false, refreshInterval: 1000, pfx, passphrase: env.HANDSLAG_PASSPHRASE, ca: env.HANDSLAG_RP_CA, ...more });
  c.axios.defaults.baseURL = API;
  return c;
}

async function control(method, path, body, ok = true) {
  const answer = await fetch(env.HANDSLAG_CONTROL + path, {
    method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.ok, ok, `${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

const person = (path, more) => control("POST", path, { personalNumber: TOLVAN, ...more });
const fault = (kind) => control("POST", "/v1/faults", { kind, count: 1 });
const signs = (ref) => person(`/v1/orders/${ref}/sign`, { securityCode: "123456" });

async function refuses(call, code) {
  await assert.rejects(call, (e) => {
    assert.ok(e instanceof BankIdError, String(e));
    assert.equal(e.code, code);
    return true;
  });
}

// The signature is checked with Node's own cryptography, over the raw bytes.
function document(answer, funcId) {
  const data = answer.completionData;
  assert.deepEqual(data.user, { personalNumber: TOLVAN, name: "Tolvan Tolvansson", givenName: "Tolvan", surname: "Tolvansson" });
  assert.match(data.bankIdIssueDate, /^\d{4}-\d{2}-\d{2}Z$/);
  assert.ok(data.device.uhi && data.device.ipAddress && data.ocspResponse);
  const xml = Buffer.from(data.signature, "base64").toString("utf8");
  const part = (name) => xml.slice(xml.indexOf(`<${name} `), xml.indexOf(`</${name}>`) + name.length + 3);
  const value = (name) => xml.match(new RegExp(`<${name}>([^<]*)</${name}>`))[1];
  const leaf = new crypto.X509Certificate(Buffer.from(value("X509Certificate"), "base64"));
  assert.ok(crypto.verify("sha256", Buffer.from(part("SignedInfo")), leaf.publicKey, Buffer.from(value("SignatureValue"), "base64")));
  const digests = [...part("SignedInfo").matchAll(/<DigestValue>([^<]*)</g)].map((m) => m[1]);
  const sha256 = (name) => crypto.createHash("sha256").update(part(name)).digest("base64");
  assert.deepEqual(digests, [sha256("bankIdSignedData"), sha256("KeyInfo")]);
  assert.equal(value("funcId"), funcId);
  return xml;
}

const scenarios = {
  async authenticateByQR() {
    const c = client();
    const order = await c.authenticate({ endUserIp: "192.0.2.1", requirement: { personalNumber: TOLVAN }, userVisibleData: TEXT });
    assert.equal((await c.collect({ orderRef: order.orderRef })).hintCode, "outstandingTransaction");
    const first = (await order.qr.nextQr(order.orderRef, { maxCycles: 1 }).next()).value;
    await person("/v1/scan", { qr: first });
    assert.equal((await c.collect({ orderRef: order.orderRef })).hintCode, "userSign");
    const done = c.awaitPendingCollect(order.orderRef);
    await signs(order.orderRef);
    document(await done, "Identification");
    await refuses(c.collect({ orderRef: order.orderRef }), BankIdErrorCode.INVALID_PARAMETERS);
  },

  async qrCodeOfThisMomentOnly() {
    const c = client();
    const order = await c.sign({ endUserIp: "192.0.2.1", userVisibleData: TEXT });
    const old = await QrGenerator.latestQrFromCache(order.orderRef);
    await control("POST", "/v1/clock", { advance: "5s" });
    const refusal = await control("POST", "/v1/scan", { personalNumber: TOLVAN, qr: old }, false);
    assert.equal(refusal.code, "qr_stale");
    await control("POST", "/v1/scan", { personalNumber: TOLVAN, qr: old.replace(/.$/, (x) => (x === "0" ? "1" : "0")) }, false);
    await c.cancel({ orderRef: order.orderRef });
  },

  async signOnTheSameDevice() {
    const c = client();
    const order = await c.sign({
      endUserIp: "2001:db8::1", userVisibleData: TEXT, userNonVisibleData: "doc-sha256=00", userVisibleDataFormat: "simpleMarkdownV1",
      requirement: { pinCode: true, certificatePolicies: ["1.2.3.4.25"] },
    });
    const shown = await person("/v1/open", { token: `bankid:///?autostarttoken=${order.autoStartToken}&redirect=null` });
    assert.equal(shown.text, TEXT);
    assert.equal(shown.format, "simpleMarkdownV1");
    await signs(order.orderRef);
    const xml = document(await c.awaitPendingCollect(order.orderRef), "Signing");
    for (const text of [TEXT, "doc-sha256=00"]) assert.ok(xml.includes(`>${Buffer.from(text).toString("base64")}<`));
    await control("POST", "/v1/open", { personalNumber: TOLVAN, token: order.autoStartToken }, false);
  },

  // The package starts and collects by itself, and nobody opens the app.
  async collectsUntilItFails() {
    const done = client(env.HANDSLAG_RP_P12, { qrEnabled: false }).signAndCollect({ endUserIp: "192.0.2.1", userVisibleData: TEXT });
    while (!(await control("GET", "/v1/orders")).some((o) => o.status === "pending"));
    await control("POST", "/v1/clock", { advance: "31s" });
    await assert.rejects(done, { status: "failed", hintCode: "startFailed" });
  },

  async failures() {
    const c = client();
    for (const hint of ("expiredTransaction certificateErr userCancel cancelled startFailed userDeclinedCall notSupportedByUserApp " +
      "mrtdVerificationFailed facialRecognitionFailed nfcNotSupportedByDevice multipleBankIdsOnDevice stepUpFailed simulatedUnknown").split(" ")) {
      const { orderRef, autoStartToken } = await c.sign({ endUserIp: "192.0.2.1", userVisibleData: TEXT });
      await control("PUT", `/v1/orders/${orderRef}/script`, { outcome: hint });
      await person("/v1/open", { token: autoStartToken });
      await signs(orderRef);
      assert.deepEqual(await c.collect({ orderRef }), { orderRef, status: "failed", hintCode: hint });
    }
  },

  async cancel() {
    const c = client();
    const { orderRef } = await c.authenticate({ endUserIp: "192.0.2.1" });
    assert.deepEqual(await c.cancel({ orderRef }), {});
    await refuses(c.cancel({ orderRef }), BankIdErrorCode.INVALID_PARAMETERS);
    await refuses(c.collect({ orderRef }), BankIdErrorCode.INVALID_PARAMETERS);
  },

  // Every errorCode that the package knows, and its two other ways to fail.
  async errors() {
    const raised = new Set();
    const auth = (c) => c.authenticate({ endUserIp: "192.0.2.1" });
    const fails = async (call, code) => {
      await refuses(call, code);
      raised.add(code);
    };
    const c = client();
    for (const kind of ["maintenance", "internalError", "requestTimeout", "unauthorized"]) {
      await fault(kind);
      await fails(auth(c), kind);
    }
    await fails(c.sign({ endUserIp: "nowhere", userVisibleData: TEXT }), "invalidParameters");

    const known = { endUserIp: "192.0.2.1", userVisibleData: TEXT, requirement: { personalNumber: TOLVAN } };
    await control("PUT", "/v1/settings", { wrongPersonHint: "certificateErr", conflictOnRequirement: true });
    const live = await c.sign(known);
    await person("/v1/open", { token: live.autoStartToken });
    await fails(c.sign(known), "alreadyInProgress");
    assert.equal((await c.collect({ orderRef: live.orderRef })).hintCode, "cancelled");
    await control("PUT", "/v1/settings", { wrongPersonHint: "certificateErr", conflictOnRequirement: false });

    const lost = client();
    lost.axios.defaults.baseURL = API + "x/";
    await fails(auth(lost), "notFound");
    const charset = client();
    charset.axios.defaults.headers["Content-Type"] = "application/json; charset=utf-8";
    await fails(auth(charset), "unsupportedMediaType");
    const get = client();
    get.axios.interceptors.request.use((config) => ({ ...config, method: "get" }));
    await fails(auth(get), "methodNotAllowed");
    assert.deepEqual([...raised].sort(), Object.values(BankIdErrorCode).sort());

    await fault("unknownError");
    await refuses(auth(c), "simulatedUnknown");
    await refuses(auth(client(env.HANDSLAG_STRANGER_P12)), undefined); // a page, in which there is no code
    await fault("cutAfter");
    await assert.rejects(auth(c), (e) => e instanceof RequestError && e.message === REQUEST_FAILED_ERROR);
  },
};

async function main() {
  await control("POST", "/v1/persons", { personalNumber: TOLVAN, givenName: "Tolvan", surname: "Tolvansson" });
  for (const [name, run] of Object.entries(scenarios)) {
    await run();
    console.log(`ok ${name}`);
  }
}

// The package's timers would keep the process for a minute.
main().then(() => process.exit(0), (e) => {
  console.error(e);
  process.exit(1);
});
