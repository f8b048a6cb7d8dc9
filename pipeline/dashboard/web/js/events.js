// What lately happened, the newest first.

import { h, card, replace, setAttr } from "./dom.js";
import { clock, flowLink } from "./format.js";

const hidden = new Set(["kind", "object", "before", "after", "cluster", "fix", "err", "reconciler"]);

export class Events {
  constructor() {
    this.title = "Events";
    this.only = "";
    this.find = h("input", { type: "search", placeholder: "Find in events", "aria-label": "Find in events", oninput: () => this.draw() });
    this.buttons = [["", "All"], ["trouble", "Warnings and errors"], ["change", "Changes of clusters"]].map(([what, label]) =>
      h("button", { type: "button", "aria-pressed": String(what === ""), "data-what": what, text: label, onclick: () => this.choose(what) }));
    this.list = h("ol", { class: "events", role: "log", "aria-label": "Events, the newest first", reversed: true });
    const { el } = card("Events", h("div", { class: "body filters" }, this.find, this.buttons), "the newest first");
    el.append(this.list);
    this.el = h("div", { class: "stack" }, h("h1", { class: "offscreen", text: "Events" }), el);
    this.events = [];
  }
  choose(what) {
    this.only = what;
    for (const b of this.buttons) setAttr(b, "aria-pressed", String(b.dataset.what === what));
    this.draw();
  }
  update({ events }) {
    if (this.last === events.at(-1)?.id) return;
    this.last = events.at(-1)?.id;
    this.events = events;
    this.draw();
  }
  draw() {
    const word = this.find.value.toLowerCase();
    const fits = (e) => (this.only === "" || (this.only === "trouble" ? e.level !== "info" : Boolean(e.attrs?.object))) &&
      (word === "" || JSON.stringify(e).toLowerCase().includes(word));
    const rows = this.events.filter(fits).reverse().slice(0, 300).map(item);
    replace(this.list, rows.length ? rows : h("li", { class: "empty", text: "Nothing like that has happened." }));
  }
}

function item(e) {
  const a = e.attrs || {};
  const rest = Object.entries(a).filter(([k]) => !hidden.has(k)).map(([k, v]) => k + " " + v).join(" · ");
  return h("li", {},
    h("time", { datetime: e.time, title: e.time, text: clock(e.time) }),
    h("span", {}, h("span", { class: "pill " + e.level, text: e.level })),
    h("span", { class: "text" },
      e.flow && [h("a", { href: flowLink(e.flow), "data-key": "event" + e.id, text: e.flow }), " "],
      h("b", { text: a.kind || e.message }), a.cluster && ` on ${a.cluster}`, a.object && [" ", h("code", { text: a.object })],
      (a.before || a.after) && h("span", { class: "attrs change" }, h("del", {}, h("span", { class: "offscreen", text: "before: " }), a.before || "nothing"), h("span", { "aria-hidden": "true", text: " → " }), h("ins", {}, h("span", { class: "offscreen", text: "after: " }), a.after || "nothing")),
      a.err && h("span", { class: "attrs", text: a.err }),
      a.fix && h("span", { class: "attrs" }, h("b", { text: "What to do " }), a.fix),
      rest && h("span", { class: "attrs", text: rest })));
}
