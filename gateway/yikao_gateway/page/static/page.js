// Keeps the first page up to date without moving what has not changed: a finger, the focus and a
// screen reader stay where they are. Without scripts the browser loads the page anew instead.
"use strict";

const LOOK_EVERY_MS = 3000;
const ANSWER_MAX_MS = 5000;
const card = document.getElementById("card");
const away = document.getElementById("away");
let looking = false;

function clocks(part) {
  return Array.from(part.querySelectorAll("[data-left]"));
}

/** What a part says apart from clocks that run. */
function words(part) {
  const copy = part.cloneNode(true);
  clocks(copy).forEach((clock) => clock.remove());
  return copy.innerHTML;
}

function wind(part) {
  clocks(part).forEach((clock) => {
    clock.end = performance.now() + Number(clock.dataset.left) * 1000;
  });
}

function renew(part, fresh) {
  if (words(part) === words(fresh)) {
    const times = clocks(fresh);
    clocks(part).forEach((clock, index) => { clock.dataset.left = times[index].dataset.left; });
  } else {
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.innerHTML = fresh.innerHTML;
    const again = focused && document.getElementById(focused);
    if (again) again.focus();
  }
  wind(part);
}

async function look() {
  if (looking) return;
  looking = true;
  const giving = new AbortController();
  const timer = setTimeout(() => giving.abort(), ANSWER_MAX_MS);
  try {
    const answer = await fetch(location.pathname, { signal: giving.signal });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelectorAll("[data-part]").forEach((part) => {
      const fresh = page.getElementById(part.id);
      if (fresh) renew(part, fresh);
    });
    away.hidden = true;
  } catch (error) {
    away.hidden = false;
  } finally {
    clearTimeout(timer);
    looking = false;
  }
}

function tick() {
  let over = false;
  clocks(document).forEach((clock) => {
    const left = Math.max(0, Math.round((clock.end - performance.now()) / 1000));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    over = over || left === 0;
  });
  if (over) look();
}

/** A card reader types like a keyboard: its digits go into the field wherever the focus is. */
function toCard(event) {
  const typed = /^[0-9A-Za-z]$/.test(event.key) && !(event.ctrlKey || event.altKey || event.metaKey);
  if (typed && document.activeElement !== card) card.focus();
}

if (card) {
  document.addEventListener("keydown", toCard);
  window.addEventListener("pageshow", () => card.focus());
}

wind(document);
setInterval(tick, 1000);
setInterval(look, LOOK_EVERY_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
