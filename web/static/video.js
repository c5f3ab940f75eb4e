// Shows a camera live where asked: MP4 fragments over a WebSocket into the browser's own player.

// Behind the newest picture by more than this, the player jumps; it aims at so much of a cushion.
const LATE_S = 1.5;
const CUSHION_S = 0.3;
// What was shown is not kept: a cheap phone has little memory.
const KEPT_S = 20;
const MOST_WAITING = 400;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const LOGIN_NEEDED = 4401;

class Video {
  constructor(video, bar) {
    this.video = video;
    this.box = video.closest(".picture");
    this.words = bar.dataset;
    this.button = bar.querySelector("[data-watch-button]");
    this.said = bar.querySelector("[data-watch-said]");
    this.isOn = false;
    this.failures = 0;
    this.socket = null;
    this.waiting = [];
    bar.hidden = false;
    this.button.addEventListener("click", () => (this.isOn ? this.stop() : this.start()));
    // A page that nobody looks at costs the weak network nothing.
    document.addEventListener("visibilitychange", () => {
      if (!this.isOn) return;
      if (document.hidden) this.close(); else this.open();
    });
  }

  start() {
    this.isOn = true;
    this.failures = 0;
    this.say(this.words.joining);
    this.button.textContent = this.words.on;
    this.button.setAttribute("aria-pressed", "true");
    this.open();
  }

  stop(words = "") {
    this.isOn = false;
    this.close();
    this.say(words);
    this.button.textContent = this.words.off;
    this.button.setAttribute("aria-pressed", "false");
  }

  open() {
    clearTimeout(this.timer);
    if (this.socket) return;
    const url = new URL(this.video.dataset.video, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message) => {
      if (socket !== this.socket) return;
      if (typeof message.data === "string") this.hear(JSON.parse(message.data)); else this.take(message.data);
    };
    socket.onclose = (closed) => {
      if (socket !== this.socket) return;
      this.close();
      if (closed.code === LOGIN_NEEDED) { location.reload(); return; }
      if (!this.isOn) return;
      this.say(this.words.away);
      this.failures += 1;
      // With jitter, so that every screen does not come back in the same moment.
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.failures - 1), LONGEST_WAIT_MS);
      this.timer = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
    };
    this.socket = socket;
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
    this.clear();
  }

  clear() {
    this.waiting = [];
    this.buffer = null;
    if (this.video.src) URL.revokeObjectURL(this.video.src);
    this.video.removeAttribute("src");
    this.video.load();
    this.video.hidden = true;
    this.box.classList.remove("live");
  }

  hear(said) {
    this.clear();
    if (said.ended) { this.say(this.words.away); return; }
    if (!said.mime || !MediaSource.isTypeSupported(said.mime)) { this.stop(this.words.unplayable); return; }
    const source = new MediaSource();
    this.video.src = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => {
      if (source.readyState !== "open") return;
      this.buffer = source.addSourceBuffer(said.mime);
      this.buffer.addEventListener("updateend", () => this.next());
      this.next();
    }, { once: true });
  }

  take(piece) {
    this.waiting.push(piece);
    // The player stands still, as in a page that was frozen: begin anew rather than show the past.
    if (this.waiting.length > MOST_WAITING) { this.socket?.close(); return; }
    this.next();
  }

  next() {
    const buffer = this.buffer;
    if (!buffer || buffer.updating) return;
    this.chase(buffer);
    if (buffer.updating || !this.waiting.length) return;
    try {
      buffer.appendBuffer(this.waiting.shift());
    } catch {
      this.socket?.close();
    }
  }

  chase(buffer) {
    if (!buffer.buffered.length) return;
    const video = this.video;
    const end = buffer.buffered.end(buffer.buffered.length - 1);
    const begin = buffer.buffered.start(buffer.buffered.length - 1);
    const isFirst = video.hidden;
    if (isFirst) {
      video.hidden = false;
      this.box.classList.add("live");
      this.failures = 0;
      this.say("");
    }
    if (isFirst || video.currentTime < begin || end - video.currentTime > LATE_S) video.currentTime = Math.max(begin, end - CUSHION_S);
    if (video.paused) video.play().catch(() => {});
    if (end - buffer.buffered.start(0) > 2 * KEPT_S) buffer.remove(0, end - KEPT_S);
  }

  say(words) {
    this.said.textContent = words;
  }
}

export function offerVideo(root) {
  // Without the player the fresh picture is all there is, and no button promises more.
  if (!("MediaSource" in window)) return;
  for (const video of root.querySelectorAll("[data-video]")) {
    const bar = video.closest(".camera")?.querySelector("[data-watch]");
    if (bar) new Video(video, bar);
  }
}
