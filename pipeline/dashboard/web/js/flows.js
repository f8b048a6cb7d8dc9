// All flows as a table, and one flow with all there is to know of it.

import { h, card, pill, replace, setAttr, setText } from "./dom.js";
import { Charts, Totals } from "./overview.js";
import { behind, bytes, count, flowLink, plural, rate } from "./format.js";
import { Paged, partitionColumns, topicColumns } from "./paged.js";
import { Problems, problemsOf } from "./problems.js";
import { Table, bar, link, state } from "./table.js";

const order = ["unhealthy", "waiting", "draining", "starting", "paused", "running", "stopped"];
const keys = {
  state: (f) => -order.indexOf(f.state), name: (f) => f.name, from: (f) => f.from, to: (f) => f.to, topics: (f) => f.topics,
  partitions: (f) => f.partitions, record_rate: (f) => f.record_rate, byte_rate: (f) => f.byte_rate, lag_records: (f) => f.lag_records, lag_seconds: (f) => f.lag_seconds,
};

export class Flows {
  constructor({ params }) {
    this.title = "Flows";
    this.sort = { by: "state", up: false };
    this.only = "";
    this.find = h("input", { type: "search", placeholder: "Find by name or cluster", "aria-label": "Find flows by name or cluster", value: params.get("q") || "", oninput: () => this.draw() });
    this.buttons = [["", "All"], ["unhealthy", "Unhealthy"], ["waiting", "Waiting"], ["running", "Running"], ["lagging", "Lagging"]].map(([what, label]) =>
      h("button", { type: "button", "aria-pressed": String(what === ""), "data-what": what, text: label, onclick: () => this.choose(what) }));
    this.most = 0;
    this.table = new Table({
      label: "Flows", tall: true, empty: "No flow is like that.", sort: this.sort, onsort: (by) => this.order(by),
      columns: [
        link("Flow", "name", (f) => f.name, (f) => flowLink(f.name)), state("state"),
        { label: "From", sort: "from", text: (f) => f.from }, { label: "To", sort: "to", text: (f) => f.to },
        { label: "Topics", sort: "topics", num: true, text: (f) => count(f.topics) }, { label: "Partitions", sort: "partitions", num: true, text: (f) => count(f.partitions) },
        { label: "Records/s", sort: "record_rate", num: true, text: (f) => rate(f.record_rate) }, { label: "Bytes/s", sort: "byte_rate", num: true, text: (f) => bytes(f.byte_rate) },
        bar("Lag", "lag_records", (f) => f.lag_records, (f) => count(f.lag_records), () => this.most, (f) => f.state === "unhealthy"),
        { label: "Behind", sort: "lag_seconds", num: true, text: behind },
      ],
    });
    const { el, side } = card("All flows", this.table.el);
    this.side = side;
    setAttr(this.side, "aria-live", "polite");
    el.insertBefore(h("div", { class: "body filters" }, this.find, this.buttons), this.table.el);
    this.el = h("div", { class: "stack" }, h("h1", { class: "offscreen", text: "Flows" }), el);
    this.flows = [];
  }
  choose(what) {
    this.only = what;
    for (const b of this.buttons) setAttr(b, "aria-pressed", String(b.dataset.what === what));
    this.draw();
  }
  order(by) {
    this.sort = { by, up: this.sort.by === by ? !this.sort.up : typeof keys[by]({ name: "", from: "", to: "" }) === "string" };
    this.table.sorted(this.sort);
    this.draw();
  }
  update({ status }) {
    if (!status) return;
    this.flows = status.flows;
    this.draw();
  }
  draw() {
    const words = this.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (f) => words.every((w) => (f.name + " " + f.from + " " + f.to).toLowerCase().includes(w)) &&
      (this.only === "" || (this.only === "lagging" ? f.lag_records > 0 : f.state === this.only));
    const key = keys[this.sort.by], way = this.sort.up ? 1 : -1;
    const rows = this.flows.filter(fits).sort((a, b) => {
      const x = key(a), y = key(b);
      return way * (typeof x === "string" ? x.localeCompare(y) : x - y) || a.name.localeCompare(b.name);
    });
    this.most = Math.max(0, ...rows.map((f) => f.lag_records));
    setText(this.side, rows.length === this.flows.length ? plural(rows.length, "flow") : `${count(rows.length)} of ${plural(this.flows.length, "flow")}`);
    this.table.update(rows);
  }
}

// What part of the work this process has, where others have the rest.
const shared = (g) => !g || g.alone || (g.member && g.members === 1) ? "" : !g.member ? ` · no share of the work in group ${g.name} yet` :
  ` · ${Math.round(100 * g.share)} % of the work, ${g.members} processes in group ${g.name}${g.leader ? ", this one leads" : ""}`;

