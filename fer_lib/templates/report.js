"use strict";
// The page is whole without this: it adds sorting, filtering and folded details to the table of claims, and shows the
// numbers behind a drawing under the pointer or the keyboard's focus. The state stands in the address, after "#".
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.claims");
  const form = document.getElementById("filter");
  if (!table || !form) return;
  const bodies = [...table.tBodies];
  const words = bodies.map((body) => body.textContent.toLowerCase());
  const names = ["paper", "metric", "verdict", "own", "q"].filter((name) => form.elements[name]);
  const headings = [...table.querySelectorAll("th[data-sort]")];
  const count = document.getElementById("count");
  let descending = false;

  // --- rows and their details

  for (const element of table.querySelectorAll("thead, tbody")) element.setAttribute("role", "rowgroup");
  for (const row of table.rows) row.setAttribute("role", "row");
  for (const cell of table.querySelectorAll("td")) cell.setAttribute("role", "cell");
  for (const cell of table.querySelectorAll("thead th")) cell.setAttribute("role", "columnheader");
  for (const cell of table.querySelectorAll("tbody th")) cell.setAttribute("role", "rowheader");
  table.setAttribute("role", "table");

  for (const body of bodies) {
    const says = body.querySelector(".says");
    const button = document.createElement("button");
    body.rows[1].id = `${body.id}-details`;
    button.type = "button";
    button.className = "says";
    button.setAttribute("aria-controls", body.rows[1].id);
    button.append(...says.childNodes);
    says.replaceWith(button);
    button.addEventListener("click", () => unfold(body, !body.classList.contains("open")));
    unfold(body, false);
  }

  function unfold(body, open) {
    body.classList.toggle("open", open);
    body.querySelector("button.says").setAttribute("aria-expanded", String(open));
  }

  // --- what is shown, in which order

  function sortKey(body, key) {
    if (key === "paper") return bodies.indexOf(body);
    if (key === "claim") return body.querySelector(".says").textContent;
    if (key === "metric") return `${body.dataset.metric} ${body.rows[0].cells[2].textContent}`;
    const own = key.startsWith("own-");
    const cells = body.rows[0].cells;
    let value = body.dataset[key];
    if (key.endsWith("measured")) value = cells[own ? 6 : 4].dataset.value;
    if (key.endsWith("verdict")) value = cells[own ? 7 : 5].dataset.rank;
    return value === undefined ? null : Number(value);
  }

  function compare(a, b) {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
    const order = typeof a.key === "string" ? a.key.localeCompare(b.key, "en") : a.key - b.key;
    return (descending ? -order : order) || a.place - b.place;
  }

  function sort() {
    const key = form.elements.sort.value;
    const keyed = bodies.map((body, place) => ({ body, place, key: sortKey(body, key) }));
    keyed.sort(compare);
    table.append(...keyed.map((each) => each.body));
    for (const heading of headings) {
      const sorted = heading.dataset.sort === key;
      heading.setAttribute("aria-sort", sorted ? (descending ? "descending" : "ascending") : "none");
    }
  }

  function fits(body, place) {
    const { paper, metric, verdict, own, q } = form.elements;
    const verdictOf = (cell) => body.rows[0].cells[cell].textContent.trim();
    return (
      (!paper.value || body.dataset.paper === paper.value) &&
      (!metric.value || body.dataset.metric === metric.value) &&
      (!verdict.value || verdictOf(5) === verdict.value) &&
      (!own || !own.value || verdictOf(7) === own.value) &&
      q.value.toLowerCase().split(/\s+/).every((word) => words[place].includes(word))
    );
  }

  function filter() {
    let shown = 0;
    bodies.forEach((body, place) => {
      const fit = fits(body, place);
      body.classList.toggle("out", !fit);
      shown += fit;
    });
    count.textContent = `Showing ${shown} of ${bodies.length} claims`;
    document.getElementById("no-match").hidden = shown > 0;
  }

  // --- the state in the address

  function written() {
    const state = new URLSearchParams();
    for (const name of names) if (form.elements[name].value.trim()) state.set(name, form.elements[name].value.trim());
    const key = form.elements.sort.value;
    if (key !== "paper" || descending) state.set("sort", (descending ? "-" : "") + key);
    return state.toString();
  }

  function show() {
    sort();
    filter();
  }

  function changed() {
    const state = written();
    history.replaceState(null, "", state ? `#${state}` : location.pathname + location.search);
    show();
  }

  function restore(text) {
    const state = new URLSearchParams(text);
    for (const name of names) {
      const field = form.elements[name];
      field.value = state.get(name) || "";
      if (field.selectedIndex === -1) field.value = "";
    }
    const key = state.get("sort") || "paper";
    descending = key.startsWith("-");
    form.elements.sort.value = key.replace(/^-/, "");
    if (form.elements.sort.selectedIndex === -1) form.elements.sort.value = "paper";
    show();
  }

  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1).replace(/%(?![0-9a-f]{2})/gi, "%25"));
    const body = bodies.find((each) => each.id === hash);
    if (body) {
      if (body.classList.contains("out")) restore("");
      unfold(body, true);
      body.scrollIntoView({ block: "center" });
    } else if (hash.includes("=")) {
      restore(location.hash.slice(1));
      document.getElementById("claims").scrollIntoView();
    }
  }

  // --- controls

  for (const heading of headings) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const key = heading.dataset.sort;
      descending = form.elements.sort.value === key && !descending;
      form.elements.sort.value = key;
      changed();
    });
  }
  form.addEventListener("input", (event) => {
    if (event.target.name === "sort") descending = false;
    changed();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    restore("");
    changed();
    form.elements.paper.focus();
  });
  form.elements.details.addEventListener("click", (event) => {
    const open = event.target.getAttribute("aria-pressed") === "false";
    event.target.setAttribute("aria-pressed", String(open));
    for (const body of bodies) unfold(body, open);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-filter]");
    if (!link) return;
    event.preventDefault();
    history.pushState(null, "", link.dataset.filter ? `#${link.dataset.filter}` : "#claims");
    restore(link.dataset.filter);
    document.getElementById("claims").scrollIntoView();
    document.getElementById("claims-title").focus({ preventScroll: true });
  });
  addEventListener("hashchange", follow);

  // --- the numbers behind a drawing

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let of = null;

  function numbersOf(body) {
    const cells = body.rows[0].cells;
    const claim = document.createElement("p");
    claim.append(`${body.querySelector(".says").textContent}. Published: ${cells[3].textContent.trim()}`);
    const details = [...body.rows[1].cells[0].firstElementChild.children].map((each) => each.cloneNode(true));
    for (let place = 0; cells[4 + 2 * place + 1]; place += 1) {
      const measured = cells[4 + 2 * place].textContent.trim().replace(/\s+/g, " ");
      if (measured !== "–") details[place].firstElementChild.after(` ${measured}: `);
    }
    return [claim, ...details];
  }

  function explain(drawing) {
    const link = drawing.closest("a.drawing");
    const body = link ? document.getElementById(link.hash.slice(1)) : drawing.closest("tbody");
    if (!body || !body.rows || (!link && body.classList.contains("open"))) return;
    tip.replaceChildren(...numbersOf(body));
    tip.hidden = false;
    of = link || drawing;
    if (link) link.setAttribute("aria-describedby", tip.id);
    const box = drawing.getBoundingClientRect();
    const below = box.bottom + tip.offsetHeight < innerHeight;
    tip.style.left = `${scrollX + Math.max(8, box.right - tip.offsetWidth)}px`;
    tip.style.top = `${scrollY + (below ? box.bottom : Math.max(0, box.top - tip.offsetHeight))}px`;
  }

  function dismiss() {
    if (of) of.removeAttribute("aria-describedby");
    of = null;
    tip.hidden = true;
  }

  document.addEventListener("pointerover", (event) => {
    const drawing = event.target.closest("svg.distance");
    if (drawing && event.pointerType === "mouse") explain(drawing);
    else if (!tip.contains(event.target) && of !== document.activeElement) dismiss();
  });
  document.addEventListener("focusin", (event) => {
    const drawing = event.target.matches("a.drawing") && event.target.querySelector("svg.distance");
    if (drawing) explain(drawing);
    else dismiss();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dismiss();
  });

  form.hidden = false;
  show();
  follow();
});
