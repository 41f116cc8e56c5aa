"use strict";

const $ = (id) => document.getElementById(id);
let current = null; // the order in the app: its reference

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const value = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(value.message);
  return value;
}

function say(text) { $("message").textContent = text; }

function element(name, text) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  return e;
}

// Text never becomes markup: every piece is set as textContent.
function inline(parent, text) {
  text.split(/(\*[^*]+\*)/).forEach((part) => {
    const strong = part.length > 2 && part.startsWith("*") && part.endsWith("*");
    parent.append(strong ? element("strong", part.slice(1, -1)) : document.createTextNode(part));
  });
  return parent;
}

function render(text, format) {
  const box = document.createDocumentFragment();
  if (format !== "simpleMarkdownV1") {
    const plain = element("div", text);
    plain.className = "plain";
    box.append(plain);
    return box;
  }
  let list = null, paragraph = null;
  text.split(/\r\n|\r|\n/).forEach((line) => {
    const heading = line.match(/^(#{1,3}) (.*)$/);
    const item = line.match(/^[+-] (.*)$/);
    if (!item) list = null;
    if (heading || item || line === "---" || line.trim() === "") {
      paragraph = null;
    }
    if (heading) {
      box.append(inline(element("h" + (heading[1].length + 2)), heading[2]));
    } else if (item) {
      if (!list) box.append(list = element("ul"));
      list.append(inline(element("li"), item[1]));
    } else if (line === "---") {
      box.append(element("hr"));
    } else if (line.trim() !== "") {
      if (!paragraph) box.append(paragraph = element("p"));
      else paragraph.append("\n");
      inline(paragraph, line);
    }
  });
  return box;
}

const steps = {
  userCallConfirm: "I am in a call with them",
  userMrtd: "Read my ID document",
  userStepUp: "Confirm my identity",
  userFace: "Show my face",
  userSign: "Sign",
};

function show(order) {
  current = order.orderRef;
  const signs = order.kind.endsWith("sign");
  $("order").hidden = false;
  $("order-heading").textContent = (signs ? "Sign for " : "Identify yourself to ") + order.relyingParty;
  $("state").textContent = order.status + (order.hintCode ? ": " + order.hintCode : "") + (order.reason ? ". " + order.reason : "");
  $("text").replaceChildren(render(order.text || "", order.format));
  $("text").hidden = !order.text;
  const now = order.status === "pending" ? order.awaits : "";
  $("act").hidden = order.status !== "pending";
  $("go").hidden = !now;
  $("go").textContent = now === "userSign" && !signs ? "Identify" : steps[now] || "";
  $("security").hidden = $("code-label").hidden = now !== "userSign";
  $("decline").hidden = now !== "userCallConfirm";
  $("act").dataset.awaits = now || "";
  const back = order.status === "complete" && /^https?:\/\//.test(order.returnUrl || "");
  $("back").hidden = !back;
  if (back) $("back").href = order.returnUrl;
}

async function attempt(work) {
  say("");
  try {
    const order = await work();
    if (order) show(order);
  } catch (e) {
    say(e.message);
  }
  await refresh();
}

async function refresh() {
  const orders = await call("GET", "/v1/orders");
  $("pending").replaceChildren(...orders.map((o) =>
    element("li", o.kind + " for " + o.relyingParty + ", " + o.status + (o.hintCode ? ": " + o.hintCode : ""))));
  if (orders.length === 0) $("pending").append(element("li", "None."));
  const mine = orders.find((o) => o.orderRef === current);
  if (mine && ($("state").textContent.indexOf(mine.hintCode || mine.status) < 0)) show(mine);
}

async function people(choose) {
  const persons = await call("GET", "/v1/persons");
  const chosen = choose || $("who").value;
  $("who").replaceChildren(...persons.map((p) => {
    const option = element("option", p.givenName + " " + p.surname + " (" + p.personalNumber + ", code " + p.securityCode + ")");
    option.value = p.personalNumber;
    return option;
  }));
  if (chosen) $("who").value = chosen;
  $("new-person").open = persons.length === 0;
}

const me = (more) => ({ personalNumber: $("who").value, ...more });
const act = (name, more) => attempt(() => call("POST", "/v1/orders/" + encodeURIComponent(current) + "/" + name, me(more)));

$("register").addEventListener("submit", async (e) => {
  e.preventDefault();
  const person = Object.fromEntries(new FormData(e.target));
  await attempt(async () => {
    await call("POST", "/v1/persons", person);
    await people(person.personalNumber);
    e.target.reset();
  });
});
$("start").addEventListener("submit", (e) => {
  e.preventDefault();
  const code = $("code").value.trim();
  attempt(() => code.startsWith("bankid.")
    ? call("POST", "/v1/scan", me({ qr: code }))
    : call("POST", "/v1/open", me(code ? { token: code } : {})));
});
$("act").addEventListener("submit", (e) => {
  e.preventDefault();
  if (e.target.dataset.awaits === "userSign") act("sign", { securityCode: $("security").value });
  else act("confirm");
  $("security").value = "";
});
$("decline").addEventListener("click", () => act("decline-call"));
$("cancel").addEventListener("click", () => act("cancel"));

// The other parts of the world are there when their routes are.
async function part(id, path, show) {
  const answer = await fetch(path);
  if (!answer.ok) return;
  show(await answer.json());
  $(id).hidden = false;
}

function list(id, items) {
  $(id).replaceChildren(...items);
  if (items.length === 0) $(id).append(element("li", "None."));
}

function sessionItem(s) {
  const item = element("li", s.title + ", " + s.state.toLowerCase() + " ");
  if (s.state === "READY") {
    const link = element("a", "open its page");
    link.href = "/sign/?sessionId=" + encodeURIComponent(s.page);
    item.append(link);
  }
  return item;
}

async function world() {
  await part("norwegian-part", "/v1/signicat/sessions", (all) => list("sessions", all.map(sessionItem)));
  await part("norwegian-part", "/v1/signicat/persons", (all) =>
    list("norwegians", all.map((p) => element("li", p.givenName + " " + p.surname + ", " + p.nin))));
  await part("sbab-part", "/v1/sbab/participants", (all) =>
    list("participants", all.map((p) => element("li", p.id + " for " + p.personalNumber + (p.status ? ", " + p.status : "")))));
  await part("clock-part", "/v1/clock", (c) => { $("now").textContent = c.now.replace(/\.\d+/, "") + (c.ahead === "0s" ? "" : ", " + c.ahead + " ahead"); });
}

const change = (method, path, body) => attempt(async () => { await call(method, path, body); await world(); });

$("register-norwegian").addEventListener("submit", (e) => {
  e.preventDefault();
  change("POST", "/v1/signicat/persons", Object.fromEntries(new FormData(e.target))).then(() => e.target.reset());
});
$("enrol").addEventListener("submit", (e) => {
  e.preventDefault();
  change("POST", "/v1/sbab/participants", { personalNumber: $("who").value });
});
document.querySelectorAll("[data-advance]").forEach((button) =>
  button.addEventListener("click", () => change("POST", "/v1/clock", { advance: button.dataset.advance })));
$("reset").addEventListener("click", () => change("DELETE", "/v1/clock"));

const token = new URLSearchParams(location.search).get("autostarttoken");
if (token) $("code").value = token;
people().then(refresh).then(world).catch((e) => say(e.message));
setInterval(() => refresh().then(world).catch(() => {}), 2000);
