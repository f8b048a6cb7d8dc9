// The topology as a picture: clusters, and what moves between them.

import { h, s, setAttr, setText, replace } from "./dom.js";
import { bytes, count, flowLink, plural, rate, span } from "./format.js";
import { apart, arrange, curve, labelHeight, labelWidth, nodeHeight, nodeWidth, pairs } from "./layout.js";

const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

export class Topology {
  constructor() {
    this.svg = s("svg", { role: "group", "aria-label": "Clusters and the flows between them" });
    this.note = h("p", { class: "muted" });
    this.el = h("div", { class: "graph" }, this.svg, this.note);
    this.edges = new Map();
    this.shape = "";
  }
  update(graph, flows) {
    const ways = pairs(graph, flows);
    const shape = JSON.stringify([graph.clusters.map((c) => c.alias), ways.map((w) => [w.key, w.flows.length])]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.draw(graph, ways);
    }
    for (const way of ways) this.edges.get(way.key)?.(way);
    this.nodes(ways);
  }
  draw(graph, ways) {
    const { width, height, places, left } = arrange(graph.clusters, ways);
    setAttr(this.svg, "viewBox", `0 0 ${width} ${height}`);
    setText(this.note, left > 0 ? `and ${plural(left, "more cluster")}; Flows lists all that leads there.` : "");
    this.edges.clear();
    this.subs = new Map();
    const drawn = [];
    const labels = ways.length <= 14;
    const curves = new Map();
    for (const way of ways) {
      const a = places.get(way.from), b = places.get(way.to);
      if (!a || !b || a === b) continue;
      const back = ways.some((w) => w.from === way.to && w.to === way.from);
      curves.set(way, curve(a, b, back ? 30 : 12));
    }
    if (labels) apart([...curves.values()], places.values());
    for (const [way, c] of curves) {
      const { el, update } = edge(way, c, labels);
      this.edges.set(way.key, update);
      drawn.push(el);
    }
    const boxes = [...places.values()].map((p) => this.node(p));
    replace(this.svg, drawn, boxes);
  }
  node({ x, y, c }) {
    const sub = s("text", { class: "sub", x, y: y + 17, "text-anchor": "middle" });
    const el = s("g", { class: "node" },
      s("title", { text: c.alias + ": " + c.bootstrap_servers.join(", ") }),
      s("rect", { x: x - nodeWidth / 2, y: y - nodeHeight / 2, width: nodeWidth, height: nodeHeight, rx: 13 }),
      s("text", { class: "name", x, y: y - 4, "text-anchor": "middle", text: cut(c.alias, 18) }), sub);
    this.subs.set(c.alias, { sub, el });
    return el;
  }
  nodes(ways) {
    for (const [alias, { sub, el }] of this.subs || []) {
      let into = 0, out = 0, touched = 0, waiting = 0;
      for (const w of ways) {
        if (w.to !== alias && w.from !== alias) continue;
        if (w.to === alias) into += w.records;
        else out += w.records;
        touched++;
        if (w.state === "waiting") waiting++;
      }
      const hurt = touched > 0 && touched === waiting; // nothing gets there, or from there
      setText(sub, `${rate(into)}/s in · ${rate(out)}/s out`);
      setAttr(el, "class", hurt ? "node hurt" : "node");
    }
  }
}

// edge is one way, with what changes about it.
function edge(way, c, labelled) {
  const one = way.flows.length === 1;
  const line = s("path", { class: "way", d: c.d });
  const move = s("path", { class: "move", d: c.d });
  const first = s("text", { x: c.label.x, y: c.label.y - 3 });
  const second = s("text", { class: "second", x: c.label.x, y: c.label.y + 13 });
  const plate = s("rect", { class: "plate", x: c.label.x - labelWidth / 2, y: c.label.y - 21, width: labelWidth, height: labelHeight, rx: 10 });
  const el = s("a", { class: "edge", href: one ? flowLink(way.flows[0]) : "#/flows?q=" + encodeURIComponent(way.from + " " + way.to), "data-key": way.key },
    s("path", { class: "hit", d: c.d }), line, move,
    s("path", { class: "tip", d: "M0 0L-11 -6L-11 6Z", transform: `translate(${c.end.x} ${c.end.y}) rotate(${c.angle})` }),
    labelled && [plate, first, second]);
  const update = (w) => {
    const moving = w.records > 0.05;
    setAttr(el, "class", "edge " + w.state);
    setAttr(line, "stroke-width", (2.5 + Math.min(7, Math.log10(1 + w.records))).toFixed(1));
    setAttr(move, "visibility", moving ? "visible" : "hidden");
    setAttr(move, "stroke-width", "2");
    move.style.animationDuration = (2.6 - Math.min(2, Math.log10(1 + w.records) / 2.5)).toFixed(1) + "s";
    const lag = w.lag < 0 ? "lag not known yet" : w.lag === 0 ? "no lag" : `lag ${count(w.lag)}` + (w.seconds >= 0.05 ? ` · ${w.estimated ? "~" : ""}${span(w.seconds)}` : "");
    const state = w.state === "running" ? lag : w.state + (w.lag > 0 ? ` · lag ${count(w.lag)}` : "");
    const flows = one ? "" : plural(way.flows.length, "flow") + " · ";
    setText(first, flows + (one ? `${rate(w.records)}/s · ${bytes(w.bytes)}/s` : `${rate(w.records)}/s`));
    setText(second, state);
    setAttr(el, "aria-label", `${one ? "Flow " + way.flows[0] : plural(way.flows.length, "flow")} from ${way.from} to ${way.to}: ${w.state}, ${rate(w.records)} records per second, ${lag}`);
  };
  return { el, update };
}
