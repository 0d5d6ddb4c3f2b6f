// Acting on a ticket: the undo's countdown, "is writing", Ctrl+Enter. All of it works without.
"use strict";
(() => {
  const BEAT = 15000;
  const all = (selector) => document.querySelectorAll(selector);

  function count() {
    for (const form of all("[data-until]")) {
      const left = Math.ceil((new Date(form.dataset.until) - Date.now()) / 1000);
      form.hidden = left <= 0;
      const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      form.querySelector("[data-left]").textContent = `(${text})`;
    }
  }
  if (document.querySelector("[data-until]")) {
    count();
    setInterval(count, 1000);
  }

  // While the page is open and visible: `hx-trigger="beat"` reports it and shows who else is there.
  function beat() {
    const others = document.getElementById("others");
    if (others && !document.hidden) others.dispatchEvent(new Event("beat"));
  }
  let ready = false;
  addEventListener("load", () => {
    beat();
    setTimeout(() => { ready = true; });
  });
  document.addEventListener("visibilitychange", beat);
  setInterval(beat, BEAT);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest(".acting form");
    if (form) form.requestSubmit(form.querySelector("button.first") || form.querySelector("button"));
  });

  // What opens is read at once; `toggle` does not bubble.
  document.addEventListener("toggle", (event) => {
    if (!ready || !event.target.matches(".acting details.verb[open]")) return;
    const outer = event.target.parentElement.closest("details");
    if (outer) outer.open = true;
    const field = event.target.querySelector("select, textarea, input:not([type=hidden])");
    if (field) field.focus();
  }, true);

  document.addEventListener("input", (event) => {
    const name = event.target.name || "";
    if (!name.startsWith("then_")) return;
    event.target.form.querySelector(`[name=then][value=${name.slice(5)}]`).checked = true;
  });
})();
