// What a person does with an answer: share its address, keep it as a file, print it, say whether it was right.

import * as api from "./api.js";
import { Component, html } from "./html.js";
import { kindly, place, sayAnswer, sayDoubt, stopReason } from "./said.js";

export class Keep extends Component {
  state = { told: "", rated: "", correcting: false };

  share = async () => {
    const address = `${location.origin}${location.pathname}#/a/${encodeURIComponent(this.props.run.kept)}`;
    try {
      await navigator.clipboard.writeText(address);
      this.setState({ told: "The address is copied. It works for as long as the server keeps the answer." });
    } catch {
      this.setState({ told: address }); // no clipboard without https
    }
  };

  rate = async (right, answer = "") => {
    try {
      await api.rateAnswer(this.props.run.kept, { right, answer });
      this.setState({ rated: right ? "right" : "wrong", correcting: !right && !answer, told: "" });
    } catch (error) {
      this.setState({ told: kindly(error) });
    }
  };

  correct = (event) => {
    event.preventDefault();
    const answer = new FormData(event.target).get("answer").trim();
    if (answer) this.rate(false, answer);
  };

  render({ run }, { told, rated, correcting }) {
    return html`
      <div class="keep">
        ${run.kept &&
        html`
          <span class="keep-rating" role="group" aria-label="Was this right?">
            <button type="button" class="quiet small" aria-pressed=${String(rated === "right")} onClick=${() => this.rate(true)}>Right</button>
            <button type="button" class="quiet small" aria-pressed=${String(rated === "wrong")} onClick=${() => this.rate(false)}>Wrong</button>
          </span>
          <button type="button" class="quiet small" onClick=${this.share}>Share</button>
        `}
        <button type="button" class="quiet small" onClick=${() => save(asMarkdown(run), "text/markdown", "md")}>Save as Markdown</button>
        <button type="button" class="quiet small" onClick=${() => save(JSON.stringify(run, null, 2), "application/json", "json")}>JSON</button>
        <button type="button" class="quiet small" onClick=${() => print()}>Print</button>
        ${correcting &&
        html`<form class="keep-correct" onSubmit=${this.correct}>
          <label for="correct">What is the right answer, if you know it?</label>
          <input id="correct" name="answer" autocomplete="off" />
          <button type="submit" class="quiet small">Send</button>
        </form>`}
        ${rated && !correcting && html`<span class="faint" role="status">Thank you; it is kept beside the knowledge bases.</span>`}
        ${told && html`<span class="faint" role="status">${told}</span>`}
      </div>
    `;
  }
}

function save(text, type, suffix) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement("a"), { href: url, download: `answer.${suffix}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** A run to a text that reads well: the question, the answer, its sources, the steps. */
export function asMarkdown({ question, answer, steps, stop, method }) {
  const sources = (answer?.citations ?? []).map((piece, n) => `${n + 1}. ${place(piece)}`);
  const looked = steps
    .filter(({ sub_question }) => sub_question)
    .map(({ sub_question, routes = [], answer: found = "" }, n) => `${n + 1}. ${sub_question} (${routes.join(", ")}): ${found || "nothing"}`);
  return [
    `# ${question}`,
    sayAnswer(answer, "Not answered."),
    sayDoubt(answer),
    sources.length ? `## Sources\n\n${sources.join("\n")}` : "",
    answer?.nearest ? `Nearest, which may not say it: ${place(answer.nearest)}` : "",
    looked.length ? `## Steps\n\n${looked.join("\n")}` : "",
    `Method ${method}; it ended because ${stopReason(stop)}.`,
  ]
    .filter(Boolean)
    .join("\n\n")
    .concat("\n");
}