export class Flow {
  constructor({ parts: [name], failed }) {
    this.name = name;
    this.title = name;
    this.state = h("span");
    this.ends = h("span", { class: "muted" });
    this.problems = new Problems("This flow runs. Nothing needs attention.");
    this.totals = new Totals();
    this.charts = new Charts();
    this.way = h("ol", { class: "way" });
    this.why = h("p", { class: "muted" });
    this.find = h("input", { type: "search", placeholder: "Find topics", "aria-label": "Find topics of this flow", oninput: () => { this.topics.offset = 0; this.topics.load(); } });
    this.topics = new Paged({
      title: "Topics", path: "topics", list: "topics", sort: "lag_records", empty: "No topic is copied so far.", failed,
      columns: topicColumns(false), query: () => ({ flow: name, topic: this.find.value }),
    });
    this.topics.el.insertBefore(h("div", { class: "body filters" }, this.find), this.topics.table.el);
    this.el = h("div", { class: "stack" },
      h("p", { class: "crumbs" }, h("a", { href: "#/flows", text: "Flows" }), " / "),
      h("div", { class: "title" }, h("h1", { text: name }), this.state, this.ends), this.problems.el,
      h("div", { class: "tiles" }, this.totals.all), card("What becomes of records", h("div", { class: "body" }, this.way, this.why)).el,
      this.topics.el, this.charts.el);
    this.drawn = "";
  }
  update({ status, graph, history }) {
    const f = status?.flows.find((x) => x.name === this.name);
    if (status && !f) {
      replace(this.state, pill("stopped"));
      setText(this.ends, "There is no such flow any more.");
      return;
    }
    if (!f) return;
    if (this.shown !== f.state) replace(this.state, pill((this.shown = f.state)));
    setText(this.ends, `from ${f.from} to ${f.to} · ${plural(f.topics, "topic")}, ${plural(f.partitions, "partition")}${shared(f.group)}`);
    this.problems.update(problemsOf(status, this.name));
    const series = history.flows.get(this.name) || history.all;
    this.totals.update([f], series);
    this.charts.update(series);
    this.drawWay(graph, f);
    this.topics.load();
  }
  drawWay(graph, f) {
    const path = graph?.paths.find((p) => p.flow === this.name);
    if (!path) return;
    const text = JSON.stringify([path, f.reencoded_batches]);
    if (text === this.drawn) return;
    this.drawn = text;
    const nodes = path.nodes.map((id) => graph.nodes.find((n) => n.id === id)).filter(Boolean);
    replace(this.way, nodes.map((n) => h("li", {}, h("div", { class: "kind", text: n.kind + (n.cluster ? " " + n.cluster : n.stage ? " " + n.stage : "") }), h("div", { class: "name", text: n.text }))));
    const recoded = Object.entries(f.reencoded_batches || {}).map(([why, n]) => `${count(n)} (${why})`).join(", ");
    replace(this.why, h("span", { class: "chip mode", text: path.mode }), " " + path.why.map((w) => w.text).join("; ") + (recoded ? ". Batches built anew so far: " + recoded : ""));
  }
}

export class Topics {
  constructor({ failed }) {
    this.title = "Topics";
    this.find = h("input", { type: "search", placeholder: "Find topics by name", "aria-label": "Find topics by name", oninput: () => { this.list.offset = 0; this.list.load(); } });
    this.list = new Paged({
      title: "All topics", path: "topics", list: "topics", sort: "lag_records", empty: "No such topic is copied.", failed,
      columns: topicColumns(true), query: () => ({ topic: this.find.value }),
    });
    this.list.el.insertBefore(h("div", { class: "body filters" }, this.find), this.list.table.el);
    this.el = h("div", { class: "stack" }, h("h1", { class: "offscreen", text: "Topics" }), this.list.el);
  }
  update() {
    this.list.load();
  }
}

export class Topic {
  constructor({ parts: [flow, topic], failed }) {
    this.title = topic;
    this.list = new Paged({
      title: "Partitions", path: "lag", list: "partitions", sort: "topic", empty: "No partition is copied so far.", failed,
      columns: partitionColumns, query: () => ({ flow, topic }),
    });
    const show = this.list.show.bind(this.list);
    this.list.show = (got) => { // the server finds by a part of the name
      got.partitions = got.partitions.filter((p) => p.topic === topic);
      setText(this.to, got.partitions[0] ? "is " + got.partitions[0].target_topic + " on the target" : "");
      this.problems.update(got.partitions.filter((p) => p.cause).map((p) => ({
        key: p.cause, level: "bad", text: p.cause, fix: "", flows: new Set([flow]), places: new Set([`${topic}[${p.partition}]`]),
      })).slice(0, 5));
      show(got);
    };
    this.to = h("span", { class: "muted" });
    this.problems = new Problems("");
    this.el = h("div", { class: "stack" },
      h("p", { class: "crumbs" }, h("a", { href: "#/flows", text: "Flows" }), " / ", h("a", { href: flowLink(flow), text: flow }), " / "),
      h("div", { class: "title" }, h("h1", { text: topic }), this.to), this.problems.el, this.list.el);
  }
  update() {
    this.list.load();
  }
}
