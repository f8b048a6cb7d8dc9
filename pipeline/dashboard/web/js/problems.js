// Problems of a snapshot, the worst first, each once however many flows and
// partitions have it, and each with what to do.

import { h, replace } from "./dom.js";
import { ago, flowLink, plural } from "./format.js";

const waits = "See that the cluster answers there. It is asked again by itself, and every other flow runs on.";
const hopeless = "Look at the events for what led to it. It is tried again by itself.";

export function problemsOf(snapshot, only) {
  const found = new Map();
  const add = (level, text, fix, flow, place, since) => {
    const key = text;
    if (!found.has(key)) found.set(key, { key, level, text, fix, flows: new Set(), places: new Set(), since });
    const p = found.get(key);
    if (level === "bad") p.level = "bad";
    if (flow) p.flows.add(flow);
    if (place) p.places.add(place);
    p.fix ||= fix;
    if (since && (!p.since || since < p.since)) p.since = since;
  };
  if (!only && snapshot.reload && !snapshot.reload.successful) {
    add("bad", "The last edit was refused: " + snapshot.reload.error,
      "Correct the file and save it. Everything runs on as revision " + snapshot.reload.revision + " says.", "", "", snapshot.reload.tried);
  }
  for (const f of snapshot.flows) {
    if (only && f.name !== only) continue;
    const troubled = f.state === "unhealthy" || f.state === "waiting";
    const list = f.problems || [];
    const told = list.some((p) => f.cause && (f.cause === p.summary || f.cause.endsWith(": " + p.summary)));
    if (troubled && f.cause && !told) add("bad", f.cause, f.state === "waiting" ? waits : "", f.name, "", undefined);
    for (const p of list) {
      const place = p.topic ? p.topic + (p.partition >= 0 ? "[" + p.partition + "]" : "") : "";
      add(troubled ? "bad" : "warn", p.summary, p.fix, f.name, place, p.since);
    }
  }
  const rank = (p) => (p.level === "bad" ? 0 : 1);
  return [...found.values()].sort((a, b) => rank(a) - rank(b) || b.flows.size - a.flows.size || a.key.localeCompare(b.key));
}

const mostShown = 4, mostListed = 100;

// Problems shows them; what does not change is left alone.
export class Problems {
  constructor(calm) {
    this.calm = calm;
    this.el = h("section", { "aria-label": "Problems" });
    this.shown = null;
  }
  update(list) {
    const text = JSON.stringify(list.map((p) => [p.key, p.level, p.fix, p.flows.size, p.places.size, p.since && ago(p.since)]));
    if (text === this.shown) return;
    this.shown = text;
    if (list.length === 0) {
      replace(this.el, this.calm && h("div", { class: "card calm" }, h("span", { class: "tick", "aria-hidden": "true", text: "✓" }), h("span", { text: this.calm })));
      return;
    }
    const open = this.el.querySelector("details")?.open;
    const rest = list.slice(mostShown, mostListed);
    const more = rest.length > 0 && h("details", { class: "more", open }, h("summary", { "data-key": "more", text: plural(list.length - mostShown, "more problem") }),
      h("ul", { class: "problems" }, rest.map(item)));
    replace(this.el, h("ul", { class: "problems" }, list.slice(0, mostShown).map(item)), more);
  }
}

function item(p) {
  const flows = [...p.flows];
  const links = flows.slice(0, 4).flatMap((f, i) => [i ? ", " : "", h("a", { href: flowLink(f), "data-key": p.key + f, text: f })]);
  if (flows.length > 4) links.push(` and ${flows.length - 4} more flows`);
  const places = [...p.places];
  if (places.length) links.push(" · " + places.slice(0, 5).join(", ") + (places.length > 5 ? ` and ${places.length - 5} more` : ""));
  return h("li", { class: "problem " + (p.level === "bad" ? "" : "warn") },
    h("span", { class: "mark", "aria-hidden": "true", text: p.level === "bad" ? "✕" : "!" }),
    h("span", { class: "what" }, h("span", { class: "offscreen", text: p.level === "bad" ? "Error: " : "Warning: " }), p.text),
    p.since ? h("time", { datetime: p.since, text: "for " + ago(p.since) }) : h("span"),
    links.length > 0 && h("span", { class: "where" }, links),
    h("span", { class: "fix" }, h("b", { text: "What to do" }), p.fix || (p.level === "bad" ? hopeless : "Nothing at once; it is here so that you know.")));
}
