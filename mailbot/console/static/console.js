// Keys, and news of changes. Pages work without it: this only makes them quicker.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (name, does) => document.addEventListener(name, does);
  const seen = element => element.getClientRects().length > 0;
  const isTyping = element => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  const rows = () => all("[data-row]").filter(row => seen(row) && link(row));
  const link = row => row.querySelector("a[href]");
  const box = row => row.querySelector("[type=checkbox]");
  const rowOf = element => element.closest("[data-row]");

  // Keys: what has data-key="r" is pressed, or focused if it is a field. In lists j k o x.
  const move = by => {
    const list = rows(), at = list.indexOf(rowOf(document.activeElement));
    const row = list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
    if (row) { link(row).focus(); row.scrollIntoView({block: "nearest"}); }
    return row;
  };
  const click = element => { if (element) element.click(); return element; };
  // The page before the frame around it.
  const keyed = () => [...all("main [data-key]"), ...all("[data-key]")].filter(each => seen(each) && !each.disabled);
  const press = key => {
    const element = keyed().find(each => each.dataset.key === key);
    if (element) { element.focus(); if (!isTyping(element)) element.click(); }
    return element;
  };
  const showKeys = () => {
    const dialog = document.getElementById("keys"), own = dialog.querySelector("tbody"), lines = new Map();
    for (const each of keyed()) {
      const {key, keyName} = each.dataset, label = each.labels && each.labels[0];
      if (!lines.has(key)) lines.set(key, keyName || each.ariaLabel || (label || each).textContent.trim());
    }
    own.replaceChildren();
    for (const [key, text] of lines) {
      const line = own.insertRow();
      line.insertCell().textContent = key;
      line.insertCell().textContent = text;
    }
    for (const line of all("[data-rows]", dialog)) line.hidden = !rows().length;
    dialog.showModal();
  };
  on("keydown", event => {
    const {key} = event, active = document.activeElement, row = rowOf(active);
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (key === "Escape") return active.blur();
    if (isTyping(active)) return;
    const done = key === "j" ? move(1) : key === "k" ? move(-1)
      : key === "o" ? row && click(link(row)) : key === "x" ? row && click(box(row)) : null;
    if (done || press(key)) event.preventDefault();
    else if (key === "?" && document.getElementById("keys")) showKeys();
  });

  // News: [data-live] gets `changed` when something, or its ticket, changed, and each minute, for its times.
  const changed = numbers => {
    for (const each of all("[data-live]"))
      if (!numbers || each.dataset.live === "all" || numbers.includes(each.dataset.live)) each.dispatchEvent(new Event("changed"));
  };
  let source = null, opened = false;
  const listen = () => {
    // A hidden page closes its stream: browsers open few connections to one server.
    if (document.hidden) { if (source) source.close(); source = null; }
    if (document.hidden || source || !document.querySelector("[data-live]")) return;
    source = new EventSource("/events");
    source.onopen = () => { if (opened) changed(); opened = true; }; // news may have been lost
    source.onerror = event => { if (event.target.readyState === 2) source = null; }; // tried again in a minute
    source.addEventListener("changed", event => changed(event.data.split(" ")));
    source.addEventListener("over", event => event.target.close());
  };
  const look = () => { if (!document.hidden) changed(); listen(); };
  on("visibilitychange", look);
  setInterval(look, 60000);
  listen();

  // A part that is loaded again keeps what was selected, unfolded and focused in it.
  let kept = null;
  on("htmx:beforeSwap", event => {
    const part = event.detail.target, active = document.activeElement, row = part.contains(active) && rowOf(active);
    const values = selector => all(selector, part).map(each => each.value || each.id);
    kept = {id: part.id, set: values(":checked, details[open]"), href: row && link(row).href, at: rows().indexOf(row), box: active === (row && box(row))};
  });
  on("htmx:afterSettle", () => {
    const part = kept && document.getElementById(kept.id), list = rows();
    for (const each of part ? all("[type=checkbox], details[id]", part) : [])
      if (kept.set.includes(each.value || each.id)) each.checked = each.open = true;
    const row = part && kept.href && (list.find(each => link(each).href === kept.href) || list[Math.min(kept.at, list.length - 1)]);
    if (row) (kept.box && box(row) || link(row)).focus({preventScroll: true});
    kept = null;
  });
  // Coming back to a search shows what was typed last.
  on("htmx:afterRequest", ({detail: {elt}}) => { if (elt.name === "q") history.replaceState(null, "", "?q=" + encodeURIComponent(elt.value)); });
})();
