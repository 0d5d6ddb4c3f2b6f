// What all pages share: keys, lines of lists, news of changes. Pages work without it: this only makes them quicker.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const seen = element => element.getClientRects().length > 0;
  const isTyping = element => element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select") || element.isContentEditable;
  const rows = () => all("[data-row]").filter(seen);
  const link = row => row.querySelector("a[href]");

  // --- keys: [data-key="r"] is pressed, or focused if it is a field; on lists j k o x ---

  const move = by => {
    const list = rows(), at = list.indexOf(document.activeElement.closest("[data-row]"));
    const row = list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
    if (row) { link(row).focus(); row.scrollIntoView({block: "nearest"}); }
  };
  const here = found => {
    const row = document.activeElement.closest("[data-row]"), element = row && found(row);
    if (element) element.click();
    return element;
  };
  const press = key => {
    // What the page has comes before the frame around it.
    const fits = element => element.dataset.key === key && seen(element) && !element.disabled;
    const element = all("main [data-key]").find(fits) || all("[data-key]").find(fits);
    if (!element) return false;
    element.focus();
    if (!isTyping(element)) element.click();
    return true;
  };
  const showKeys = () => {
    const dialog = document.getElementById("keys"), own = dialog.querySelector("tbody.own"), listed = new Set();
    own.replaceChildren();
    for (const element of all("main [data-key], [data-key]").filter(seen)) {
      const key = element.dataset.key;
      if (listed.has(key)) continue;
      listed.add(key);
      const line = own.insertRow();
      line.insertCell().textContent = key;
      const field = element.labels && element.labels[0];
      line.insertCell().textContent = element.dataset.keyName || element.ariaLabel || (field || element).textContent.trim();
    }
    for (const line of all("[data-rows]", dialog)) line.hidden = !rows().length;
    dialog.showModal();
  };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    const key = event.key, active = document.activeElement;
    if (key === "Escape" && !document.querySelector("dialog[open]")) return active.blur();
    if (isTyping(active) || document.querySelector("dialog[open]")) return;
    const done = key === "j" || key === "k" ? (move(key === "j" ? 1 : -1), rows().length)
      : key === "o" ? here(link) : key === "x" ? here(row => row.querySelector("[type=checkbox]")) : false;
    if (done || press(key)) event.preventDefault();
    else if (key === "?" && document.getElementById("keys")) showKeys();
  });

  // --- news: [data-live] gets `changed` when something, or its ticket, changed; and each minute, for its times ---

  const changed = numbers => {
    for (const element of all("[data-live]"))
      if (!numbers || element.dataset.live === "all" || numbers.includes(element.dataset.live)) element.dispatchEvent(new Event("changed"));
  };
  let source = null, opened = false;
  const listen = () => {
    // A hidden page closes its stream: browsers open few connections to one server.
    if (document.hidden || !document.querySelector("[data-live]")) { if (source) source.close(); source = null; return; }
    if (source) return;
    source = new EventSource("/events");
    source.onopen = () => { if (opened) changed(); opened = true; }; // again: news may have been lost
    source.addEventListener("changed", event => changed(event.data.split(" ")));
    source.addEventListener("over", () => source.close());
    source.onerror = () => { if (source && source.readyState === 2 && opened) source = null; }; // asked again within a minute
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) changed(); listen(); });
  setInterval(() => { if (!document.hidden) { changed(); listen(); } }, 60000);
  listen();

  // --- a part that is loaded again keeps what was selected, unfolded and focused in it ---

  let kept = null;
  document.addEventListener("htmx:beforeSwap", event => {
    const part = event.detail.target, active = part.contains(document.activeElement) && document.activeElement;
    const row = active && active.closest("[data-row]");
    kept = {
      id: part.id, checked: all(":checked", part).map(each => each.value), open: all("details[open]", part).map(each => each.id),
      row: row && link(row).href, at: rows().indexOf(row), box: active && active.type === "checkbox",
    };
  });
  document.addEventListener("htmx:afterSettle", () => {
    const part = kept && document.getElementById(kept.id), {row, at, box} = kept || {};
    if (!part) return;
    for (const each of all("[type=checkbox]", part)) each.checked = kept.checked.includes(each.value);
    for (const each of all("details[id]", part)) each.open = kept.open.includes(each.id) || each.open;
    const same = row && (rows().find(each => link(each).href === row) || rows()[Math.min(at, rows().length - 1)]);
    if (same) ((box && same.querySelector("[type=checkbox]")) || link(same)).focus({preventScroll: true});
    kept = null;
  });
})();
