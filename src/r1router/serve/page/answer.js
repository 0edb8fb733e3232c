// A run's end to the answer with its sources, why it stopped and what it cost; or to what went wrong.

import { FoldedEvidence } from "./evidence.js";
import { Component, html } from "./html.js";
import { Icon } from "./icons.js";
import { Keep } from "./keep.js";
import { count, sayAnswer, sayDoubt, seconds, stageName, stopReason } from "./said.js";
import { Thought } from "./steps.js";
import { pattern } from "./words.js";

const LONG = 160; // characters from which an answer is set like any text

export function Outcome({ run, onAgain, onFollow }) {
  if (run.status === "failed") {
    return html`
      <section class="outcome failure" role="alert">
        <h2><${Icon} name="warning" />This question was not answered</h2>
        <p>${run.error}</p>
        <p><button type="button" class="quiet" onClick=${onAgain}>Try again</button></p>
      </section>
    `;
  }
  if (run.status === "stopped") {
    return html`
      <section class="outcome stopped">
        <h2>Stopped</h2>
        <p>You stopped this after ${seconds(run.seconds)}. The server has stopped working on it too.</p>
        <p><button type="button" class="quiet" onClick=${onAgain}>Ask it again</button></p>
      </section>
    `;
  }
  return html`<${Answer} run=${run} onFollow=${onFollow} />`;
}

class Answer extends Component {
  copy = async () => {
    await navigator.clipboard.writeText(this.props.run.answer.text);
    this.setState({ copied: true });
    setTimeout(() => this.setState({ copied: false }), 1500);
  };

  render({ run, onFollow }, { copied }) {
    const { text = "", thought = "", citations = [], guess = "", nearest } = run.answer ?? {};
    const doubt = sayDoubt(run.answer);
    return html`
      <section class="outcome answer" aria-label="Answer">
        <div class="answer-head">
          <h2>Answer</h2>
          ${navigator.clipboard &&
          html`<button type="button" class="icon-button" onClick=${this.copy} aria-label="Copy the answer">
            <${Icon} name=${copied ? "check" : "copy"} />
          </button>`}
        </div>
        <p class=${`answer-text ${text.length > LONG ? "long" : ""}`}>${sayAnswer(run.answer, "The model gave an empty answer.")}</p>
        ${doubt && html`<p class="ending">${doubt}</p>`}
        ${guess && html`<p class="ending">The model said “${guess}”, which the evidence does not support.</p>`}
        <${Thought} text=${thought} />
        <${Sources} run=${run} citations=${citations} />
        ${nearest && html`<${Nearest} run=${run} evidence=${nearest} />`}
        <p><button type="button" class="quiet small" onClick=${onFollow}>Ask a follow-up</button></p>
        <${Keep} run=${run} />
        <${Cost} run=${run} />
      </section>
    `;
  }
}

function Sources({ run, citations }) {
  if (!citations.length) return null;
  return html`
    <h3>Sources</h3>
    <ol class="sources">
      ${citations.map((evidence, n) => {
        const step = stepOf(run, evidence);
        const marks = pattern(step?.sub_question ?? run.question, step?.answer || run.answer.text);
        return html`
          <li key=${`${evidence.kb}/${evidence.id}`}>
            <${FoldedEvidence}
              evidence=${evidence}
              number=${n + 1}
              kind=${run.cards[evidence.kb]?.kind}
              pattern=${marks}
            />
          </li>
        `;
      })}
    </ol>
  `;
}

function Nearest({ run, evidence }) {
  const marks = pattern(stepOf(run, evidence)?.sub_question ?? run.question);
  return html`
    <h3>Nearest in your files, which may not say it</h3>
    <div class="sources">
      <${FoldedEvidence} evidence=${evidence} kind=${run.cards[evidence.kb]?.kind} pattern=${marks} />
    </div>
  `;
}

const stepOf = (run, { kb, id }) =>
  run.steps.findLast(({ evidence = [] }) => evidence.some((piece) => piece.kb === kb && piece.id === id));

function Cost({ run }) {
  const { prompt_tokens = 0, completion_tokens = 0, calls = 0, retrievals = 0, seconds: stages = {} } = run.usage;
  const facts = [
    ["Stopped because", stopReason(run.stop)],
    ["Time", seconds(run.seconds)],
    ["Tokens", (prompt_tokens + completion_tokens).toLocaleString("en")],
    ["Method", run.method],
    ...(run.model ? [["Model", run.model]] : []),
  ];
  const more = [
    `${prompt_tokens.toLocaleString("en")} tokens read, ${completion_tokens.toLocaleString("en")} written`,
    `${count(calls, "model call")}, ${count(retrievals, "search", "searches")}`,
    ...Object.entries(stages).map(([stage, spent]) => `${stageName(stage)} ${seconds(spent)}`),
  ];
  return html`
    <details class="cost">
      <summary>
        ${facts.map(([name, value]) => html`<span key=${name}><span class="cost-name">${name}</span> ${value}</span>`)}
      </summary>
      <p>${more.join(" · ")}</p>
    </details>
  `;
}
