// Numbers, times and names as people read them.

const grouped = new Intl.NumberFormat("en-US");

export function count(n) {
  if (n === undefined || n < 0) return "–";
  if (n < 100000) return grouped.format(Math.round(n));
  return scaled(n, ["", " k", " M", " G", " T"]);
}

// exact is for offsets, which people compare digit by digit.
export const exact = (n) => (n < 0 ? "–" : grouped.format(n));
export const bytes = (n) => scaled(n, [" B", " kB", " MB", " GB", " TB"]);
export const rate = (n) => (n > 0 && n < 10 ? n.toFixed(1) : count(n));

function scaled(n, units) {
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return (i === 0 ? Math.round(n) : n.toFixed(1).replace(/\.0$/, "")) + units[i];
}

export function span(seconds) {
  if (seconds < 0.05) return "0 s";
  if (seconds < 10) return seconds.toFixed(1) + " s";
  if (seconds < 120) return Math.round(seconds) + " s";
  if (seconds < 7200) return Math.round(seconds / 60) + " min";
  if (seconds < 172800) return Math.round(seconds / 3600) + " h";
  return Math.round(seconds / 86400) + " days";
}

// behind is the lag of a flow, topic or partition in time.
export function behind(x) {
  if (x.lag_records < 0) return "–";
  return (x.lag_seconds_estimated ? "about " : "") + span(x.lag_seconds);
}

export const ago = (at, now = Date.now()) => span(Math.max(0, (now - new Date(at)) / 1000));
export const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
export const plural = (n, word) => count(n) + " " + word + (n === 1 ? "" : "s");
export const flowLink = (name) => "#/flow/" + encodeURIComponent(name);
export const topicLink = (flow, topic) => "#/topic/" + encodeURIComponent(flow) + "/" + encodeURIComponent(topic);
