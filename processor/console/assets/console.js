// Fetches the overview every few seconds and changes in place what differs, so that focus, selection, scroll and open details stay as they
// are. Without this script the page reloads itself.
"use strict";
(() => {
  const every = 5000; // ms
  const patience = 10000; // ms that an answer may take
  const pause = document.getElementById("pause");
  const news = document.getElementById("news");
  let paused = new URLSearchParams(location.search).get("refresh") === "off";
  let timer = 0;

  // morph makes old like fresh. Children with an ID are found by it, wherever they are now.
  function morph(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(old.nodeName === "DETAILS" && name === "open")) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const byID = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const known = next.id ? byID.get(next.id) : at && !at.id ? at : null;
      if (!known) {
        old.insertBefore(next, at);
        continue;
      }
      if (known === at) at = at.nextSibling;
      else old.insertBefore(known, at);
      morph(known, next);
    }
    while (at) {
      const rest = at.nextSibling;
      at.remove();
      at = rest;
    }
  }

  // show takes over a fresh page. A row that had to move loses focus, and gets it back.
  function show(fresh) {
    const focused = document.activeElement;
    const before = document.getElementById("state").textContent;
    for (const id of ["main", "updated"]) morph(document.getElementById(id), fresh.getElementById(id));
    if (focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    const state = document.getElementById("state").textContent;
    if (state !== before) news.textContent = state;
    document.title = fresh.title;
    document.getElementById("icon").href = fresh.getElementById("icon").href;
    document.documentElement.classList.remove("gone");
  }

  // lost says that what is shown is not as of now.
  function lost() {
    if (document.documentElement.classList.contains("gone")) return;
    document.documentElement.classList.add("gone");
    document.title = "? no answer · chargeresult";
    document.getElementById("icon").href = "/assets/icon-gone.svg";
    const updated = document.getElementById("updated");
    updated.textContent = "No answer from the process: all of this is old. " + updated.textContent;
    news.textContent = updated.textContent;
  }

  async function refresh() {
    try {
      const answer = await fetch("/", { signal: AbortSignal.timeout(patience), cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!paused) show(fresh);
    } catch {
      if (!paused) lost();
    }
    schedule();
  }

  function schedule() {
    clearTimeout(timer);
    if (!paused) timer = setTimeout(refresh, every);
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume refresh" : "Pause refresh";
    if (paused) schedule();
    else refresh();
  });

  if (paused) pause.textContent = "Resume refresh";
  pause.hidden = false;
  schedule();
})();
