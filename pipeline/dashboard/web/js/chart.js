// Lines over time, as SVG. They can be read with the pointer, with the arrow keys,
// and as a sentence.

import { h, s, setAttr, setText, replace } from "./dom.js";
import { clock, span } from "./format.js";

const left = 58, right = 8, top = 10, bottom = 22, high = 190;

// nice is the round number at or above n that an axis ends with.
function nice(n) {
  if (n <= 0) return 1;
  const ten = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 2.5, 5, 10].map((m) => m * ten).find((m) => m >= n * 1.0001) || n;
}

const path = (points, x, y) => points.map((p, i) => (i ? "L" : "M") + x(p[0]).toFixed(1) + " " + y(p[1]).toFixed(1)).join("");

export class Chart {
  constructor(title, format) {
    this.title = title;
    this.format = format;
    this.points = [];
    this.at = -1; // the sample that the crosshair is at
    this.svg = s("svg", {
      role: "img", tabindex: "0", "aria-label": title,
      onpointermove: (e) => this.point(e), onpointerleave: () => this.show(-1), onblur: () => this.show(-1), onkeydown: (e) => this.keys(e),
    });
    this.tip = h("div", { class: "tip", hidden: true, "aria-live": "polite" });
    this.el = h("div", { class: "chart" }, this.svg, this.tip);
    this.width = 600;
    new ResizeObserver(([entry]) => {
      this.width = Math.max(240, Math.round(entry.contentRect.width));
      this.draw();
    }).observe(this.el);
  }
  update(points) {
    this.points = points;
    this.draw();
  }
  scales() {
    const last = this.points.at(-1)?.[0] || Date.now();
    const first = Math.min(this.points[0]?.[0] ?? last, last - 60000);
    const most = nice(Math.max(0, ...this.points.map((p) => p[1])));
    return {
      first, last, most,
      x: (t) => left + ((t - first) / (last - first)) * (this.width - left - right),
      y: (v) => top + (1 - v / most) * (high - top - bottom),
    };
  }
  draw() {
    const { first, last, most, x, y } = this.scales();
    setAttr(this.svg, "viewBox", `0 0 ${this.width} ${high}`);
    const parts = [];
    for (const v of [0, most / 2, most]) {
      parts.push(s("line", { class: "grid", x1: left, x2: this.width - right, y1: y(v), y2: y(v) }));
      parts.push(s("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end", text: this.format(v) }));
    }
    for (const [t, anchor] of [[first, "start"], [(first + last) / 2, "middle"], [last, "end"]]) {
      parts.push(s("text", { x: x(t), y: high - 5, "text-anchor": anchor, text: t === last ? "now" : "−" + span((last - t) / 1000) }));
    }
    if (this.points.length > 1) {
      const line = path(this.points, x, y);
      const base = y(0).toFixed(1);
      parts.push(s("g", { class: "s0" },
        s("path", { class: "area", d: `${line}L${x(this.points.at(-1)[0]).toFixed(1)} ${base}L${x(this.points[0][0]).toFixed(1)} ${base}Z` }),
        s("path", { class: "line", d: line })));
    }
    this.cross = s("line", { class: "cross", y1: top, y2: high - bottom, visibility: "hidden" });
    this.svg.replaceChildren(...parts, this.cross);
    const values = this.points.map((p) => p[1]);
    if (values.length) {
      setAttr(this.svg, "aria-label", `${this.title}: now ${this.format(values.at(-1))}, at most ${this.format(Math.max(...values))} in the last ${span((last - this.points[0][0]) / 1000)}. Arrow keys read single values.`);
    }
    this.show(this.at);
  }
  point(e) {
    const { first, last } = this.scales();
    const box = this.svg.getBoundingClientRect();
    const t = first + ((((e.clientX - box.left) / box.width) * this.width - left) / (this.width - left - right)) * (last - first);
    let best = -1;
    this.points.forEach((p, i) => { if (best < 0 || Math.abs(p[0] - t) < Math.abs(this.points[best][0] - t)) best = i; });
    this.show(best);
  }
  keys(e) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[e.key];
    if (!step || !this.points.length) return;
    e.preventDefault();
    const from = this.at < 0 ? this.points.length : this.at;
    this.show(Math.max(0, Math.min(this.points.length - 1, from + step)));
  }
  show(i) {
    this.at = i < this.points.length ? i : -1;
    this.tip.hidden = this.at < 0;
    setAttr(this.cross, "visibility", this.at < 0 ? "hidden" : "visible");
    if (this.at < 0) return;
    const [t, v] = this.points[this.at];
    const at = this.scales().x(t);
    setAttr(this.cross, "x1", at);
    setAttr(this.cross, "x2", at);
    setText(this.tip, clock(t) + "  " + this.format(v));
    this.tip.style.left = Math.min(Math.max(at - 60, left), this.width - 160) + "px";
  }
}

// spark is a small line without axes, for the eye alone.
export function spark(el, points) {
  const last = points.slice(-90);
  if (last.length < 2) return;
  const most = Math.max(1e-9, ...last.map((p) => p[1]));
  const line = path(last, (t) => ((t - last[0][0]) / (last.at(-1)[0] - last[0][0] || 1)) * 100, (v) => 38 - (v / most) * 32);
  replace(el, s("path", { class: "area", d: line + "L100 40L0 40Z" }), s("path", { class: "line", d: line }));
}

export const newSpark = () => s("svg", { class: "spark", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" });
