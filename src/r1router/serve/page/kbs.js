// The knowledge bases to cards, and one of them to a search, its sources and what can be removed.

import * as api from "./api.js";
import { FoldedEvidence } from "./evidence.js";
import { Component, createRef, html } from "./html.js";
import { Icon } from "./icons.js";
import { readPicture } from "./picture.js";
import { FilterField } from "./options.js";
import { KbChip } from "./routes.js";
import { count, kindly } from "./said.js";
import { sourceHref } from "./address.js";
import { Upload } from "./upload.js";
import { pattern } from "./words.js";

const PAGE = 20; // sources shown at once

export const KbList = ({ kbs, onChange }) => html`
  <h1>Knowledge bases</h1>
  ${kbs?.length === 0 && html`<p class="faint">There are none yet. Add files, and each goes where its kind belongs.</p>`}
  <ul class="kb-cards">
    ${kbs?.map(
      ({ name, kind, holds, entries, sources }) => html`
        <li key=${name}>
          <a class="kb-card" href=${`#/kbs/${encodeURIComponent(name)}`}>
            <${KbChip} name=${name} kind=${kind} />
            <span class="kb-holds">${holds}</span>
            <span class="faint">${count(entries, "entry", "entries")} from ${count(sources, "source")}</span>
          </a>
        </li>
      `,
    )}
  </ul>
  <${Upload} onDone=${onChange} kbs=${kbs} />
`;

export const KbView = ({ name, kb, onChange }) => html`
  <p><a class="back" href="#/kbs"><${Icon} name="back" />Knowledge bases</a></p>
  <div class="kb-head">
    <h1>${name}</h1>
    ${kb && html`<${KbChip} name=${kb.kind} kind=${kb.kind} />`}
  </div>
  ${kb && html`<p class="kb-holds">${kb.holds}</p>`}
  <${KbSearch} name=${name} kind=${kb?.kind} />
  <${Sources} name=${name} total=${kb?.sources} onChange=${onChange} />
`;

class KbSearch extends Component {
  state = { words: "", where: "", picture: null, asked: null, found: [], problem: "" };
  file = createRef();

  search = async (event) => {
    event.preventDefault();
    const { words, where, picture } = this.state;
    const asked = { text: words.trim(), image: picture?.url, where: where.trim() };
    this.setState({ busy: true, problem: "" });
    try {
      this.setState({ found: await api.search(this.props.name, asked), asked: asked.text || picture.name });
    } catch (error) {
      this.setState({ problem: kindly(error) });
    }
    this.setState({ busy: false });
  };

  choose = async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    try {
      this.setState({ picture: await readPicture(file), problem: "" });
    } catch (error) {
      this.setState({ problem: error.message });
    }
  };

  render({ name, kind }, { words, where, picture, asked, found, busy, problem }) {
    return html`
      <section class="kb-section" aria-label="Search">
        <form class="search-bar" role="search" onSubmit=${this.search}>
          <label class="visually-hidden" for="search">Search in ${name}</label>
          <input
            id="search"
            type="search"
            placeholder=${`Search in ${name}`}
            value=${words}
            onInput=${(e) => this.setState({ words: e.target.value })}
          />
          ${kind === "image" &&
          html`<${PictureChooser}
            picture=${picture}
            file=${this.file}
            onChoose=${this.choose}
            onRemove=${() => this.setState({ picture: null })}
          />`}
          <button type="submit" class="primary" disabled=${busy || !(words.trim() || picture)}>
            ${busy ? "Searching…" : "Search"}
          </button>
          <details class="search-filter" open=${where !== ""}>
            <summary>Filter</summary>
            <${FilterField} value=${where} set=${(where) => this.setState({ where })} />
          </details>
        </form>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <div class="results">
          ${asked && html`<p class="faint" role="status">${count(found.length, "result")} for “${asked}”, best first</p>`}
          ${found.map(
            (evidence, n) => html`
              <${FoldedEvidence}
                key=${`${asked}/${evidence.id}`}
                evidence=${evidence}
                number=${n + 1}
                kind=${kind}
                pattern=${pattern(asked)}
                open=${n < 3}
              />
            `,
          )}
        </div>
      </section>
    `;
  }
}

const PictureChooser = ({ picture, file, onChoose, onRemove }) => html`
  <input type="file" accept="image/*" class="visually-hidden" tabindex="-1" aria-hidden="true" ref=${file} onChange=${onChoose} />
  ${picture
    ? html`<span class="preview">
        <img src=${picture.thumb} alt=${picture.name} />
        <button type="button" class="icon-button" aria-label="Remove the picture" onClick=${onRemove}><${Icon} name="close" /></button>
      </span>`
    : html`<button type="button" class="quiet" onClick=${() => file.current.click()}>
        <${Icon} name="image" /><span>Picture</span>
      </button>`}
`;

class Sources extends Component {
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

  render(_, { sources, total, offset, problem, removing, sure }) {
    return html`
      <section class="kb-section" aria-labelledby="sources">
        <h2 id="sources">Sources</h2>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <ul class="source-list">
          ${sources.map(
            ({ source, entries, complete }) => html`
              <li key=${source}>
                <${Icon} name="file" />
                <a class="source-name" href=${sourceHref(this.props.name, source)}>${source}</a>
                <span class="faint">${complete ? count(entries, "entry", "entries") : "unfinished; add it again"}</span>
                ${sure === source
                  ? html`<span class="sure">
                      <button type="button" class="danger small" onClick=${() => this.remove(source)}>Remove</button>
                      <button type="button" class="quiet small" onClick=${() => this.setState({ sure: "" })}>Keep</button>
                    </span>`
                  : html`<button
                      type="button"
                      class="icon-button"
                      disabled=${removing === source}
                      aria-label=${`Remove ${source}`}
                      onClick=${() => this.setState({ sure: source })}
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
