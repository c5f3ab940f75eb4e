// Turns a camera without leaving its page: presets, a pad that is held, who holds the camera, and the patrol.

const LOOKS_MS = [300, 1200, 2500, 4000];
const EVERY_MS = 3000;
// The server turns the camera for 1.5 s at a time; whoever holds a button asks again before that is over.
const AGAIN_MS = 1000;
const LONGEST_HOLD_MS = 20000;
const KEYS = { ArrowUp: "[data-tilt='1']", ArrowDown: "[data-tilt='-1']", ArrowLeft: "[data-pan='-1']", ArrowRight: "[data-pan='1']", "+": "[data-zoom='1']", "=": "[data-zoom='1']", "-": "[data-zoom='-1']" };

export function watchPtz(pictures) {
  const panel = document.querySelector("[data-ptz]");
  if (panel) new Panel(panel, pictures).watch();
}

class Panel {
  constructor(panel, pictures) {
    this.panel = panel;
    this.pictures = pictures;
    this.held = null;
    this.asked = 0;
  }

  watch() {
    this.panel.addEventListener("submit", (event) => this.submit(event));
    this.find("[data-cancel]")?.addEventListener("click", () => this.confirm(null));
    const pad = this.find("[data-pad]");
    if (pad) this.watchPad(pad);
    setInterval(() => this.poll(), EVERY_MS);
  }

  find(selector) { return this.panel.querySelector(selector); }

  submit(event) {
    const form = event.target;
    // A new preset brings a new button: the page comes whole.
    if (form.matches("[data-keep]")) return;
    event.preventDefault();
    this.say("", this.panel.dataset.moving);
    this.send(new URLSearchParams(new FormData(form, event.submitter)), true);
  }

  async send(fields, isTold) {
    const number = ++this.asked;
    try {
      const panel = await ask(this.panel.dataset.url, { method: "POST", body: fields, signal: AbortSignal.timeout(15000) });
      if (number === this.asked || panel.tone !== "good") this.show(panel, isTold || panel.tone !== "good");
      this.confirm(panel.asks_take_over ? fields : null);
      return panel.tone === "good";
    } catch {
      this.say("bad", this.panel.dataset.late);
      return false;
    } finally {
      if (isTold) for (const wait of LOOKS_MS) setTimeout(() => this.pictures.refresh(this.panel.dataset.ptz), wait);
    }
  }

  async poll() {
    if (document.hidden || this.held) return;
    const number = this.asked;
    try {
      const panel = await ask(this.panel.dataset.url, { signal: AbortSignal.timeout(EVERY_MS) });
      if (number === this.asked) this.show(panel, false);
    } catch { /* the page says elsewhere that the hub is away */ }
  }

  show(panel, isTold) {
    put(this.find("[data-stands]"), panel.stands);
    put(this.find("[data-held]"), panel.held);
    hide(this.find("[data-held-row]"), !panel.held);
    hide(this.find("[data-release]"), !panel.is_mine);
    put(this.find("[data-patrol]"), panel.patrol);
    hide(this.find("[data-patrol-off]"), panel.patrol_is === "off");
    hide(this.find("[data-patrol-on]"), panel.patrol_is !== "off");
    put(this.find("[data-failing]"), panel.failing);
    hide(this.find("[data-failing]"), !panel.failing);
    for (const button of this.panel.querySelectorAll("[data-presets] button")) button.setAttribute("aria-pressed", String(button.value === panel.at));
    for (const zone of document.querySelectorAll("polygon[data-at]")) zone.toggleAttribute("hidden", zone.dataset.at !== panel.at);
    if (isTold) this.say(panel.tone, panel.said);
  }

  say(tone, text) {
    const line = this.find("[data-ptz-said]");
    line.className = `note ${tone}`;
    line.textContent = text;
    line.hidden = !text;
  }

  // Somebody else holds the camera: the same command again, when that is wanted.
  confirm(fields) {
    const form = this.find("[data-take-over]");
    if (!form) return;
    for (const old of form.querySelectorAll("input:not([name=csrf])")) old.remove();
    for (const [name, value] of fields ?? []) {
      if (name === "csrf") continue;
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    form.hidden = !fields;
    hide(this.find("[data-cancel]"), !fields);
    if (fields) form.querySelector("button").focus({ preventScroll: true });
  }

  // --- the pad --------------------------------------------------------------------------------

  watchPad(pad) {
    pad.hidden = false;
    for (const button of pad.querySelectorAll("button:not([data-stop])")) {
      button.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        button.focus({ preventScroll: true });
        if (event.isPrimary && event.button === 0) this.hold(button);
      });
      // A long press on a phone opens a menu otherwise, and the finger's end is never told.
      button.addEventListener("contextmenu", (event) => event.preventDefault());
      button.addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); this.hold(button); } });
    }
    for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, () => this.letGo());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.letGo(); });
    window.addEventListener("pagehide", () => this.letGo());
    pad.addEventListener("keydown", (event) => {
      const button = KEYS[event.key] && pad.querySelector(KEYS[event.key]);
      if (!button || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.hold(button);
    });
    pad.addEventListener("keyup", () => this.letGo());
    pad.addEventListener("focusout", () => this.letGo());
    pad.querySelector("[data-stop]").addEventListener("click", () => this.stop());
  }

  async hold(button) {
    if (this.held) return;
    const hold = { until: Date.now() + LONGEST_HOLD_MS };
    this.held = hold;
    button.setAttribute("aria-pressed", "true");
    this.say("", "");
    const speeds = { pan: button.dataset.pan ?? "0", tilt: button.dataset.tilt ?? "0", zoom: button.dataset.zoom ?? "0" };
    while (this.held === hold && Date.now() < hold.until) {
      const began = Date.now();
      if (!(await this.send(this.fields({ do: "move", ...speeds }), false))) break;
      this.pictures.refresh(this.panel.dataset.ptz);
      // The stop may have come before this move did.
      if (this.held !== hold) this.stop();
      const left = AGAIN_MS - (Date.now() - began);
      // Between two requests the end of the hold is met at once.
      if (this.held === hold && left > 0) await Promise.race([new Promise((wake) => { hold.wake = wake; }), pause(left)]);
    }
    button.removeAttribute("aria-pressed");
    if (this.held === hold) this.held = null;
  }

  letGo() {
    if (!this.held) return;
    this.held.wake?.();
    this.held = null;
    this.stop();
  }

  stop() {
    if (this.held) { this.held.wake?.(); this.held = null; }
    // Also while the page goes away.
    return this.send(this.fields({ do: "stop" }), false);
  }

  fields(values) {
    return new URLSearchParams({ csrf: this.find("[data-pad] [name=csrf]").value, ...values });
  }
}

async function ask(url, options) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, keepalive: true, ...options });
  // A session that ended, a role that changed: the reader must see that page.
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) { location.reload(); throw new Error("no answer"); }
  return answer.json();
}

function pause(ms) { return new Promise((wake) => setTimeout(wake, ms)); }

function put(element, text) { if (element && element.textContent !== text) element.textContent = text; }

function hide(element, isHidden) { if (element) element.hidden = isHidden; }
