// Keys, and news of changes. Pages work without it: this only makes them quicker.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (name, does) => document.addEventListener(name, does);
  const seen = element => element.getClientRects().length > 0;
  const isTyping = element => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  const link = row => row.querySelector("a[href]");
  const box = row => row.querySelector("[type=checkbox]");
  const rowOf = element => element.closest("[data-row]");
  const rows = () => all("[data-row]").filter(row => seen(row) && link(row));
  // The page before the frame around it.
  const keyed = () => all("main [data-key]").concat(all("[data-key]")).filter(each => seen(each) && !each.disabled);

  // Keys: what has data-key="r" is pressed, or focused if it is a field. In lists j k o x.
  const move = by => {
    const list = rows(), at = list.indexOf(rowOf(document.activeElement));
    const row = list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
    if (row) { link(row).focus(); row.scrollIntoView({block: "nearest"}); }
  };
  const press = element => { element.focus(); if (!isTyping(element)) element.click(); };
  const showKeys = dialog => {
    const own = dialog.querySelector("tbody"), names = {};
    for (const each of keyed())
      names[each.dataset.key] ??= each.dataset.keyName || each.ariaLabel || (each.labels?.[0] || each).textContent.trim();
    own.replaceChildren();
    for (const texts of Object.entries(names)) {
      const line = own.insertRow();
      for (const text of texts) line.insertCell().textContent = text;
    }
    for (const line of all("[data-rows]", dialog)) line.hidden = !rows().length;
    dialog.showModal();
  };
  on("keydown", event => {
    const {key} = event, active = document.activeElement, row = rowOf(active), dialog = document.getElementById("keys");
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (key === "Escape") return active.blur();
    if (isTyping(active)) return;
    const does = {
      j: rows().length && (() => move(1)), k: rows().length && (() => move(-1)),
      o: row && (() => link(row).click()), x: row && box(row) && (() => box(row).click()),
    }[key];
    const element = keyed().find(each => each.dataset.key === key);
    if (does) does();
    else if (element) press(element);
    else if (key === "?" && dialog) showKeys(dialog);
    else return;
    event.preventDefault();
  });

  // News: [data-live] gets `changed` when something, or its ticket, changed, and each minute, for its times.
  const changed = numbers => {
    for (const each of all("[data-live]"))
      if (!numbers || ["all", ...numbers].includes(each.dataset.live)) each.dispatchEvent(new Event("changed"));
  };
  let source = null, opened = false;
  const listen = () => {
    // A hidden page closes its stream: browsers open few connections to one server.
    if (document.hidden) { source?.close(); source = null; return; }
    if (source || !all("[data-live]").length) return;
    source = new EventSource("/events");
    source.onopen = () => { if (opened) changed(); opened = true; }; // news may have been lost
    source.onerror = ({target}) => { if (target.readyState === 2) source = null; }; // tried again in a minute
    source.addEventListener("changed", ({data}) => changed(data.split(" ")));
    source.addEventListener("over", ({target}) => target.close());
  };
  const look = () => { if (!document.hidden) changed(); listen(); };
  on("visibilitychange", look);
  setInterval(look, 60000);
  listen();

  // A part that is loaded again keeps what was selected, unfolded and focused in it.
  let kept = null;
  on("htmx:beforeSwap", ({detail: {target}}) => {
    const active = document.activeElement, row = target.contains(active) && rowOf(active);
    const set = all(":checked, details[open]", target).map(each => each.value || each.id);
    kept = {id: target.id, set, href: row && link(row).href, at: rows().indexOf(row), boxed: row && active === box(row)};
  });
  on("htmx:afterSettle", () => {
    const part = kept && document.getElementById(kept.id), list = rows();
    for (const each of part ? all("[type=checkbox], details[id]", part) : [])
      if (kept.set.includes(each.value || each.id)) each.checked = each.open = true;
    const row = part && kept.href && (list.find(each => link(each).href === kept.href) || list[Math.min(kept.at, list.length - 1)]);
    if (row) (kept.boxed && box(row) || link(row)).focus({preventScroll: true});
    kept = null;
  });
  // Coming back to a search shows what was typed last.
  on("htmx:afterRequest", ({detail: {elt}}) => { if (elt.name === "q") history.replaceState(null, "", "?q=" + encodeURIComponent(elt.value)); });
})();
