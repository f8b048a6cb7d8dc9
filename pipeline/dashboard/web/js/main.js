// The page: which view is shown, what is asked for how often, and the tools above.

import { Refused, ask, hasToken, setToken } from "./api.js";
import { replace, setAttr, setText } from "./dom.js";
import { Events } from "./events.js";
import { Flow, Flows, Topic, Topics } from "./flows.js";
import { ago, plural } from "./format.js";
import { History } from "./history.js";
import { Overview } from "./overview.js";
import { problemsOf } from "./problems.js";
import { theme } from "./theme.js";

const every = 2000; // ms between two looks
const views = { "": Overview, flows: Flows, flow: Flow, topics: Topics, topic: Topic, events: Events };
const $ = (id) => document.getElementById(id);

const state = { info: null, status: null, graph: null, events: [], history: new History(), since: 0, revision: -1 };
let view = null;

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...parts] = path.split("/").map(decodeURIComponent);
  const View = views[name] || Overview;
  view = new View({ parts, params: new URLSearchParams(query), failed });
  for (const a of document.querySelectorAll("nav a")) {
    const here = a.dataset.view === (name || "overview") || (name === "flow" || name === "topic") && a.dataset.view === "flows";
    setAttr(a, "aria-current", here ? "page" : null);
  }
  replace($("content"), view.el);
  view.update(state);
  title();
}

function title() {
  const n = state.status ? problemsOf(state.status).filter((p) => p.level === "bad").length : 0;
  const text = (n ? `(${n}) ` : "") + (view.title === "Overview" ? "Strait" : view.title + " – Strait");
  if (document.title !== text) document.title = text;
}

// look asks for all that the page shows.
async function look() {
  try {
    if (!state.info) await introduce();
    const status = await ask("status");
    announce(state.status, status);
    state.status = status;
    state.history.add(status);
    const revision = status.reload ? status.reload.revision : 0;
    if (!state.graph || revision !== state.revision) {
      state.graph = await ask("graph").catch((err) => (err instanceof Refused && err.code === 404 ? { clusters: [], nodes: [], paths: [] } : Promise.reject(err)));
      state.revision = revision;
    }
    const { events } = await ask("events", { after: state.since, limit: 1000 });
    if (events.length) {
      state.since = events.at(-1).id;
      state.events = [...state.events, ...events].slice(-1000);
    }
    view.update(state);
    title();
    online();
  } catch (err) {
    failed(err);
  }
}

async function introduce() {
  const info = await ask("info");
  state.info = info;
  setText($("about"), `Strait ${info.version} · running for ${ago(info.started)} · all of this is at /api/v1/openapi.json`);
  $("reload").hidden = !(info.reload && info.may_change);
  $("unlock").hidden = !info.token_known;
  setText($("unlock"), info.may_change ? "Lock" : "Unlock");
}

function online() {
  setAttr($("live"), "class", "live on");
  setText($("live-text"), "Live");
  const r = state.status.reload;
  $("revision").hidden = !r;
  if (!r) return;
  setText($("revision"), `revision ${r.revision}` + (r.successful ? "" : ", edit refused"));
  setAttr($("revision"), "class", r.successful ? "chip" : "chip bad");
  setAttr($("revision"), "title", r.successful ? "applied " + r.applied : r.error);
}

function failed(err) {
  setAttr($("live"), "class", "live off");
  setText($("live-text"), err instanceof Refused && err.code === 401 ? "Locked" : "No connection");
  if (err instanceof Refused && err.code === 401) {
    if (hasToken()) setText($("token-error"), "This token is not accepted.");
    setToken("");
    unlock();
  } else {
    state.info = null; // it may be another process when it answers again
  }
}

// announce tells those who hear the page what became of flows.
function announce(before, now) {
  if (!before) return;
  const was = new Map(before.flows.map((f) => [f.name, f.state]));
  const changed = now.flows.filter((f) => was.has(f.name) && was.get(f.name) !== f.state);
  if (changed.length === 0) return;
  setText($("announce"), changed.length > 3 ? plural(changed.length, "flow") + " changed state" : changed.map((f) => `${f.name} is ${f.state}`).join(", "));
}

function toast(text, bad) {
  $("toast").hidden = false;
  $("toast").className = bad ? "bad" : "";
  setText($("toast"), text);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 9000);
}

function unlock() {
  if (!$("token").open) $("token").showModal();
}

async function useToken() {
  setToken($("token-value").value.trim());
  $("token-value").value = "";
  state.info = null;
  try {
    await introduce();
    setText($("token-error"), state.info.may_change ? "" : "This token is not accepted.");
    if (state.info.may_change) $("token").close();
    look();
  } catch (err) {
    setToken("");
    setText($("token-error"), err.message.includes("token") ? "This token is not accepted." : err.message);
  }
}

$("reload").addEventListener("click", async () => {
  $("reload").disabled = true;
  try {
    const { reload } = await ask("reload", {}, "POST");
    toast(`The topology was read again: revision ${reload.revision} runs.`);
  } catch (err) {
    toast("Not applied: " + err.message, true);
  }
  $("reload").disabled = false;
  look();
});
$("unlock").addEventListener("click", () => {
  if (!state.info?.may_change) return unlock();
  setToken("");
  introduce().catch(failed);
});
$("token-form").addEventListener("submit", (e) => {
  e.preventDefault();
  useToken();
});
$("token-cancel").addEventListener("click", () => $("token").close());
addEventListener("hashchange", () => {
  route();
  $("content").focus({ preventScroll: true });
  scrollTo(0, 0);
});

theme($("theme"));
route();
// One look after the other, and none while nobody looks.
(async function live() {
  if (!document.hidden) await look();
  setTimeout(live, every);
})();
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
