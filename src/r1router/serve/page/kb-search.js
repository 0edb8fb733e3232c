// Words, a picture, a filter and a cut-off to the entries of one knowledge base that are nearest, with their similarity.

import * as api from "./api.js";
import { FoldedEvidence } from "./evidence.js";
import { Component, createRef, html } from "./html.js";
import { Icon } from "./icons.js";
import { FilterField } from "./options.js";
import { readPicture } from "./picture.js";
import { count, kindly } from "./said.js";
import { pattern } from "./words.js";

export class KbSearch extends Component {
  state = { words: "", where: "", least: "", mode: "fused", picture: null, asked: null, found: [], problem: "" };
  file = createRef();

  search = async (event) => {
    event.preventDefault();
    const { words, where, least, mode, picture } = this.state;
    const asked = { text: words.trim(), image: picture?.url, where: where.trim(), least: Number(least) || null, mode };
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

  render({ name, kind }, { words, where, least, mode, picture, asked, found, busy, problem }) {
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
          <details class="search-filter">
            <summary>Narrow the search</summary>
            <div class="search-options">
              <${FilterField} value=${where} set=${(where) => this.setState({ where })} />
              <label>
                <span>Similarity at least</span>
                <input
                  type="number"
                  min="0"
                  max="1"
                  step="0.01"
                  placeholder="0"
                  value=${least}
                  onInput=${(e) => this.setState({ least: e.target.value })}
                />
              </label>
              <label>
                <span>Rank by</span>
                <select value=${mode} onChange=${(e) => this.setState({ mode: e.target.value })}>
                  <option value="fused">meaning and words</option>
                  <option value="vector">meaning alone</option>
                  <option value="text">words alone</option>
                </select>
              </label>
            </div>
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
                score=${evidence.similarity == null ? "" : `similarity ${evidence.similarity.toFixed(2)}`}
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
