// One source to what it says, piece by piece, the cited one marked and in sight, and its file, a PDF beside its pieces.

import * as api from "./api.js";
import { EvidenceBody } from "./evidence.js";
import { Component, html } from "./html.js";
import { Icon } from "./icons.js";
import { Known } from "./known.js";
import { PdfView } from "./pdf-view.js";
import { count, kindly, part } from "./said.js";
import { SourceName } from "./source-name.js";
import { pattern } from "./words.js";

const PAGE = 50; // pieces shown at once
const SHOWN = /\.(pdf|png|jpe?g|gif|webp|txt)$/i; // what a browser shows by itself, and safely

export class SourceView extends Component {
  state = { entries: null, offset: 0, total: 0, problem: "", told: "", missing: "", at: this.props.at, asked: 0 };

  componentDidMount() {
    this.show({ at: this.props.at, row: this.props.rows?.[0] });
  }

  show = async (from) => {
    try {
      const found = await api.listEntries(this.props.kb, this.props.source, { ...from, limit: PAGE });
      this.setState(({ at }) => ({ ...found, at: found.at || at, problem: "" }), this.reveal);
    } catch (error) {
      this.setState({ problem: kindly(error) });
    }
  };

  reveal = () => document.querySelector(".source-piece.cited")?.scrollIntoView({ block: "center" });

  showOnPage = ({ id }) => this.setState(({ asked }) => ({ at: id, asked: asked + 1 }), () => document.querySelector(".pdf")?.scrollIntoView({ block: "nearest" }));

  /** Opens the file in a tab of its own, at the page of the cited piece, or saves it. */
  open = async (shown) => {
    const { kb, source } = this.props;
    const { at } = this.state;
    const tab = shown ? open("", "_blank") : null; // at once: later the browser takes it for an advertisement
    try {
      const url = URL.createObjectURL(await api.fetchFile(kb, source));
      const page = this.state.entries?.find(({ id }) => id === at)?.location?.page;
      if (tab) tab.location = page ? `${url}#page=${page}` : url;
      else Object.assign(document.createElement("a"), { href: url, download: source.split("/").pop() }).click();
      this.setState({ told: "" });
    } catch (error) {
      tab?.close();
      this.setState({ told: kindly(error) });
    }
  };

  render({ kb, kind, source, rows = [] }, { entries, offset, total, problem, told, missing, at, asked }) {
    const name = source.split("/").pop();
    const cited = entries?.find(({ id }) => id === at);
    const pages = /\.pdf$/i.test(name) && total > 0 && !missing;
    return html`
      <p>
        <a class="back" href=${`#/kbs/${encodeURIComponent(kb)}`}><${Icon} name="back" />${kb}</a>
      </p>
      <h1 class="source-title"><${SourceName} name=${name} /></h1>
      <p class="faint">${source}${total > 0 && ` · ${count(total, "piece")}`}</p>
      <${Known} kb=${kb} source=${source} key=${source} />
      <p class="source-actions">
        ${SHOWN.test(name) && html`<button type="button" class="quiet" onClick=${() => this.open(true)}>Open the file</button>`}
        <button type="button" class="quiet" onClick=${() => this.open(false)}>Download</button>
        ${told && html`<span class="problem" role="alert">${told}</span>`}
      </p>
      ${missing && html`<p class="faint" role="status">${missing} This is what was read from it:</p>`}
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <div class=${pages ? "beside" : ""}>
        ${pages && html`<${PdfView} kb=${kb} source=${source} page=${cited?.location?.page} passage=${cited?.text ?? ""} asked=${asked} onMissing=${(missing) => this.setState({ missing })} />`}
        <div>
          <ol class="source-pieces" start=${offset + 1}>
            ${entries?.map(
              (entry) => html`
                <li key=${entry.id} class=${`source-piece ${entry.id === at ? "cited" : ""}`} aria-current=${entry.id === at ? "true" : null}>
                  ${part(entry) &&
                  html`<h2 class="source-part">
                    ${part(entry)}
                    ${pages &&
                    entry.location?.page &&
                    html`<button type="button" class="quiet small" onClick=${() => this.showOnPage(entry)}>Show it on the page</button>`}
                  </h2>`}
                  <${EvidenceBody} evidence=${entry} kind=${kind} pattern=${pattern("")} rows=${cited?.record && entry.record === cited.record ? rows : []} />
                </li>
              `,
            )}
          </ol>
          ${total > PAGE &&
          html`<div class="pager">
            <button type="button" class="quiet" disabled=${offset === 0} onClick=${() => this.show({ offset: Math.max(0, offset - PAGE) })}>Earlier</button>
            <span class="faint">${offset + 1}–${Math.min(offset + PAGE, total)} of ${total}</span>
            <button type="button" class="quiet" disabled=${offset + PAGE >= total} onClick=${() => this.show({ offset: offset + PAGE })}>Later</button>
          </div>`}
        </div>
      </div>
    `;
  }
}
