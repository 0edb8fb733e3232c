// The view in which one asks: the composer, and under it the run that is going on or was opened.

import { Outcome } from "./answer.js";
import { Component, html } from "./html.js";
import { KbChip } from "./routes.js";
import { seconds } from "./said.js";
import { Steps } from "./steps.js";

/** `kbs` is null until the server has said which there are. */
export const Welcome = ({ kbs, about, examples, onAsk }) => html`
  <section class="welcome">
    <p>
      Each question is worked on step by step: a sub-question, the knowledge base that should know, the evidence found
      there, and an answer with its sources.
    </p>
    ${about && html`<p class="welcome-model">Answered by <strong>${about.model}</strong>. ${about.good_for}</p>`}
    ${examples.length > 0 &&
    html`<h2>For example</h2>
      <ul class="examples">
        ${examples.map(
          ({ question }) => html`<li key=${question}><button type="button" class="quiet" onClick=${() => onAsk(question)}>${question}</button></li>`,
        )}
      </ul>`}
    ${kbs?.length === 0 &&
    html`<p>There is no knowledge base yet. <a href="#/kbs">Add some files</a>, then ask about them.</p>`}
    ${kbs?.length > 0 &&
    html`<h2>Where it looks</h2>
      <ul class="welcome-kbs">
      ${kbs.map(
        ({ name, kind, holds }) => html`
          <li key=${name}>
            <a href=${`#/kbs/${encodeURIComponent(name)}`}><${KbChip} name=${name} kind=${kind} /><span>${holds}</span></a>
          </li>
        `,
      )}
    </ul>`}
  </section>
`;

export const Run = ({ run, onAgain, onFollow, onStop }) => html`
  <article class="run" aria-label="Question and its steps" aria-busy=${String(run.status === "running")}>
    ${run.turns?.length > 0 && html`<${Thread} turns=${run.turns} />`}
    <header class="run-head">
      ${run.picture && html`<img src=${run.picture} alt="The picture asked about" />`}
      <div>
        <h1>${run.question}</h1>
        ${run.asks && run.asks !== run.question && html`<p class="asks faint">Asks: ${run.asks}</p>`}
        ${run.where && html`<p class="faint">only sources where <code>${run.where}</code></p>`}
        ${run.status === "running" && html`<${Elapsed} since=${run.at} />`}
      </div>
    </header>
    <${Steps} run=${run} onStop=${onStop} />
    ${run.status !== "running" && html`<${Outcome} run=${run} onAgain=${() => onAgain(run)} onFollow=${() => onFollow(run)} />`}
  </article>
`;

/** What was said before the question, each earlier one with its answer. */
const Thread = ({ turns }) => html`
  <section aria-label="Asked before">
    <ol class="thread">
      ${turns.map(
        ({ role, text }, n) =>
          role === "user" && html`<li key=${n}><p>${text}</p><p class="faint">${turns[n + 1]?.text || "no answer"}</p></li>`,
      )}
    </ol>
  </section>
`;

class Elapsed extends Component {
  componentDidMount() {
    this.timer = setInterval(() => this.setState({}), 100);
  }

  componentWillUnmount() {
    clearInterval(this.timer);
  }

  render({ since }) {
    return html`<p class="elapsed" aria-hidden="true">${seconds((Date.now() - since) / 1000)}</p>`;
  }
}
