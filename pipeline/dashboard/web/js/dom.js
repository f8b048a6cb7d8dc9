// Elements without innerHTML: text stays text, whatever it says.

const svgSpace = "http://www.w3.org/2000/svg";

function fill(el, props, kids) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "text") el.textContent = value;
    else el.setAttribute(name, value === true ? "" : String(value));
  }
  el.append(...kids.flat().filter((k) => k !== null && k !== undefined && k !== false));
  return el;
}

// h makes an HTML element, s one of SVG.
export const h = (tag, props, ...kids) => fill(document.createElement(tag), props, kids);
export const s = (tag, props, ...kids) => fill(document.createElementNS(svgSpace, tag), props, kids);

// setText and setAttr leave alone what is as it should be, so that neither a
// selection nor a screen reader is disturbed by what did not change.
export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}
export function setAttr(el, name, value) {
  if (value === null || value === undefined || value === false) el.removeAttribute(name);
  else if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

// replace swaps all children, and returns the focus to the one with the same id.
export function replace(el, ...kids) {
  const active = document.activeElement;
  const key = active && el.contains(active) ? active.dataset.key : null;
  el.replaceChildren(...kids.flat().filter(Boolean));
  if (key) [...el.querySelectorAll("[data-key]")].find((k) => k.dataset.key === key)?.focus({ preventScroll: true });
}

// card is a section with a heading.
export function card(title, body, aside) {
  const id = "h" + Math.random().toString(36).slice(2, 8);
  const side = h("span", { class: "aside" }, aside || "");
  const el = h("section", { class: "card", "aria-labelledby": id }, h("header", {}, h("h2", { id, text: title }), side), body);
  return { el, side };
}

export const pill = (state) => h("span", { class: "pill " + state, text: state });
