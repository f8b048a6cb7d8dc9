// The one place that asks the server; it asks nobody else.

const key = "strait-token";
let token = sessionStorage.getItem(key) || "";

export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

export function setToken(value) {
  token = value;
  if (value) sessionStorage.setItem(key, value);
  else sessionStorage.removeItem(key);
}

export const hasToken = () => token !== "";

export async function ask(path, query = {}, method = "GET") {
  const q = new URLSearchParams(Object.entries(query).filter(([, v]) => v !== "" && v !== undefined)).toString();
  const headers = { "X-Strait-Request": "1" };
  if (token) headers.Authorization = "Bearer " + token;
  const answer = await fetch("/api/v1/" + path + (q ? "?" + q : ""), {
    method, headers, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(method === "GET" ? 10000 : 60000),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.error || body.reload?.error || answer.statusText);
  return body;
}
