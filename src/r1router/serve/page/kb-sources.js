// The sources of one knowledge base to a list in pages, each of which opens and may be removed.

import { sourceHref } from "./address.js";
import * as api from "./api.js";
import { Component, html } from "./html.js";
import { Icon } from "./icons.js";
import { count, kindly } from "./said.js";
import { SourceName } from "./source-name.js";

const PAGE = 20; // sources shown at once

export class Sources extends Component {
  state = { sources: [], total: 0, offset: 0, problem: "", removing: "" };

  componentDidMount() {
    this.show(0);
  }

  show = async (offset) => {
    try {
      const { sources, total } = await api.listSources(this.props.name, { offset, limit: PAGE });
      this.setState({ sources, total, offset, problem: "" });
    } catch (error) {
      this.setState({ problem: kindly(error) });
    }
  };

  /** Asks before it removes, or not any more; the focus goes to the button that changes nothing. */
  ask = (event, source) => {
    const row = event.currentTarget.closest("li");
    this.setState({ sure: source }, () => row.querySelector("button:last-of-type").focus());
  };

  remove = async (source) => {
    try {
      this.setState({ removing: source, sure: "" });
      await api.jobDone(await api.deleteSource(this.props.name, source));
      await this.show(this.state.offset);
      this.props.onChange();
    } catch (error) {
      this.setState({ problem: kindly(error) });
    }
    this.setState({ removing: "" });
  };

  render({ mayChange }, { sources, total, offset, problem, removing, sure }) {
    return html`
      <section class="kb-section" aria-labelledby="sources">
        <h2 id="sources">Sources</h2>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <ul class="source-list">
          ${sources.map(
            ({ source, entries, complete }) => html`
              <li key=${source}>
                <${Icon} name="file" />
                <a class="source-name" href=${sourceHref(this.props.name, source)}><${SourceName} name=${source} /></a>
                <span class="faint">${complete ? count(entries, "entry", "entries") : "unfinished; add it again"}</span>
                ${!mayChange
                  ? null
                  : sure === source
                    ? html`<span class="sure">
                      <button type="button" class="danger small" onClick=${() => this.remove(source)}>Remove</button>
                      <button type="button" class="quiet small" onClick=${(event) => this.ask(event, "")}>Keep</button>
                    </span>`
                    : html`<button
                      type="button"
                      class="icon-button"
                      disabled=${removing === source}
                      aria-label=${`Remove ${source}`}
                      onClick=${(event) => this.ask(event, source)}
                    >
                      <${Icon} name="trash" />
                    </button>`}
              </li>
            `,
          )}
        </ul>
        ${total > PAGE &&
        html`<div class="pager">
          <button type="button" class="quiet" disabled=${offset === 0} onClick=${() => this.show(offset - PAGE)}>Earlier</button>
          <span class="faint">${offset + 1}–${Math.min(offset + PAGE, total)} of ${total}</span>
          <button type="button" class="quiet" disabled=${offset + PAGE >= total} onClick=${() => this.show(offset + PAGE)}>
            Later
          </button>
        </div>`}
      </section>
    `;
  }
}
