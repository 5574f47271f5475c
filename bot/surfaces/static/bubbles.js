// Bubbles: what the server sends becomes elements. Every text goes in as text, never as markup.

const DIGITS = "1234567890";

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function spans(text) {
  return text.split(/\n{2,}/).filter((paragraph) => paragraph.trim()).map((paragraph) => element("p", "", paragraph));
}

function partOf(part) {
  if (part.kind === "note") return element("p", "", part.text);
  const box = element("div", "part");
  box.dir = "auto";
  if (part.kind && part.kind !== "text") box.append(element("span", "part-kind", part.kind));
  box.append(document.createTextNode(part.text));
  // What scrolls must be reachable by keyboard, too.
  if (part.text.length > 600) box.tabIndex = 0;
  return box;
}

function buttonOf(button, keys) {
  const made = element("button", `button ${["primary", "danger", "quiet"].includes(button.style) ? button.style : "plain"}`);
  made.type = "button";
  made.dataset.payload = button.payload;
  if (button.style !== "quiet" && keys.length) {
    const key = keys.shift();
    made.dataset.key = key;
    made.setAttribute("aria-keyshortcuts", key);
    const badge = element("span", "key", key);
    badge.setAttribute("aria-hidden", "true");
    made.append(badge);
  }
  if (button.style === "quiet") {
    const verb = button.payload.split(".", 1)[0];
    if (verb === "undo" || verb === "skip") {
      made.dataset.key = verb[0];
      made.setAttribute("aria-keyshortcuts", verb[0]);
      made.title = `Key: ${verb[0]}`;
    }
  }
  const label = element("span", "label", button.text);
  label.dir = "auto";
  made.append(label);
  return made;
}

function rowsOf(rows) {
  const keys = [...DIGITS];
  const made = element("div", "rows");
  for (const row of rows) {
    const quiet = row.every((button) => button.style === "quiet");
    const crowded = row.length > 2 || row.some((button) => button.text.length > 14);
    const line = element("div", `row${quiet ? " quiet-row" : ""}${crowded ? " crowded" : ""}`);
    line.append(...row.map((button) => buttonOf(button, keys)));
    made.append(line);
  }
  return made;
}

const PICTURES = ["image/png", "image/jpeg", "image/webp"];

// A picture that is replaced keeps its address: the revision makes the browser fetch the new one.
function pictureOf(attachment, revision) {
  const link = element("a", "picture");
  link.href = attachment.url;
  link.setAttribute("download", attachment.name);
  const image = element("img");
  image.src = `${attachment.url}?revision=${revision}`;
  image.alt = attachment.alt || attachment.name;
  link.append(image);
  return link;
}

function attachmentOf(attachment, revision) {
  if (PICTURES.includes(attachment.media_type)) return pictureOf(attachment, revision);
  const link = element("a", "attachment", attachment.name);
  link.href = attachment.url;
  link.setAttribute("download", attachment.name);
  return link;
}

function metaOf(content) {
  const meta = element("div", "meta");
  if (typeof content.progress === "number") {
    const bar = element("progress");
    bar.max = 1;
    bar.value = Math.min(1, Math.max(0, content.progress));
    bar.setAttribute("aria-label", "Progress");
    meta.append(bar);
  }
  if (content.footer) meta.append(element("p", "footer", content.footer));
  return meta;
}

export function bubbleOf(row) {
  const { content } = row;
  const bubble = element("article", "bubble");
  bubble.dataset.id = row.id;
  bubble.dataset.revision = row.revision;
  bubble.tabIndex = -1;
  bubble.classList.add(row.author === "person" ? "person" : "bot");
  if (["card", "form", "error", "file", "picture"].includes(content.kind)) bubble.classList.add(content.kind);
  if (content.heading) {
    const heading = element("p", "heading", content.heading);
    heading.dir = "auto";
    bubble.append(heading);
  }
  const attached = content.attachment ? [attachmentOf(content.attachment, row.revision)] : [];
  const shown = [...content.parts.map(partOf), ...spans(content.text)];
  bubble.append(...(content.kind === "picture" ? [...attached, ...shown] : [...shown, ...attached]));
  if (content.buttons.length) bubble.append(rowsOf(content.buttons));
  if (content.footer || typeof content.progress === "number") bubble.append(metaOf(content));
  return bubble;
}
