// The parts of a table to a table that scrolls by itself, the row that answers marked and its cell in sight.

import { Component, createRef, html } from "./html.js";
import { tellingCell, tellingRow } from "./table.js";

const LONG = 40; // characters from which a cell may break into lines
const SHORT = 24; // characters up to which the first column stays in sight

export class TableEvidence extends Component {
  box = createRef();

  componentDidMount() {
    this.showCell();
    this.box.current.closest("details")?.addEventListener("toggle", this.showCell); // what is folded has no width
  }

  componentDidUpdate() {
    this.showCell();
  }

  showCell = () => {
    const box = this.box.current;
    const cell = box?.querySelector(".telling-cell");
    if (cell) box.scrollLeft = Math.max(0, cell.offsetLeft + cell.offsetWidth - box.clientWidth);
  };

  render({ table: { top, header, rows, first }, pattern, resting = [] }) {
    const telling = tellingRow(rows, pattern);
    const cell = telling < 0 ? -1 : tellingCell(rows[telling], pattern);
    const pinned = rows[0].length > 2 && [header, ...rows].every(([name = ""]) => name.length <= SHORT);
    return html`
      ${top.slice(1).map((line) => html`<p class="piece-section">${line}</p>`)}
      <div class="table-scroll" tabindex="0" role="group" aria-label=${top[0] || "Table"} ref=${this.box}>
        <table class=${pinned ? "pinned" : ""}>
          ${header.length > 0 &&
          html`<thead>
            <tr>
              <th class="row-number"><span class="visually-hidden">row</span></th>
              ${header.map((name, n) => html`<th key=${n} scope="col" class=${size(name)}>${name}</th>`)}
            </tr>
          </thead>`}
          <tbody>
            ${rows.map(
              (row, r) => html`
                <tr key=${r} class=${resting.includes(first + r) || (r === telling && !resting.length) ? "telling" : ""}>
                  <th class="row-number" scope="row">${first + r}</th>
                  ${row.map(
                    (text, c) => html`
                      <td key=${c} class=${`${size(text)} ${r === telling && c === cell ? "telling-cell" : ""}`}>${text}</td>
                    `,
                  )}
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `;
  }
}

const size = (text) => (text.length > LONG ? "long" : "");
