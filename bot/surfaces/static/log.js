// The log: bubbles in the order of their revisions, replaced in place, with the reader left where they read.

import { bubbleOf } from "./bubbles.js";

const NEAR_THE_END = 90;
const SETTLE_MS = 200;

export class Log {
  constructor({ scroll, log, empty, newer }) {
    Object.assign(this, { scroll, log, empty, newer });
    this.bubbles = new Map();
    this.following = true;
    this.top = 0;
    scroll.addEventListener("scroll", () => {
      const near = this.nearTheEnd();
      this.following = near || (this.following && !this.wentUp());
      this.top = scroll.scrollTop;
      if (near) newer.hidden = true;
    }, { passive: true });
    newer.addEventListener("click", () => this.toEnd());
    // A keyboard that opens on a phone, a font that loads late: whoever was at the end stays there.
    new ResizeObserver(() => { if (this.following) this.toEnd(); }).observe(scroll);
    // A picture grows its bubble when it has come; its event does not bubble, but can be caught on the way down.
    log.addEventListener("load", () => { if (this.following) this.toEnd(); }, true);
  }

  // Measured, not remembered: the event of a reader who is just scrolling away comes a frame late.
  nearTheEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  // A picture that grows leaves the end far below, too; but only a reader moves what is seen up.
  wentUp() {
    return this.scroll.scrollTop < this.top;
  }

  show(rows) {
    const follow = this.nearTheEnd() || (this.following && !this.wentUp());
    let changed = false;
    for (const row of rows) changed = this.upsert(row) || changed;
    if (!changed) return;
    this.empty.hidden = true;
    this.markLive();
    if (follow) this.toEnd();
    else this.newer.hidden = false;
  }

  upsert(row) {
    const old = this.bubbles.get(row.id);
    if (old && Number(old.dataset.revision) >= row.revision) return false;
    const bubble = bubbleOf(row);
    const hadFocus = old?.contains(document.activeElement);
    if (!old) bubble.classList.add("arrived");
    old?.remove();
    this.bubbles.set(row.id, bubble);
    this.insert(bubble, row.revision);
    if (old?.classList.contains("waiting")) settle(bubble);
    if (hadFocus) bubble.focus({ preventScroll: true });
    return true;
  }

  insert(bubble, revision) {
    let next = null;
    for (let at = this.log.lastElementChild; at && Number(at.dataset.revision) > revision; at = at.previousElementSibling) next = at;
    this.log.insertBefore(bubble, next);
  }

  // Number keys belong to the newest bubble with buttons; only it shows them.
  markLive() {
    const live = this.live();
    for (const bubble of this.log.querySelectorAll(".live")) if (bubble !== live) bubble.classList.remove("live");
    live?.classList.add("live");
  }

  live() {
    const all = this.log.querySelectorAll(".bubble:has(.button)");
    return all[all.length - 1] || null;
  }

  button(key) {
    const live = this.live();
    return live ? [...live.querySelectorAll(".button")].find((button) => button.dataset.key === key) : null;
  }

  toEnd() {
    this.following = true;
    this.newer.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.top = this.scroll.scrollTop;
  }
}

// The next item stands where the last one stood: the second half of a double click must not answer it.
function settle(bubble) {
  const buttons = [...bubble.querySelectorAll(".button")];
  for (const button of buttons) button.disabled = true;
  setTimeout(() => { for (const button of buttons) button.disabled = bubble.classList.contains("waiting"); }, SETTLE_MS);
}
