// Brings a page's parts up to date while it stays open: a clip that is finished, a notice that arrived.

const SETTLE_MS = 400;
let due = 0;

export function refreshParts() {
  clearTimeout(due);
  // What belongs together comes together: one look at the page for all of it.
  due = setTimeout(look, SETTLE_MS);
}

async function look() {
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-part]")) {
      const fresh = page.querySelector(`[data-part="${old.dataset.part}"]`);
      // Only what changed is put in: a clip that plays and a run that is folded open stay as they are.
      if (fresh && fresh.dataset.version !== old.dataset.version) old.replaceWith(fresh);
    }
  } catch {
    // The next word of this event, or the reader, looks again.
  }
}
