// Runs that have ended to and from the browser's own storage, and the list of them.

import { html } from "./html.js";
import { Icon } from "./icons.js";
import { when } from "./said.js";

const KEY = "r1router.history";
const KEPT = 50;

export function load() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return []; // another program's, or an older page's
  }
}

/** The history with this run in front, as far as the browser has room for it. */
export function keep(history, run) {
  let runs = [run, ...history.filter(({ id }) => id !== run.id)].slice(0, KEPT);
  while (runs.length) {
    try {
      localStorage.setItem(KEY, JSON.stringify(runs));
      return runs;
    } catch {
      runs = runs.slice(0, -1); // over the browser's quota: the oldest goes
    }
  }
  return runs;
}

export function forget(history, id) {
  const runs = history.filter((run) => run.id !== id);
  localStorage.setItem(KEY, JSON.stringify(runs));
  return runs;
}

export function clear() {
  localStorage.removeItem(KEY);
  return [];
}

/** `isView`: whether it is the view itself and not beside one. */
export function HistoryList({ runs, live, current, onOpen, onForget, onClear, isView }) {
  return html`
    <section class="history" aria-label=${isView ? "Questions" : "History"}>
      <div class="history-head">
        ${isView ? html`<h1>History</h1>` : html`<h2>History</h2>`}
        ${runs.length > 0 && html`<button type="button" class="quiet small" onClick=${onClear}>Clear</button>`}
      </div>
      ${runs.length === 0 && !live && html`<p class="faint">Questions that you ask are kept here, in this browser only.</p>`}
      <ul>
        ${[...(live ? [live] : []), ...runs].map(
          (run) => html`
            <li key=${run.id} class=${run.id === current ? "current" : ""}>
              <button type="button" class="history-item" onClick=${() => onOpen(run)}>
                <span class="history-question">${run.question}</span>
                <span class="faint">${when(run.at)} · ${gist(run)}</span>
              </button>
              ${run !== live &&
              html`<button
                type="button"
                class="icon-button history-forget"
                aria-label=${`Forget: ${run.question}`}
                onClick=${() => onForget(run.id)}
              >
                <${Icon} name="close" />
              </button>`}
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

function gist({ status, answer }) {
  if (status === "running") return "at work";
  if (status === "failed") return "not answered";
  if (status === "stopped") return "stopped";
  return answer?.text || "empty answer";
}
