// Acting on a ticket: the undo's countdown, "is writing", Ctrl+Enter. All of it works without.
"use strict";
(() => {
  const BEAT = 15000;
  const all = (selector) => document.querySelectorAll(selector);

  // By the server's seconds: a browser's clock may be wrong.
  for (const form of all("[data-seconds]")) {
    const end = performance.now() + form.dataset.seconds * 1000;
    const count = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      form.hidden = left <= 0;
      const seconds = String(left % 60).padStart(2, "0");
      form.querySelector("[data-left]").textContent = `(${Math.floor(left / 60)}:${seconds})`;
    };
    count();
    setInterval(count, 1000);
  }

  // While the page is open and visible: `hx-trigger="beat"` reports it and shows who else is there.
  function beat() {
    const others = document.getElementById("others");
    if (others && !document.hidden) others.dispatchEvent(new Event("beat"));
  }
  addEventListener("load", beat);
  document.addEventListener("visibilitychange", beat);
  setInterval(beat, BEAT);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest(".acting form");
    if (form) form.requestSubmit(form.querySelector("button.first") || form.querySelector("button"));
  });

  // What is opened can be written into at once.
  document.addEventListener("click", (event) => {
    const details = event.target.closest(".acting details.verb:not([open]) > summary")?.parentElement;
    if (!details) return;
    event.preventDefault();
    details.open = true;
    details.querySelector("select, textarea, input:not([type=hidden])")?.focus();
  });

  document.addEventListener("input", (event) => {
    const name = event.target.name || "";
    if (!name.startsWith("then_")) return;
    event.target.form.querySelector(`[name=then][value=${name.slice(5)}]`).checked = true;
  });
})();
