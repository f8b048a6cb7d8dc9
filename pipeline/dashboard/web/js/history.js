// What charts show: the last samples of every flow and of all of them, kept while
// the page is open.

const most = 450; // samples: 15 minutes at one in two seconds

class Series {
  constructor() {
    this.at = [];
    this.values = { records: [], bytes: [], lag: [], seconds: [] };
  }
  add(at, sample) {
    this.at.push(at);
    for (const [name, list] of Object.entries(this.values)) list.push(sample[name]);
    if (this.at.length > most + 60) { // moved seldom
      this.at = this.at.slice(-most);
      for (const name of Object.keys(this.values)) this.values[name] = this.values[name].slice(-most);
    }
  }
  // points are [time, value] of one thing.
  points(name) {
    return this.at.map((at, i) => [at, this.values[name][i]]);
  }
}

export class History {
  constructor() {
    this.flows = new Map();
    this.all = new Series();
  }
  add(snapshot) {
    const at = +new Date(snapshot.time);
    const seen = new Set();
    for (const f of snapshot.flows) {
      seen.add(f.name);
      if (!this.flows.has(f.name)) this.flows.set(f.name, new Series());
      this.flows.get(f.name).add(at, sampleOf(f));
    }
    for (const name of this.flows.keys()) if (!seen.has(name)) this.flows.delete(name);
    this.all.add(at, total(snapshot.flows));
  }
}

const sampleOf = (f) => ({
  records: f.record_rate, bytes: f.byte_rate, lag: Math.max(0, f.lag_records), seconds: f.lag_records < 0 ? 0 : f.lag_seconds,
});

// total sums flows up; the lag in time is that of the slowest.
export function total(flows) {
  const t = { records: 0, bytes: 0, lag: 0, seconds: 0 };
  for (const f of flows.map(sampleOf)) {
    t.records += f.records;
    t.bytes += f.bytes;
    t.lag += f.lag;
    t.seconds = Math.max(t.seconds, f.seconds);
  }
  return t;
}
