// A table that draws only the rows in sight, however many there are.

import { h, replace, setAttr, setText } from "./dom.js";

const rowHeight = 45, spare = 8;

// A column: { name, label, num, make(), set(cell, row), sort } where make and set
// default to text(row), and sort names what a click asks for.
export class Table {
  constructor({ label, columns, tall, empty, sort, onsort }) {
    this.columns = columns;
    this.empty = empty;
    this.rows = [];
    this.pool = [];
    this.heads = columns.map((c) => this.head(c, onsort));
    this.body = h("tbody");
    this.above = h("tr", { class: "space", "aria-hidden": "true" }, h("td", { colspan: columns.length }));
    this.below = h("tr", { class: "space", "aria-hidden": "true" }, h("td", { colspan: columns.length }));
    this.table = h("table", { "aria-label": label }, h("thead", {}, h("tr", { "aria-rowindex": "1" }, this.heads)), this.body);
    this.none = h("div", { class: "empty", hidden: true });
    this.el = h("div", { class: "scroll" + (tall ? " tall" : ""), tabindex: "0", role: "region", "aria-label": label + ", scrolls", onscroll: () => this.draw() }, this.table, this.none);
    new ResizeObserver(() => this.draw()).observe(this.el);
    this.sorted(sort);
  }
  head(c, onsort) {
    const inner = c.sort ? h("button", { type: "button", text: c.label, onclick: () => onsort(c.sort), "data-key": "sort" + c.sort }) : h("span", { text: c.label });
    return h("th", { scope: "col", class: c.num ? "num" : "" }, inner);
  }
  // sorted shows which column rows are in the order of.
  sorted(sort) {
    this.columns.forEach((c, i) => setAttr(this.heads[i], "aria-sort", c.sort && sort && c.sort === sort.by ? (sort.up ? "ascending" : "descending") : null));
  }
  update(rows) {
    this.rows = rows;
    setAttr(this.table, "aria-rowcount", rows.length + 1);
    this.none.hidden = rows.length > 0;
    setText(this.none, rows.length ? "" : typeof this.empty === "function" ? this.empty() : this.empty);
    this.draw();
  }
  draw() {
    const seen = this.el.clientHeight || 600;
    const first = Math.max(0, Math.min(this.rows.length, Math.floor(this.el.scrollTop / rowHeight)) - spare);
    const last = Math.min(this.rows.length, first + Math.ceil(seen / rowHeight) + 2 * spare);
    const wanted = last - first;
    while (this.pool.length < wanted) this.pool.push(this.row());
    for (let i = 0; i < wanted; i++) this.fill(this.pool[i], this.rows[first + i], first + i);
    this.above.style.height = first * rowHeight + "px";
    this.below.style.height = (this.rows.length - last) * rowHeight + "px";
    if (this.shown !== wanted) {
      this.shown = wanted;
      replace(this.body, this.above, this.pool.slice(0, wanted).map((r) => r.el), this.below);
    }
  }
  row() {
    const cells = this.columns.map((c, i) => h(i ? "td" : "th", i ? { class: c.num ? "num" : "" } : { scope: "row", class: "cell" }, c.make ? c.make() : []));
    return { el: h("tr", {}, cells), cells };
  }
  fill(r, row, i) {
    setAttr(r.el, "aria-rowindex", i + 2);
    this.columns.forEach((c, k) => {
      if (c.set) c.set(r.cells[k].firstChild, row);
      else setText(r.cells[k], c.text(row));
    });
  }
}

// link is a column whose cells lead somewhere.
export const link = (label, sort, text, href) => ({
  label, sort, make: () => h("a", {}),
  set: (a, row) => {
    setText(a, text(row));
    setAttr(a, "href", href(row));
    setAttr(a, "title", text(row));
  },
});

export const state = (sort) => ({
  label: "State", sort, make: () => h("span", { class: "pill" }),
  set: (el, row) => {
    setAttr(el, "class", "pill " + row.state);
    setAttr(el, "title", row.cause || null);
    setText(el, row.state);
  },
});

// bar is a number with its share of the greatest one.
export const bar = (label, sort, value, text, most, bad) => ({
  label, sort, num: true, make: () => h("span", {}, h("span"), h("span", { class: "bar", "aria-hidden": "true" }, h("i"))),
  set: (el, row) => {
    setText(el.firstChild, text(row));
    setAttr(el.lastChild, "class", "bar" + (bad && bad(row) ? " bad" : ""));
    el.lastChild.firstChild.style.width = Math.round(100 * Math.max(0, value(row)) / (most() || 1)) + "%";
  },
});
