// Talking to the server: one call, one upload, and a connection that comes back by itself.

export class Unreachable extends Error {}

export class Refused extends Error {
  constructor(status, body) {
    super(body?.message || "That did not work. Please try again.");
    this.status = status;
    this.code = body?.error || "";
  }
}

const ANSWER_MS = 60_000;

async function ask(path, options, milliseconds) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(milliseconds), ...options });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  // A proxy in front answers for a server that is away.
  if ([502, 503, 504].includes(response.status) || (response.ok && !body)) throw new Unreachable(String(response.status));
  throw new Refused(response.status, body);
}

export function post(path, body) {
  const headers = { "content-type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) }, ANSWER_MS);
}

export function messagesAfter(revision, wait) {
  return ask(`/api/messages?after=${revision}&wait=${wait}`, {}, (wait + 15) * 1000);
}

// fetch tells nothing about how much of a body has left, so this is XMLHttpRequest.
export function upload(file, caption, onProgress) {
  const form = new FormData();
  form.append("caption", caption);
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/upload");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => reject(new Unreachable("upload")));
    request.addEventListener("abort", () => reject(new Unreachable("upload")));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response);
      else reject(new Refused(request.status, request.response));
    });
    request.send(form);
  });
}

// Long polling that never gives up. `on` holds: messages(rows), state("online" | "lost"), ended().
export class Connection {
  constructor(on) {
    this.on = on;
    this.revision = 0;
    this.wait = 0;
    this.failures = 0;
    this.wake = () => {};
    window.addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.wake();
    });
  }

  async run() {
    for (;;) {
      try {
        const answer = await messagesAfter(this.revision, this.wait);
        this.failures = 0;
        this.on.state("online");
        this.revision = Math.max(this.revision, answer.revision);
        const first = this.wait === 0 && answer.messages.length === 0;
        if (first) this.wait = 25;
        this.on.messages(answer.messages, this.wait > 0);
      } catch (error) {
        if (error instanceof Refused && error.status === 401) return this.on.ended();
        if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
        this.on.state("lost");
        // The first request that gets through answers at once: the bar goes away then, and not when its wait is over.
        this.wait = 0;
        await this.backOff();
      }
    }
  }

  backOff() {
    this.failures += 1;
    const milliseconds = Math.min(10_000, 400 * 2 ** (this.failures - 1)) * (0.75 + Math.random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => { clearTimeout(timer); resolve(); };
    });
  }
}
