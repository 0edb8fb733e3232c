// The server's HTTP interface as functions; what it refuses becomes an ApiError with its own words.

import { readEvents } from "./sse.js";

const KEY = "r1router.key";

export class ApiError extends Error {
  constructor(message, { status = 0, type = "", retryAfter = 0 } = {}) {
    super(message);
    this.status = status; // of HTTP; 0 where the server was not reached or broke off
    this.type = type;
    this.retryAfter = retryAfter; // seconds
  }
}

let askForKey = async () => null;

/** `ask` is called when the server wants a key: it resolves to the key, or to null where the person declines. */
export function onKeyWanted(ask) {
  askForKey = ask;
}

export const key = () => sessionStorage.getItem(KEY) ?? "";

export const forgetKey = () => sessionStorage.removeItem(KEY);

export function headers() {
  return key() ? { Authorization: `Bearer ${key()}` } : {};
}

/** Events of a question: {name, data}. Ends early, without an error, when `signal` aborts. */
export async function* ask(question, { signal }) {
  const response = await send("v1/ask", { method: "POST", json: question, signal });
  yield* following(response, signal);
}

/** An answer that the server keeps: {id, at, trajectory, kbs}. */
export const getAnswer = (id) => read(`v1/answers/${encodeURIComponent(id)}`);

/** Tells the server that an answer was right or wrong, and the right one where it is known. */
export const rateAnswer = (id, { right, answer = "" }) =>
  send(`v1/answers/${encodeURIComponent(id)}/rating`, { method: "POST", json: { right, answer } });

/** {model, good_for, method, version} of the server. */
export const getAbout = () => read("v1/about");

/** Questions made from what the knowledge bases hold: [{kb, question}]. */
export const listExamples = async () => (await read("v1/examples")).examples;

/** {kbs, may_be_changed}. */
export const listKbs = () => read("v1/kbs");

/** Makes an empty one. */
export const makeKb = (made) => read("v1/kbs", { method: "POST", json: made });

/** `change`: those of {name, holds, label, details} that are to be others. */
export const changeKb = (kb, change) => read(`v1/kbs/${encodeURIComponent(kb)}`, { method: "PATCH", json: change });

export const removeKb = (kb) => send(`v1/kbs/${encodeURIComponent(kb)}`, { method: "DELETE" });

/** Evidence, best first, for words, a picture (a data URL), or both; `least`: the similarity that each must have. */
export async function search(kb, { text = "", image, where = "", least = null, mode = "fused", k = 10 }) {
  const json = { text, k, mode, ...(image && { image }), ...(where && { where }), ...(least && { at_least: least }) };
  return (await read(`v1/kbs/${encodeURIComponent(kb)}/search`, { method: "POST", json })).results;
}

/** `where`: a filter; only sources that fit. */
export const listSources = (kb, { offset = 0, limit = 20, where = "" } = {}) =>
  read(`v1/kbs/${encodeURIComponent(kb)}/sources?${new URLSearchParams({ offset, limit, ...(where && { where }) })}`);

/** {entries, offset, total} of a source: from `offset`, or the ones around the entry `at`. */
export const listEntries = (kb, source, { at = "", row, offset = 0, limit = 50 } = {}) =>
  read(`v1/kbs/${encodeURIComponent(kb)}/entries?${new URLSearchParams({ source, at, offset, limit, ...(row != null && { row }) })}`);

/** The file that a source was read from, as a blob. */
export const fetchFile = async (kb, source) =>
  (await send(`v1/kbs/${encodeURIComponent(kb)}/files/${source.split("/").map(encodeURIComponent).join("/")}`)).blob();

/** Resolves to the id of the job that removes it. */
export async function deleteSource(kb, source) {
  const path = `v1/kbs/${encodeURIComponent(kb)}/sources/${encodeURIComponent(source)}`;
  return (await read(path, { method: "DELETE" })).job;
}

/** Names of the methods; in OpenAI's protocol they are models, "r1router/NAME". */
export async function listMethods() {
  const ids = (await read("v1/models")).data.map(({ id }) => id);
  return ids.filter((id) => id.includes("/")).map((id) => id.slice(id.indexOf("/") + 1));
}

export async function fetchPicture(url) {
  return (await send(url)).blob();
}

/** Sends one file; `onSent` gets the part that is sent, 0 to 1. Resolves to the id of the job that indexes it. */
export async function upload(file, { as = "", name = "", onSent, signal }) {
  const form = new FormData();
  form.append("file", file);
  if (as) form.append("as", as);
  if (name) form.append("name", name);
  const reply = await sendForm("v1/kbs/files", form, { onSent, signal });
  return reply.job;
}

/** The job after each change: {state, progress, report}; state ends as done or failed. */
export async function* followJob(id) {
  const response = await send(`v1/jobs/${encodeURIComponent(id)}/events`);
  for await (const { data } of following(response)) yield data;
}

/** The report of a job when it is done. Throws what it failed with. */
export async function jobDone(id) {
  let job = { state: "" };
  for await (job of followJob(id));
  if (job.state === "done") return job.report;
  throw new ApiError(job.report?.error?.message ?? "The connection broke before it was done.");
}

async function* following(response, signal) {
  try {
    yield* readEvents(response.body);
  } catch (error) {
    if (signal?.aborted) return;
    throw new ApiError("The connection to the server broke.", { type: error.name });
  }
}

async function read(path, options) {
  return (await send(path, options)).json();
}

async function send(path, { method = "GET", json, signal } = {}) {
  for (;;) {
    const used = key();
    const response = await reach(path, {
      method,
      signal,
      headers: { ...headers(), ...(json && { "Content-Type": "application/json" }) },
      body: json && JSON.stringify(json),
    });
    if (response.ok) return response;
    if (response.status !== 401 || !(await newKey(used))) throw await refusal(response);
  }
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached. Is it still running?");
  }
}

async function refusal(response) {
  const body = await response.text();
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return errorFrom(response.status, body, retryAfter);
}

function errorFrom(status, body, retryAfter = 0) {
  let error = {};
  try {
    error = JSON.parse(body).error ?? {};
  } catch {
    // not from our server: a proxy's page, say
  }
  return new ApiError(error.message ?? `The server answered with status ${status}.`, { status, type: error.type, retryAfter });
}

/** Whether there is now a key that was not tried yet. */
async function newKey(used) {
  if (key() !== used) return true; // another request has asked for it meanwhile
  const given = await askForKey(Boolean(used));
  if (given) sessionStorage.setItem(KEY, given);
  return Boolean(given);
}

/** XMLHttpRequest, because fetch does not tell how much of a body is sent. */
async function sendForm(path, form, { onSent, signal }) {
  for (;;) {
    const used = key();
    const { status, text, retryAfter } = await new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", path);
      for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
      request.upload.onprogress = (sent) => sent.lengthComputable && onSent(sent.loaded / sent.total);
      request.onerror = () => reject(new ApiError("The connection broke while the file was sent."));
      request.onabort = () => reject(new DOMException("aborted", "AbortError"));
      request.onload = () =>
        resolve({
          status: request.status,
          text: request.responseText,
          retryAfter: Number(request.getResponseHeader("Retry-After")) || 0,
        });
      signal?.addEventListener("abort", () => request.abort());
      request.send(form);
    });
    if (status < 400) return JSON.parse(text);
    if (status !== 401 || !(await newKey(used))) throw errorFrom(status, text, retryAfter);
  }
}
