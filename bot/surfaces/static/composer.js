// The composer: text, commands, and one file at a time by button, drop or paste.

import { element } from "./bubbles.js";
import { post, upload } from "./net.js";

// Until the bot has said which commands this person has.
const FIRST_MENU = [{ name: "next", description: "your next item" }, { name: "help", description: "what I can do" }];

const byId = (id) => document.getElementById(id);

export class Composer {
  constructor({ maxUpload, onAnswer, onFault, onToast }) {
    Object.assign(this, { maxUpload, onAnswer, onFault, onToast });
    this.text = byId("text");
    this.file = null;
    this.sending = false;
    byId("composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.text.addEventListener("input", () => this.grow());
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.prepareFiles();
    this.prepareMenu();
  }

  grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }

  insert(text) {
    this.text.value = text;
    this.grow();
    this.text.focus();
  }

  async submit() {
    if (this.sending || !(this.file || this.text.value.trim())) return;
    if (this.file) await this.sendFile();
    else await this.say(this.text.value, () => { this.text.value = ""; this.grow(); });
  }

  async say(text, onSent = () => {}) {
    await this.busy(async () => {
      const answer = await post("/api/text", { text });
      onSent();
      this.onAnswer(answer);
    });
  }

  async sendFile() {
    const bar = byId("pending-progress");
    bar.hidden = false;
    await this.busy(async () => {
      const answer = await upload(this.file, this.text.value.trim(), (share) => { bar.value = share; });
      this.text.value = "";
      this.pick(null);
      this.grow();
      this.onAnswer(answer);
    });
    bar.hidden = true;
    bar.value = 0;
  }

  async busy(work) {
    if (this.sending) return;
    this.sending = true;
    byId("send").disabled = byId("pending-remove").disabled = true;
    try {
      await work();
    } catch (error) {
      this.onFault(error, "It was not sent. Your text is still here: try again.");
    } finally {
      this.sending = false;
      byId("send").disabled = byId("pending-remove").disabled = false;
    }
  }

  pick(file) {
    if (this.sending && file) return;
    if (file && file.size > this.maxUpload) {
      this.onToast(`This file is too large: at most ${megabytes(this.maxUpload)} can be sent.`);
      return;
    }
    this.file = file;
    byId("pending").hidden = !file;
    byId("pending-name").textContent = file ? file.name : "";
    byId("pending-size").textContent = file ? megabytes(file.size) : "";
    this.text.placeholder = file ? "Add a caption" : "Write a message";
    if (file) this.text.focus();
  }

  prepareFiles() {
    const input = byId("file");
    byId("attach").addEventListener("click", () => input.click());
    input.addEventListener("change", () => { if (input.files.length) this.pick(input.files[0]); input.value = ""; });
    byId("pending-remove").addEventListener("click", () => this.pick(null));
    this.text.addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      this.pick(event.clipboardData.files[0]);
    });
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    const drop = byId("drop");
    let depth = 0;
    const show = (change) => { depth = Math.max(0, depth + change); drop.hidden = depth === 0; };
    window.addEventListener("dragenter", (event) => { if (carries(event)) { event.preventDefault(); show(1); } });
    window.addEventListener("dragleave", (event) => { if (carries(event)) show(-1); });
    window.addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
    window.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      drop.hidden = true;
      if (event.dataTransfer.files.length) this.pick(event.dataTransfer.files[0]);
    });
  }

  prepareMenu() {
    const menu = byId("commands");
    const button = byId("commands-button");
    const open = (yes) => { menu.hidden = !yes; button.setAttribute("aria-expanded", String(yes)); };
    const entryOf = ({ name, description }) => {
      const entry = element("button");
      entry.type = "button";
      entry.setAttribute("role", "menuitem");
      entry.append(element("b", "", `/${name}`), element("span", "muted", description));
      entry.addEventListener("click", () => { open(false); this.insert(`/${name} `); });
      return entry;
    };
    this.offer = (commands) => menu.replaceChildren(...commands.map(entryOf));
    this.offer(FIRST_MENU);
    button.addEventListener("click", () => { open(menu.hidden); if (!menu.hidden) menu.firstElementChild.focus(); });
    menu.addEventListener("keydown", (event) => this.walk(menu, event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !menu.hidden) { open(false); button.focus(); }
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target) && !button.contains(event.target)) open(false);
    });
  }

  walk(menu, event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...menu.children];
    const at = entries.indexOf(document.activeElement);
    entries[(at + step + entries.length) % entries.length].focus();
  }
}

function megabytes(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${Math.round(bytes / 100_000) / 10} MB`;
}
