// The first view: problems, totals, the picture, charts.

import { h, card, setAttr, setText } from "./dom.js";
import { Chart, newSpark, spark } from "./chart.js";
import { bytes, count, plural, rate, span } from "./format.js";
import { Topology } from "./graph.js";
import { total } from "./history.js";
import { Problems, problemsOf } from "./problems.js";

export class Tile {
  constructor(label, unit) {
    this.value = h("span");
    this.note = h("div", { class: "note" });
    this.spark = newSpark();
    this.el = h("div", { class: "card tile" }, h("div", { class: "label", text: label }),
      h("div", { class: "value" }, this.value, unit && h("small", { text: unit })), this.note, this.spark);
  }
  update(value, note, points) {
    setText(this.value, value);
    setText(this.note, note || "");
    if (points) spark(this.spark, points);
  }
}

// Totals are the four numbers that say how it goes.
export class Totals {
  constructor() {
    this.records = new Tile("Throughput", "records/s");
    this.bytes = new Tile("Bandwidth", "per second");
    this.lag = new Tile("Lag", "records");
    this.time = new Tile("Behind, at most");
    this.all = [this.records, this.bytes, this.lag, this.time].map((t) => t.el);
  }
  update(flows, series) {
    const t = total(flows);
    const known = flows.filter((f) => f.lag_records >= 0);
    this.records.update(rate(t.records), count(flows.reduce((n, f) => n + f.records, 0)) + " since the start", series.points("records"));
    this.bytes.update(bytes(t.bytes), bytes(flows.reduce((n, f) => n + f.bytes, 0)) + " since the start", series.points("bytes"));
    const missing = flows.length - known.length;
    this.lag.update(known.length ? count(t.lag) : "–", missing && flows.length > 1 ? `not known of ${plural(missing, "flow")}` : known.length ? "readable, not on the target yet" : "not known yet", series.points("lag"));
    const slowest = known.reduce((a, f) => (f.lag_seconds > (a?.lag_seconds || 0) ? f : a), null);
    this.time.update(known.length ? span(t.seconds) : "–", slowest && flows.length > 1 ? slowest.name : known.some((f) => f.lag_seconds_estimated) ? "estimated by timestamps" : "", series.points("seconds"));
  }
}

export class Charts {
  constructor() {
    this.rate = new Chart("Throughput in records per second", rate);
    this.lag = new Chart("Lag in records", count);
    this.time = new Chart("Lag in time", span);
    this.size = new Chart("Bandwidth in bytes per second", bytes);
    const box = (title, chart) => card(title, h("div", { class: "body" }, chart.el)).el;
    this.el = h("div", { class: "halves" }, box("Throughput", this.rate), box("Lag", this.lag), box("Bandwidth", this.size), box("Behind", this.time));
  }
  update(series) {
    this.rate.update(series.points("records"));
    this.lag.update(series.points("lag"));
    this.size.update(series.points("bytes"));
    this.time.update(series.points("seconds"));
  }
}

export class Overview {
  constructor() {
    this.title = "Overview";
    this.problems = new Problems("Everything runs. Nothing needs attention.");
    this.health = new Tile("Flows running");
    setAttr(this.health.spark, "visibility", "hidden");
    this.totals = new Totals();
    this.topology = new Topology();
    this.charts = new Charts();
    const picture = card("Topology", h("div", { class: "body" }, this.topology.el));
    this.side = picture.side;
    this.el = h("div", { class: "stack" }, h("h1", { class: "offscreen", text: "Overview" }), this.problems.el,
      h("div", { class: "tiles" }, this.health.el, this.totals.all), picture.el, this.charts.el);
  }
  update({ status, graph, history }) {
    if (!status) return;
    const flows = status.flows;
    this.problems.update(problemsOf(status));
    const running = flows.filter((f) => f.state === "running").length;
    const others = Object.entries(Object.groupBy(flows.filter((f) => f.state !== "running"), (f) => f.state)).map(([state, list]) => `${list.length} ${state}`);
    this.health.update(`${count(running)} of ${count(flows.length)}`, others.join(", ") || plural(flows.reduce((n, f) => n + f.topics, 0), "topic") + ", " + plural(flows.reduce((n, f) => n + f.partitions, 0), "partition"));
    this.totals.update(flows, history.all);
    if (graph) {
      this.topology.update(graph, flows);
      setText(this.side, `${plural(graph.clusters.length, "cluster")}, ${plural(flows.length, "flow")}`);
    }
    this.charts.update(history.all);
  }
}
