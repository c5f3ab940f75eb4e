// Turns a camera without leaving its page: the answer says how it went, and the picture follows at once.

const LOOKS_MS = [300, 1200, 2500, 4000];

export function watchPresets(pictures) {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-presets]");
    if (!form) return;
    event.preventDefault();
    turn(form, event.submitter, pictures);
  });
}

async function turn(form, button, pictures) {
  const panel = form.closest("[data-ptz]");
  const camera = panel.dataset.ptz;
  const fields = new URLSearchParams(new FormData(form, button));
  for (const other of form.querySelectorAll("button")) {
    other.disabled = true;
    other.removeAttribute("aria-pressed");
  }
  say(panel, "note", form.dataset.moving);
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, signal: AbortSignal.timeout(15000) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-ptz]");
    // A session that ended answers with another page: the reader must see that one.
    if (!fresh) { location.reload(); return; }
    panel.replaceWith(fresh);
    // The page came by itself, the reader's place in it stays.
    [...fresh.querySelectorAll("button")].find((other) => other.value === button.value)?.focus({ preventScroll: true });
  } catch {
    say(panel, "note bad", form.dataset.late);
    for (const other of form.querySelectorAll("button")) other.disabled = false;
  }
  for (const wait of LOOKS_MS) setTimeout(() => pictures.refresh(camera), wait);
}

function say(panel, style, text) {
  const line = panel.querySelector("[data-ptz-said]");
  line.className = style;
  line.textContent = text;
  line.hidden = false;
}
