// Follows what happens now: alerts, events, readings and camera states appear without a reload.

import { refreshParts } from "./fresh.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const SILENT_MS = 40000;
const SESSION_ENDED = 4401;
const MOST_ALERTS = 3;
const SAME_THING_MS = 120000;
// A wall screen stays open for months; what comes twice comes soon.
const REMEMBERED = 500;

let lastSeq = null;
let lastHeard = null;
let wait = FIRST_WAIT_MS;
let silence = 0;
let pictures = null;
const shown = new Set();
const alerted = new Set();

export function followLive(watched) {
  pictures = watched;
  connect();
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const after = lastSeq === null ? "" : `?after=${lastSeq}&since=${encodeURIComponent(lastHeard)}`;
  const socket = new WebSocket(`${scheme}//${location.host}/api/v1/stream${after}`);
  const stillness = () => {
    clearTimeout(silence);
    // The line may be dead without a word: a beat comes every 15 s.
    silence = setTimeout(() => socket.close(), SILENT_MS);
  };
  stillness();
  socket.addEventListener("message", (message) => {
    stillness();
    take(JSON.parse(message.data));
  });
  socket.addEventListener("close", (closed) => {
    clearTimeout(silence);
    if (closed.code === SESSION_ENDED) {
      say(document.body.dataset.ended);
      setTimeout(() => location.reload(), 3000);
      return;
    }
    say(document.body.dataset.lost);
    setTimeout(connect, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  });
}

function take(message) {
  if (message.type === "hello") {
    wait = FIRST_WAIT_MS;
    say("");
    showOpen(message.open);
    document.body.dataset.live = "yes";
    // What came between the page and its socket, or while the line was away.
    if (document.querySelector("[data-part]")) refreshParts();
    lastSeq ??= message.seq;
    lastHeard ??= message.now;
  } else if (message.type === "beat") {
    lastHeard = message.now;
  } else if (message.type === "event") {
    lastSeq = Math.max(lastSeq ?? 0, message.seq);
    if (!isNew(shown, message.event.id)) return;
    if (message.is_important) addRow(message.event);
    if (message.event.severity !== "info") alert(message.event);
    if (message.event.kind.startsWith("clip.") && concerns(message.event.camera)) refreshParts();
  } else if (message.type === "alert") {
    // A rule told somebody: what is worth a message to the posko is worth a banner here.
    alert(message.event);
  } else if (message.type === "notice") {
    if (concerns(message.event) || concerns(message.incident)) refreshParts();
  } else if (message.type === "incident") {
    showOpen(message.open);
    if (document.querySelector("[data-incidents]") || concerns(message.incident)) refreshParts();
  } else if (message.type === "reading") {
    showReading(message.camera, message.reading);
  } else if (message.type === "camera") {
    showState(message.camera);
  }
}

function isNew(seen, id) {
  if (seen.has(id)) return false;
  seen.add(id);
  // A set keeps the order of arrival: the first is the oldest.
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  return true;
}

function concerns(name) {
  // The event's page names its event and the cameras whose clips it may show.
  return (document.querySelector("[data-concerns]")?.dataset.concerns ?? "").split(" ").includes(name);
}

function showOpen(count) {
  const badge = document.querySelector("[data-open]");
  badge.querySelector("b").textContent = count;
  badge.querySelector(".sr").textContent = badge.dataset.words.replace("0", count);
  badge.hidden = !count;
}

function say(text) {
  const line = document.querySelector("[data-line]");
  line.textContent = text;
  line.hidden = !text;
}

function fill(node, values) {
  for (const slot of node.querySelectorAll("[data-slot]")) slot.textContent = values[slot.dataset.slot] ?? "";
}

function inside(path) {
  // Only addresses of this hub, whatever was sent.
  return path && path.startsWith("/") && !path.startsWith("//") ? path : "";
}

function addRow(event) {
  const list = document.querySelector("[data-events]");
  const template = document.querySelector("[data-event-row]");
  if (!list || !template || (list.dataset.only && list.dataset.only !== event.camera)) return;
  const row = template.content.cloneNode(true).querySelector("a");
  fill(row, event);
  row.href = inside(event.url);
  row.dataset.event = event.id;
  row.dataset.thing = event.thing;
  row.dataset.at = event.iso;
  row.className = `event ${event.severity} new`;
  const tag = row.querySelector("[data-slot=severity_word]");
  tag.hidden = event.severity === "info";
  tag.className = `tag ${event.severity === "danger" ? "bad" : "warning"}`;
  if (inside(event.picture)) {
    const image = new Image(112, 84);
    image.alt = "";
    image.src = inside(event.picture);
    row.querySelector(".thumb").append(image);
  }
  if (event.thing) for (const other of [...list.children]) if (isSame(other, event)) other.remove();
  list.prepend(row);
  document.querySelector("[data-empty]").hidden = true;
  while (list.children.length > Number(list.dataset.events)) list.lastElementChild.remove();
}

function isSame(row, event) {
  // A person who is seen and then enters a zone is one row; an eye that was restarted counts from one again.
  return row.dataset.thing === event.thing && Math.abs(new Date(event.iso) - new Date(row.dataset.at)) < SAME_THING_MS;
}

function alert(event) {
  if (!isNew(alerted, event.id)) return;
  const place = document.querySelector("[data-alerts]");
  const box = document.querySelector("template[data-alert]").content.cloneNode(true).querySelector(".alert");
  fill(box, event);
  box.classList.add(event.severity);
  box.querySelector(".tag").classList.add(event.severity === "danger" ? "bad" : "warning");
  box.querySelector("[data-link]").href = inside(event.url);
  const image = box.querySelector("[data-picture]");
  if (inside(event.picture)) image.src = inside(event.picture);
  else image.parentElement.remove();
  box.querySelector("[data-close]").addEventListener("click", () => {
    box.remove();
    countAlerts(place);
  });
  place.prepend(box);
  while (place.children.length > MOST_ALERTS) place.lastElementChild.remove();
  countAlerts(place);
}

const title = document.title;

function countAlerts(place) {
  // Seen in the tab's name when the page is in the background.
  const count = place.children.length;
  document.title = count ? `(${count}) ${title}` : title;
}

function showReading(camera, reading) {
  for (const card of document.querySelectorAll("[data-camera] [data-readings]")) {
    if (card.closest("[data-camera]").dataset.camera !== camera) continue;
    let row = [...card.children].find((child) => child.dataset.reading === reading.key);
    if (!row) {
      row = document.querySelector("[data-reading-row]").content.cloneNode(true).firstElementChild;
      row.dataset.reading = reading.key;
      card.append(row);
    }
    fill(row, reading);
    row.className = `reading stage${reading.stage ?? ""}`;
    row.removeAttribute("data-old");
  }
}

function showState(camera) {
  for (const card of document.querySelectorAll("[data-camera]")) {
    if (card.dataset.camera !== camera.id) continue;
    if (card.classList.contains("camera") && !card.classList.contains("plain")) card.className = `camera ${camera.tone}`;
    for (const tag of card.querySelectorAll("[data-state]")) {
      tag.textContent = camera.state_word;
      tag.className = `tag ${camera.tone}`;
    }
    for (const since of card.querySelectorAll("[data-since]")) since.textContent = camera.since_text;
    for (const nothing of card.querySelectorAll("[data-nothing]")) nothing.textContent = camera.has_picture ? nothing.dataset.waiting : camera.state_word;
  }
  for (const reason of document.querySelectorAll("[data-reason], [data-reason-of]")) {
    const of = reason.dataset.reasonOf ?? reason.closest("[data-camera]")?.dataset.camera;
    if (of !== camera.id) continue;
    reason.textContent = camera.reason;
    reason.hidden = !camera.reason;
  }
  pictures.restart(camera.id, camera.has_picture);
  countCameras();
}

function countCameras() {
  for (const count of document.querySelectorAll("[data-count]")) {
    const found = document.querySelectorAll(`.cameras > .camera.${count.dataset.count}`).length;
    count.textContent = count.dataset.words.replace("0", found);
    count.hidden = !found;
  }
}
