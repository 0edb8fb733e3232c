// The knowledge bases to cards, and one of them to what it holds, its state, a search and its sources.

import { Component, html } from "./html.js";
import { Icon } from "./icons.js";
import { KbDialog } from "./kb-dialog.js";
import { KbSearch } from "./kb-search.js";
import { Sources } from "./kb-sources.js";
import { KbChip } from "./routes.js";
import { count, size } from "./said.js";
import { Upload } from "./upload.js";

const SHORT = 90; // characters of a card that are shown before it is opened

export class KbList extends Component {
  state = { making: false };

  render({ kbs, mayChange, onChange }, { making }) {
    return html`
      <div class="kb-head">
        <h1>Knowledge bases</h1>
        ${mayChange && html`<button type="button" class="quiet" onClick=${() => this.setState({ making: true })}>New knowledge base</button>`}
      </div>
      ${kbs?.length === 0 && html`<p class="faint">There are none yet. Add files, and text, tables and pictures each get one.</p>`}
      <ul class="kb-cards">
        ${kbs?.map((kb) => html`<${Card} key=${kb.name} kb=${kb} />`)}
      </ul>
      ${mayChange && html`<${Upload} onDone=${onChange} kbs=${kbs} />`}
      ${making && html`<${KbDialog} does="make" onDone=${onChange} onClose=${() => this.setState({ making: false })} />`}
    `;
  }
}

const Card = ({ kb: { name, kind, holds, entries, sources, unfinished } }) => html`
  <li class="kb-card">
    <h2><a href=${`#/kbs/${encodeURIComponent(name)}`}><${KbChip} name=${name} kind=${kind} /></a></h2>
    <${Holds} text=${holds} />
    <p class="faint">${count(entries, "entry", "entries")} from ${count(sources, "source")}${unfinished > 0 && `, ${unfinished} unfinished`}</p>
  </li>
`;

/** What a knowledge base holds: the first lines, and all of it on a tap. */
class Holds extends Component {
  state = { open: false };

  render({ text }, { open }) {
    const long = text.length > SHORT;
    return html`
      <div class="kb-holds">
        <p class=${long && !open ? "clamped" : ""}>${text}</p>
        ${long &&
        html`<button type="button" class="more" aria-expanded=${String(open)} onClick=${() => this.setState({ open: !open })}>
          ${open ? "Less" : "More"}
        </button>`}
      </div>
    `;
  }
}

export class KbView extends Component {
  state = { does: "" };

  ask = (does) => () => this.setState({ does });

  render({ name, kb, mayChange, onChange }, { does }) {
    return html`
      <p><a class="back" href="#/kbs"><${Icon} name="back" />Knowledge bases</a></p>
      <div class="kb-head">
        <h1>${name}</h1>
        ${kb && html`<${KbChip} name=${kb.kind} kind=${kb.kind} />`}
        ${kb &&
        mayChange &&
        html`<span class="kb-actions">
          <button type="button" class="quiet small" onClick=${this.ask("change")}>Rename or describe</button>
          <button type="button" class="quiet small" onClick=${this.ask("remove")}>Delete</button>
        </span>`}
      </div>
      ${kb && html`<p class="kb-line">${kb.holds}</p>`}
      ${kb?.details && html`<${Details} text=${kb.details} />`}
      ${kb && html`<${State} kb=${kb} />`}
      <${KbSearch} name=${name} kind=${kb?.kind} />
      <${Sources} name=${name} total=${kb?.sources} mayChange=${mayChange} onChange=${onChange} />
      ${does && kb && html`<${KbDialog} does=${does} kb=${kb} onDone=${onChange} onClose=${this.ask("")} />`}
    `;
  }
}

/** What is in it in a few lines, one under the other. */
const Details = ({ text }) => html`
  <ul class="kb-details faint" aria-label="What is in it">
    ${text.split("\n").map((line) => html`<li key=${line}>${line}</li>`)}
  </ul>
`;

/** How much is indexed, by what, and whether something of it was interrupted. */
const State = ({ kb: { name, label, entries, sources, unfinished, embedder, bytes } }) => html`
  <dl class="known">
    ${[
      ["Index", unfinished ? `${count(unfinished, "source")} unfinished; add ${unfinished === 1 ? "it" : "them"} again` : entries ? "complete" : "empty"],
      ["Entries", `${entries.toLocaleString("en")} from ${count(sources, "source")}`],
      ["Label", label && label !== name ? label : ""],
      ["Embedder", embedder.replaceAll(":", "")],
      ["Size", bytes == null ? "" : size(bytes)],
    ].map(([term, said]) => said && html`<div key=${term}><dt>${term}</dt><dd>${said}</dd></div>`)}
  </dl>
`;
