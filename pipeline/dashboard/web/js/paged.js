// Lists that the server sorts and cuts: topics and partitions, of which there may
// be very many.

import { h, card, setText } from "./dom.js";
import { ask } from "./api.js";
import { behind, count, exact, topicLink } from "./format.js";
import { Table, bar, link, state } from "./table.js";

const size = 100;

// Paged asks for one page again and again while it is shown.
export class Paged {
  constructor({ title, path, list, query, columns, sort, empty, failed }) {
    Object.assign(this, { path, list, query, failed, by: sort, offset: 0, total: 0, most: 0, turn: 0 });
    this.table = new Table({
      label: title, columns: columns(() => this.most), empty: () => this.problem || empty, sort: { by: sort },
      onsort: (by) => { this.by = by; this.offset = 0; this.table.sorted({ by, up: by === "topic" || by === "headroom_records" }); this.load(); },
    });
    this.where = h("span", { "aria-live": "polite" });
    this.back = h("button", { type: "button", text: "Previous", onclick: () => this.move(-size) });
    this.next = h("button", { type: "button", text: "Next", onclick: () => this.move(size) });
    this.pages = h("div", { class: "pages" }, this.where, this.back, this.next);
    const { el, side } = card(title, h("div", { class: "body" }));
    el.lastChild.replaceWith(this.table.el);
    el.append(this.pages);
    this.el = el;
    this.side = side;
  }
  move(by) {
    this.offset = Math.max(0, this.offset + by);
    this.table.el.scrollTop = 0;
    this.load();
  }
  async load() {
    const turn = ++this.turn;
    try {
      const got = await ask(this.path, { ...this.query(), sort: this.by, offset: this.offset, limit: size });
      if (turn !== this.turn) return; // a newer one is on its way
      this.problem = "";
      this.show(got);
    } catch (err) {
      if (turn !== this.turn) return;
      this.problem = err.message;
      this.failed(err);
    }
  }
  show(got) {
    const rows = got[this.list];
    this.total = got.total;
    if (rows.length === 0 && this.offset > 0) return this.move(-size);
    this.most = Math.max(0, ...rows.map((r) => r.lag_records));
    this.table.update(rows);
    setText(this.side, count(got.total) + " in all");
    setText(this.where, got.total ? `${this.offset + 1}–${this.offset + rows.length} of ${count(got.total)}` : "");
    this.back.disabled = this.offset === 0;
    this.next.disabled = this.offset + rows.length >= got.total;
    this.pages.hidden = got.total <= size;
  }
}

const headroom = {
  label: "Retention headroom", sort: "headroom_records", num: true, text: (r) => (r.headroom_records < 0 ? "–" : count(r.headroom_records)),
};
const lag = (most) => bar("Lag", "lag_records", (r) => r.lag_records, (r) => count(r.lag_records), most, (r) => r.unhealthy_partitions > 0 || r.state === "unhealthy");
const time = { label: "Behind", sort: "lag_seconds", num: true, text: behind };

export const topicColumns = (withFlow) => (most) => [
  link("Topic", "topic", (r) => r.topic, (r) => topicLink(r.flow, r.topic)),
  ...(withFlow ? [{ label: "Flow", text: (r) => r.flow }] : []),
  { label: "On the target", text: (r) => r.target_topic },
  { label: "Partitions", num: true, text: (r) => count(r.partitions) + (r.unhealthy_partitions ? ` (${r.unhealthy_partitions} unhealthy)` : "") },
  { label: "Records", num: true, text: (r) => count(r.records) },
  lag(most), time, headroom,
];

export const partitionColumns = (most) => [
  { label: "Partition", text: (r) => String(r.partition) },
  state(),
  { label: "Copied up to", num: true, text: (r) => exact(r.position) },
  { label: "Source end", num: true, text: (r) => exact(r.end) },
  { label: "Target end", num: true, text: (r) => exact(r.target_end) },
  { label: "Records", num: true, text: (r) => count(r.records) },
  lag(most), time, headroom,
];
