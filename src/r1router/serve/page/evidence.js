// A piece of evidence to what a person reads: a passage, a picture with its caption, or a table, matches marked.

import { html } from "./html.js";
import { Icon } from "./icons.js";
import { RemotePicture } from "./remote-picture.js";
import { part, place } from "./said.js";
import { evidenceHref } from "./address.js";
import { cutAtStrong, readStrong } from "./strong.js";
import { tableOf } from "./table.js";
import { TableEvidence } from "./table-evidence.js";
import { segments } from "./words.js";

/** A numbered piece, folded to its title and its place. */
export const FoldedEvidence = ({ evidence, number, kind, pattern, open, id, note, score, rows }) => html`
  <details class="piece" open=${open} id=${id}>
    <summary>
      <span class="piece-number">${number}</span>
      <span class="piece-title">${evidence.title || place(evidence)} <span class="faint">${part(evidence)}</span></span>
      ${note && html`<span class="piece-note">${note}</span>`}
      ${score && html`<span class="piece-score">${score}</span>`}
      <span class="piece-kb" data-kind=${kind}>${kind && html`<${Icon} name=${kind} />`}${evidence.kb}</span>
    </summary>
    <${EvidenceBody} evidence=${evidence} kind=${kind} pattern=${pattern} rows=${rows} />
  </details>
`;

export function EvidenceBody({ evidence, kind, pattern, rows = [] }) {
  const table = tableOf(evidence);
  return html`
    <div class="piece-body">
      ${evidence.result && html`<${Computed} result=${evidence.result} />`}
      ${evidence.image
        ? html`<${PictureEvidence} evidence=${evidence} pattern=${pattern} />`
        : table
          ? html`<${TableEvidence} table=${table} pattern=${pattern} resting=${evidence.result ? [] : rows} />`
          : html`<${Passage} evidence=${evidence} pattern=${pattern} />`}
      <${SourceLine} evidence=${evidence} />
    </div>
  `;
}

/** The query whose result this is, and the rows that it rests on. */
const Computed = ({ result: { sql, source_rows: rows = [], resting_on: count } }) => html`
  <pre class="query">${sql}</pre>
  ${rows.length > 0 &&
  html`<p class="piece-section">
    Computed over the whole table; rests on ${rows.length === 1 ? "row" : "rows"} ${rows.slice(0, 12).join(", ")}${(count ?? rows.length) > 12 ? ", …" : ""}
  </p>`}
`;

/** `strong`: [start, end] of words in bold letters. */
export const Marked = ({ text, pattern, strong = [] }) =>
  cutAtStrong(segments(text, pattern), strong).map(({ text, mark, isStrong }) => {
    const words = isStrong ? html`<strong>${text}</strong>` : text;
    return mark ? html`<mark class=${mark}>${words}</mark>` : words;
  });

function Passage({ evidence: { text, title = "", location }, pattern }) {
  const [first, ...rest] = text.split("\n");
  const headed = title && first.startsWith(title) && rest.length > 0;
  const heading = headed ? first.slice(title.length).replace(/^ — /, "") : ""; // the title stands above, and often the section
  const body = reflowed(headed ? rest.join("\n") : text);
  return html`
    ${heading && heading !== location?.section && html`<p class="piece-section">${heading}</p>`}
    <p class="passage"><${Marked} ...${readStrong(body, location?.source ?? "")} pattern=${pattern} /></p>
  `;
}

/** Lines that were broken because they were full are joined; short lines and lists stay. */
const reflowed = (text) => text.replace(/([^\n]{50,})\n(?![\n\-*•#|\d])/g, "$1 ");

function PictureEvidence({ evidence: { image, text, title }, pattern }) {
  const caption = title && text.startsWith(`${title}\n`) ? text.slice(title.length + 1) : text;
  return html`
    <figure>
      <${RemotePicture} src=${image} alt=${title || caption} key=${image} />
      <figcaption><${Marked} text=${caption} pattern=${pattern} /></figcaption>
    </figure>
  `;
}

function SourceLine({ evidence }) {
  const words = place(evidence);
  const source = evidence.location?.source ?? "";
  return html`
    <p class="source-line">
      <${Icon} name="file" />
      ${/^https?:\/\//.test(source)
        ? html`<a href=${source} target="_blank" rel="noopener noreferrer">${words}</a>`
        : source && evidence.id && evidence.kb
          ? html`<a href=${evidenceHref(evidence)}>${words}</a>`
          : html`<span>${words}</span>`}
    </p>
  `;
}
