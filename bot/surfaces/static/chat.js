// The page: joining, then the chat.

import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { Connection, Refused, messagesAfter, post } from "./net.js";

const TOAST_MS = 3500;
const LATE_MS = 10_000;
const byId = (id) => document.getElementById(id);
const given = document.body.dataset;

let toastTimer = 0;

function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, Math.max(TOAST_MS, text.length * 60));
}

function fault(error, unreachable) {
  if (error instanceof Refused && error.status === 401) return showWelcome("locked");
  toast(error instanceof Refused ? error.message : `Lightwork cannot be reached. ${unreachable}`);
}

// --- joining ---------------------------------------------------------------------------------------------------

function showWelcome(view) {
  byId("chat").hidden = true;
  byId("welcome").hidden = false;
  const invited = view === "join" && given.code;
  byId("welcome-title").textContent = invited ? "You are invited" : "Open your invite link";
  byId("welcome-text").textContent = invited
    ? "Say who you are, and off you go."
    : "You come in by a link from whoever runs this Lightwork. You can also paste it here.";
  byId("code").value = given.code || "";
  byId("code-field").hidden = Boolean(invited);
  byId("name").value = byId("name").value || given.name || "";
  (invited ? byId("name") : byId("code")).focus();
}

async function join(event) {
  event.preventDefault();
  const button = byId("join-button");
  const complaint = byId("join-error");
  const [code, name] = [byId("code").value.trim(), byId("name").value.trim()];
  complaint.hidden = Boolean(code && name);
  complaint.textContent = code ? "Please say your name." : "Please paste your invite link or code.";
  if (button.disabled || !complaint.hidden) return;
  button.disabled = true;
  button.classList.add("busy");
  try {
    await post("/api/join", { code, name });
    given.name = name;
    history.replaceState(null, "", "/");
    startChat();
  } catch (error) {
    complaint.textContent = error instanceof Refused ? error.message : "Lightwork cannot be reached. Please try again.";
    complaint.hidden = false;
  } finally {
    button.disabled = false;
    button.classList.remove("busy");
  }
}

// --- the chat --------------------------------------------------------------------------------------------------

let log = null;
let composer = null;

function startChat() {
  byId("welcome").hidden = true;
  byId("chat").hidden = false;
  byId("who").textContent = given.name || "";
  if (!log) {
    log = new Log({ scroll: byId("scroll"), log: byId("log"), empty: byId("empty"), newer: byId("newer") });
    composer = new Composer({
      maxUpload: Number(given.maxUpload),
      onAnswer: (answer) => { receive(answer); log.toEnd(); },
      onFault: fault,
      onToast: toast,
    });
    byId("log").addEventListener("click", (event) => {
      const button = event.target.closest("button[data-payload]");
      if (button) tap(button);
    });
    byId("empty").addEventListener("click", (event) => {
      const button = event.target.closest("button[data-say]");
      if (button) composer.say(button.dataset.say);
    });
    document.addEventListener("keydown", onKey);
  }
  new Connection({
    messages: (rows, complete) => {
      show(rows);
      byId("empty").hidden = !complete || log.bubbles.size > 0;
    },
    state: showConnection,
    ended: () => showWelcome("locked"),
  }).run();
}

function showConnection(state) {
  const bar = byId("connection");
  bar.hidden = state === "online";
  if (state === "lost") bar.textContent = "Connection lost, retrying …";
}

let menuRevision = 0;

// The newest message that carries a menu says which commands this person has.
function show(rows) {
  log.show(rows);
  for (const { revision, content } of rows) {
    if (!content.menu || revision < menuRevision) continue;
    menuRevision = revision;
    composer.offer(content.menu);
  }
}

function receive(answer) {
  show(answer.messages);
  if (answer.toast) toast(answer.toast);
  else if (answer.late) toast("Still saving. The answer follows here in a moment.");
}

async function tap(button) {
  const bubble = button.closest(".bubble");
  if (button.disabled || bubble.classList.contains("waiting")) return;
  setWaiting(bubble, button, true);
  let late = false;
  try {
    const answer = await post("/api/tap", { message: bubble.dataset.id, payload: button.dataset.payload });
    late = answer.late;
    receive(answer);
    // Whoever answers an older card goes on at the end, where the next one appears.
    if (!bubble.isConnected) log.toEnd();
  } catch (error) {
    fault(error, "Your answer may not be saved: tap again.");
  }
  // A late answer comes by way of the log and replaces this bubble; should it not, the button is given back.
  if (late) setTimeout(() => setWaiting(bubble, button, false), LATE_MS);
  else setWaiting(bubble, button, false);
}

function setWaiting(bubble, button, waiting) {
  bubble.classList.toggle("waiting", waiting);
  button.classList.toggle("busy", waiting);
  button.setAttribute("aria-busy", String(waiting));
  for (const other of bubble.querySelectorAll(".button")) other.disabled = waiting;
}

function onKey(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || byId("chat").hidden) return;
  if (event.target.closest?.("input, textarea, select, [role=menu]")) return;
  const button = log.button(event.key.toLowerCase());
  if (!button) return;
  event.preventDefault();
  button.scrollIntoView({ block: "nearest" });
  tap(button);
}

// --- start -----------------------------------------------------------------------------------------------------

async function start() {
  byId("join").addEventListener("submit", join);
  if (given.view === "chat") return startChat();
  if (given.view === "locked") {
    // A browser that comes from another site leaves the cookie out of its first request, but not out of this one.
    try {
      await messagesAfter(0, 0);
      return startChat();
    } catch (error) {
      if (!(error instanceof Refused)) console.warn("the session could not be checked", error);
    }
  }
  showWelcome(given.view);
}

start();
