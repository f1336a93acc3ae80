// What a page does by itself: it counts the minutes, says when the connection is gone, and reads
// changes out. Everything else is made by the server.
"use strict";

(function () {
  const STALE_AFTER_MS = 75000; // two polls and a half
  const TICK_MS = 1000;
  const body = document.body;
  const banner = document.getElementById("banner");
  const announce = document.getElementById("announce");
  const live = document.querySelector(".live") !== null;

  let storyAt = 0; // the server's time, which may run faster than ours in a demonstration
  let readAt = 0;
  let streamUp = true;
  let resuming = false;
  let fetchUp = true;
  let fetchedAt = Date.now();

  function readClock() {
    const carrier = document.querySelector("[data-now]");
    if (carrier) {
      storyAt = Date.parse(carrier.dataset.now);
      readAt = Date.now();
    }
  }

  function storyNow() {
    return storyAt + (Date.now() - readAt) * Number(body.dataset.speed);
  }

  function span(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const parts = { d: Math.floor(s / 86400), h: Math.floor(s / 3600), m: Math.floor(s / 60), s: s };
    const unit = parts.d ? "D" : parts.h ? "H" : parts.m ? "M" : "S";
    const shown = { d: parts.d, h: parts.h % 24, m: unit === "H" ? parts.m % 60 : parts.m, s: s };
    return body.dataset["span" + unit].replace(/\{(\w)\}/g, (_, name) => shown[name]);
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    const now = storyNow();
    for (const element of document.querySelectorAll("[data-since]")) {
      const passed = span(now - Date.parse(element.dataset.since));
      write(element, element.dataset.text.replace("{span}", passed));
    }
    for (const element of document.querySelectorAll("[data-until]")) {
      const left = Date.parse(element.dataset.until) - now;
      const text = element.dataset.text.replace("{span}", span(left));
      write(element, left > 0 ? text : element.dataset.over);
    }
    if (live) judge();
  }

  function judge() {
    const stale = !fetchUp || Date.now() - fetchedAt > STALE_AFTER_MS;
    banner.hidden = streamUp && !stale;
    body.classList.toggle("stale", stale);
  }

  body.addEventListener("htmx:sseOpen", function () {
    streamUp = true;
    resuming = false;
    judge();
  });
  body.addEventListener("htmx:sseError", function () {
    if (!resuming) streamUp = false;
    resuming = false;
    judge();
  });
  // Only the live part tells: the number in the navigation may still come when the list does not.
  const ofLive = (event) => event.target.matches(".live");
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    body.addEventListener(failure, function (event) {
      if (!ofLive(event)) return;
      fetchUp = false;
      judge();
    });
  }
  body.addEventListener("htmx:afterRequest", function (event) {
    if (!event.detail.successful || !ofLive(event)) return;
    fetchUp = true;
    fetchedAt = Date.now();
    judge();
  });
  body.addEventListener("htmx:afterSwap", function (event) {
    if (!ofLive(event)) return;
    readClock();
    tick();
    const said = document.querySelector("[data-said]");
    if (said) write(announce, said.dataset.said);
  });

  // A browser keeps six connections to one address: a tab that nobody sees gives its own back, and
  // takes it again, the way the extension does after an error, when somebody looks.
  let source = null;
  htmx.createEventSource = function (url) {
    source = new EventSource(url);
    if (document.hidden) source.close();
    return source;
  };
  document.addEventListener("visibilitychange", function () {
    if (!source) return;
    if (document.hidden) {
      source.close();
    } else if (source.readyState === EventSource.CLOSED) {
      resuming = true;
      source.onerror(new Event("error"));
    }
  });

  readClock();
  tick();
  setInterval(tick, TICK_MS);
})();
