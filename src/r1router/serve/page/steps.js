// The steps of a run, as far as they have come, to a list that grows.

import { FoldedEvidence } from "./evidence.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { Routes } from "./routes.js";
import { count } from "./said.js";
import { holds, pattern } from "./words.js";

const LONG = 120; // characters from which an answer is not set in bold

export function Steps({ run, onStop }) {
  return html`
    <ol class="steps">
      ${run.steps.map((step, n) => html`<${Step} key=${n} step=${step} index=${n} run=${run} />`)}
      ${run.status === "running" && html`<${Waiting} key="waiting" run=${run} onStop=${onStop} />`}
    </ol>
  `;
}

function Step({ step, index, run }) {
  const enough = step.phase === "enough";
  return html`
    <li class=${`step ${enough ? "step-enough" : ""}`} data-phase=${step.phase}>
      <div class="step-number" aria-hidden="true">${enough ? html`<${Icon} name="check" />` : index + 1}</div>
      <div class="step-body">
        <h2 class="sub-question">
          <span class="visually-hidden">Step ${index + 1}: </span>
          ${enough ? "Nothing more to look up" : step.sub_question}
        </h2>
        <${Malformed} replies=${run.malformed.filter((reply) => reply.step === index)} />
        ${!enough && html`<${Routes} step=${step} cards=${run.cards} />`}
        <${Thought} text=${step.thought} />
        ${step.note && html`<p class="step-note"><${Icon} name="warning" />${step.note}</p>`}
        ${run.status === "done" && step.phase === "searching" && html`<p class="faint">This was not searched any more.</p>`}
        ${["reading", "done"].includes(step.phase) && html`<${Found} step=${step} cards=${run.cards} />`}
        ${step.answer &&
        html`<div class="step-answer">
          <span class="step-answer-label">Answer of this step</span>
          <p class=${step.answer.length > LONG ? "long" : ""}>${step.answer}</p>
          <${Thought} text=${step.answer_thought} />
        </div>`}
      </div>
    </li>
  `;
}

export const Thought = ({ text }) =>
  text &&
  html`<details class="thought">
    <summary>Thought</summary>
    <p>${text}</p>
  </details>`;

/** The piece that tells most, and the others folded under it. */
function Found({ step, cards }) {
  const { evidence = [], sub_question = "", answer = "" } = step;
  if (!evidence.length) return html`<p class="step-note"><${Icon} name="warning" />Nothing was found.</p>`;
  const marks = pattern(sub_question, answer);
  const computed = evidence.find(({ result }) => result);
  const telling = evidence.findIndex(({ text }) => holds(text, marks.phrase));
  const numbered = evidence.map((piece, n) => ({ piece, n }));
  const [shown] = numbered.splice(Math.max(telling, 0), 1);
  const show = ({ piece, n }) => html`
    <${FoldedEvidence}
      key=${`${piece.kb}/${piece.id}`}
      evidence=${piece}
      number=${n + 1}
      kind=${cards[piece.kb]?.kind}
      pattern=${marks}
      open=${n === shown.n}
      note=${piece.result ? "computed" : ""}
      rows=${computed?.record && piece.kb === computed.kb && piece.record === computed.record ? computed.result.source_rows : []}
    />
  `;
  return html`
    <div class="found">
      ${show(shown)}
      ${numbered.length > 0 &&
      html`<details class="thought">
        <summary>${count(numbered.length, "other piece")} of evidence</summary>
        <div class="found">${numbered.map(show)}</div>
      </details>`}
    </div>
  `;
}

const Malformed = ({ replies }) =>
  replies.map(
    ({ reason, reply }, n) => html`
      <details class="thought malformed" key=${n}>
        <summary><${Icon} name="warning" />A reply was not in the asked form, so it was asked again</summary>
        <p>${reason}</p>
        <pre>${reply}</pre>
      </details>
    `,
  );

function Waiting({ run, onStop }) {
  const early = run.malformed.filter((reply) => reply.step === run.steps.length);
  return html`
    <li class="step step-waiting">
      <div class="step-number" aria-hidden="true"><span class="spinner"></span></div>
      <div class="step-body">
        <div class="waiting">
          <p class="waiting-text">${busyWith(run)}</p>
          <button type="button" class="quiet small" onClick=${onStop}>Stop</button>
        </div>
        <${Malformed} replies=${early} />
      </div>
    </li>
  `;
}

/** What the server is doing now, in a few words. */
export function busyWith(run) {
  const step = run.steps.at(-1);
  if (run.before && !run.steps.length) return `${count(run.before, "question")} ${run.before === 1 ? "is" : "are"} before yours…`;
  switch (run.stage) {
    case "start":
      return "Sending the question…";
    case "search":
      return `Searching ${(step.routes ?? []).join(" and ") || "…"}…`;
    case "read":
      return `Reading ${count((step.evidence ?? []).length, "piece")} of evidence…`;
    case "final":
      return "Writing the answer…";
    default:
      return run.steps.length ? "Deciding what to do next…" : "Planning the first step…";
  }
}
