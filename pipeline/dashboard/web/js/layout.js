// Where clusters and the ways between them are in the picture.

export const nodeWidth = 168, nodeHeight = 66, labelWidth = 168, labelHeight = 42;
const mostNodes = 16; // more of them nobody can read

// pairs sums flows up by the clusters they lead from and to.
export function pairs(graph, flows) {
  const known = new Map(flows.map((f) => [f.name, f]));
  const all = new Map();
  const worst = ["off", "stopped", "running", "paused", "starting", "draining", "waiting", "unhealthy"];
  const add = (from, to, name, f, enabled) => {
    const key = JSON.stringify([from, to]);
    if (!all.has(key)) all.set(key, { key, from, to, flows: [], state: "off", records: 0, bytes: 0, lag: -1, seconds: 0, estimated: false, problems: 0 });
    const p = all.get(key);
    p.flows.push(name);
    const state = f ? f.state : enabled ? "starting" : "off";
    if (worst.indexOf(state) > worst.indexOf(p.state)) p.state = state;
    if (!f) return;
    p.records += f.record_rate;
    p.bytes += f.byte_rate;
    p.problems += (f.problems || []).length;
    if (f.lag_records >= 0) p.lag = Math.max(0, p.lag) + f.lag_records;
    if (f.lag_seconds > p.seconds) [p.seconds, p.estimated] = [f.lag_seconds, f.lag_seconds_estimated];
  };
  for (const p of graph.paths) {
    add(p.from, p.to, p.flow, known.get(p.flow), p.enabled);
    known.delete(p.flow);
  }
  for (const f of known.values()) add(f.from, f.to, f.name, f, true); // heartbeats alone
  return [...all.values()];
}

// choose returns the clusters to draw, those with most to tell first, and how many
// are left out.
function choose(clusters, ways) {
  const weight = new Map(clusters.map((c) => [c.alias, 0]));
  for (const w of ways) {
    const trouble = w.state === "unhealthy" || w.state === "waiting" ? 1e6 : 0;
    for (const end of [w.from, w.to]) weight.set(end, (weight.get(end) || 0) + 1 + trouble + w.flows.length);
  }
  const sorted = [...clusters].sort((a, b) => weight.get(b.alias) - weight.get(a.alias));
  const kept = new Set(sorted.slice(0, mostNodes).map((c) => c.alias));
  return { shown: clusters.filter((c) => kept.has(c.alias)), left: clusters.length - kept.size };
}

// columns puts those that are rather read on the left and those that are rather
// written on the right; null where that says nothing, or would be too high.
function columns(clusters, ways) {
  const out = new Map(clusters.map((c) => [c.alias, 0]));
  for (const w of ways) {
    out.set(w.from, out.get(w.from) + 1);
    out.set(w.to, out.get(w.to) - 1);
  }
  const sides = [clusters.filter((c) => out.get(c.alias) > 0), clusters.filter((c) => out.get(c.alias) <= 0)];
  const across = ways.every((w) => sides[0].some((c) => c.alias === w.from) !== sides[0].some((c) => c.alias === w.to));
  return across && sides.every((side) => side.length > 0 && side.length <= 6) ? sides : null;
}

// arrange places clusters: two side by side, a hub in the middle, others around.
export function arrange(clusters, ways) {
  const { shown, left } = choose(clusters, ways);
  const width = 1120, places = new Map();
  if (shown.length <= 2) {
    shown.forEach((c, i) => places.set(c.alias, { x: shown.length === 1 ? width / 2 : 190 + i * (width - 380), y: 150, c }));
    return { width, height: 300, places, left };
  }
  const sides = columns(shown, ways);
  if (sides) {
    const height = 70 + Math.max(...sides.map((side) => side.length)) * 128;
    sides.forEach((side, k) => side.forEach((c, i) => places.set(c.alias, { x: 150 + k * (width - 300), y: ((i + 0.5) / side.length) * height, c })));
    return { width, height, places, left };
  }
  const height = shown.length <= 4 ? 430 : shown.length <= 8 ? 520 : 640;
  const degree = (c) => new Set(ways.flatMap((w) => (w.from === c.alias ? [w.to] : w.to === c.alias ? [w.from] : []))).size;
  const hub = shown.length > 3 ? shown.find((c) => degree(c) >= shown.length - 1 && shown.filter((o) => degree(o) >= shown.length - 1).length === 1) : null;
  if (hub) places.set(hub.alias, { x: width / 2, y: height / 2, c: hub });
  const round = shown.filter((c) => c !== hub);
  const turn = round.length === 3 && !hub ? -Math.PI / 2 : -Math.PI;
  round.forEach((c, i) => {
    const angle = turn + (i / round.length) * 2 * Math.PI;
    places.set(c.alias, { x: width / 2 + Math.cos(angle) * (width / 2 - 110), y: height / 2 + Math.sin(angle) * (height / 2 - 48), c });
  });
  return { width, height, places, left };
}

// curve is the way between two places: beside the one that leads back, and ending
// at the boxes' rims.
export function curve(a, b, bend) {
  const dx = b.x - a.x, dy = b.y - a.y, long = Math.hypot(dx, dy) || 1;
  const off = { x: (-dy / long) * bend, y: (dx / long) * bend };
  const mid = { x: (a.x + b.x) / 2 + off.x * 2, y: (a.y + b.y) / 2 + off.y * 2 };
  const from = rim(a, mid, 4), to = rim(b, mid, 13);
  const at = (t) => ({ x: (1 - t) ** 2 * from.x + 2 * t * (1 - t) * mid.x + t * t * to.x, y: (1 - t) ** 2 * from.y + 2 * t * (1 - t) * mid.y + t * t * to.y });
  return { d: `M${n(from.x)} ${n(from.y)}Q${n(mid.x)} ${n(mid.y)} ${n(to.x)} ${n(to.y)}`, at, label: at(0.5), end: to, angle: (Math.atan2(to.y - mid.y, to.x - mid.x) * 180) / Math.PI };
}

// apart moves labels along their ways until none is upon another or upon a box.
export function apart(curves, places) {
  const taken = [...places].map((p) => ({ x: p.x, y: p.y, w: nodeWidth, h: nodeHeight }));
  const hits = (l) => taken.filter((o) => Math.abs(o.x - l.x) < (o.w + labelWidth) / 2 + 4 && Math.abs(o.y - l.y) < (o.h + labelHeight) / 2 + 4).length;
  for (const c of curves) {
    const tries = [0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75, 0.2].map(c.at);
    c.label = tries.reduce((best, l) => (hits(l) < hits(best) ? l : best), tries[0]);
    taken.push({ ...c.label, w: labelWidth, h: labelHeight });
  }
}

const n = (v) => v.toFixed(1);

// rim is where the line from the middle of a box leaves it.
function rim(box, towards, gap) {
  const dx = towards.x - box.x, dy = towards.y - box.y;
  const scale = Math.min((nodeWidth / 2 + gap) / Math.abs(dx || 1e-9), (nodeHeight / 2 + gap) / Math.abs(dy || 1e-9));
  return { x: box.x + dx * scale, y: box.y + dy * scale };
}
