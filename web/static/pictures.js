// Keeps the cameras' pictures fresh: only those that are seen, a few at a time, and never an old one in silence.

const REFRESH_MS = 2500;
const AT_ONCE = 3;
// Without an answer for so long, a picture is no longer of now: it turns grey.
const UNANSWERED_MS = 8000;
// A sleeping scene's picture is its newest keyframe, some seconds old by nature: its age is told, no more.
const TOLD_MS = 2500;
const OLD_MS = 60000;
const GIVE_UP_MS = 10000;
const SLOWEST_MS = 30000;

class Picture {
  constructor(box) {
    this.box = box;
    this.image = box.querySelector("img");
    this.nothing = box.querySelector("[data-nothing]");
    this.age = box.querySelector("[data-age]");
    this.url = box.dataset.picture;
    this.isSeen = false;
    this.isBusy = false;
    this.dueAt = 0;
    this.takenAt = 0;
    this.answeredAt = 0;
    this.failures = 0;
  }

  get isDue() {
    return this.box.dataset.has === "yes" && this.isSeen && !this.isBusy && performance.now() >= this.dueAt;
  }

  async refresh() {
    this.isBusy = true;
    try {
      const answer = await fetch(this.url, { signal: AbortSignal.timeout(GIVE_UP_MS), cache: "no-store" });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error((await answer.json()).error);
      await this.show(await answer.blob(), answer.headers);
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      if (!this.answeredAt && error instanceof Error && error.name === "Error") this.nothing.textContent = error.message;
    } finally {
      this.isBusy = false;
      // A camera that gives nothing is asked less and less, with jitter, so that a hundred do not ask in step.
      const wait = Math.min(REFRESH_MS * 2 ** Math.min(this.failures, 5), SLOWEST_MS);
      this.dueAt = performance.now() + wait * (0.8 + Math.random() * 0.4);
      this.tellAge();
    }
  }

  async show(blob, headers) {
    const url = URL.createObjectURL(blob);
    const old = this.image.src;
    this.image.src = url;
    try { await this.image.decode(); } catch { URL.revokeObjectURL(url); throw new TypeError("no picture"); }
    if (old.startsWith("blob:")) URL.revokeObjectURL(old);
    this.image.hidden = false;
    this.nothing.hidden = true;
    this.answeredAt = performance.now();
    this.takenAt = this.answeredAt - 1000 * Number(headers.get("X-Age"));
    this.time = headers.get("X-Time");
  }

  tellAge() {
    if (!this.answeredAt) return;
    const now = performance.now();
    const age = now - this.takenAt;
    this.box.classList.toggle("old", age > OLD_MS || now - this.answeredAt > UNANSWERED_MS);
    this.age.hidden = false;
    this.age.textContent = age > TOLD_MS ? `${this.time} · ${inWords(age)}` : this.time;
  }

  restart() {
    this.failures = 0;
    this.dueAt = 0;
  }
}

function inWords(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  const { minutes, seconds: words } = document.body.dataset;
  return seconds < 60 ? words.replace("0", seconds) : minutes.replace("0", Math.floor(seconds / 60));
}

export function watchPictures(root) {
  const pictures = [...root.querySelectorAll("[data-picture]")].filter((box) => box.tagName !== "IMG").map((box) => new Picture(box));
  if (!pictures.length) return { restart() {}, refresh() {} };
  const known = new Map(pictures.map((picture) => [picture.box, picture]));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) known.get(entry.target).isSeen = entry.isIntersecting;
    next();
  }, { rootMargin: "100px" });
  for (const picture of pictures) watcher.observe(picture.box);

  function next() {
    if (document.hidden) return;
    let free = AT_ONCE - pictures.filter((picture) => picture.isBusy).length;
    const due = pictures.filter((picture) => picture.isDue).sort((a, b) => a.dueAt - b.dueAt);
    for (const picture of due.slice(0, Math.max(0, free))) picture.refresh().then(next);
  }

  setInterval(() => {
    for (const picture of pictures) picture.tellAge();
    next();
  }, 1000);
  document.addEventListener("visibilitychange", next);
  const of = (camera) => pictures.filter((one) => one.box.closest("[data-camera]")?.dataset.camera === camera);
  return {
    refresh(camera) {
      for (const picture of of(camera)) picture.dueAt = 0;
      next();
    },
    // What is told about a camera decides whether it is asked at all.
    restart(camera, hasPicture) {
      for (const picture of of(camera)) {
        picture.box.dataset.has = hasPicture ? "yes" : "no";
        picture.restart();
      }
      next();
    },
  };
}
