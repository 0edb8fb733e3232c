// A PDF that a source was read from to its pages as they look, one at a time, the cited passage marked on its page.

import * as api from "./api.js";
import { Component, createRef, html } from "./html.js";
import { saying } from "./pdf-marks.js";

const SHARP = 2; // pixels of the picture for one of the page, at most
const WIDEST = 1000; // pixels
const BELOW = 0.2; // of a line's height, under the line that letters stand on

/** Loaded when the first PDF is opened: it is larger than all the rest of the page. */
async function loadPdf() {
  const pdf = await import("./vendor/pdf.js");
  pdf.GlobalWorkerOptions.workerSrc = new URL("./vendor/pdf-worker.js", import.meta.url).href;
  return pdf;
}

/**
 * `page`: the one to begin with; `passage`: the text to be marked, on that page; `asked`: another number
 * shows them again; `onMissing` is told why there is none.
 */
export class PdfView extends Component {
  state = { page: this.props.page || 1, pages: 0, marks: [] };
  canvas = createRef();

  async componentDidMount() {
    try {
      const [pdf, blob] = await Promise.all([loadPdf(), api.fetchFile(this.props.kb, this.props.source)]);
      this.task = pdf.getDocument({ data: await blob.arrayBuffer(), useSystemFonts: true, isEvalSupported: false });
      this.file = await this.task.promise;
      this.setState({ pages: this.file.numPages }, this.draw);
    } catch (error) {
      this.props.onMissing(error instanceof api.ApiError ? "The file is not where it was indexed." : "This PDF cannot be shown here.");
    }
  }

  componentDidUpdate(before) {
    const { page, passage, asked } = this.props;
    if (page && (asked !== before.asked || passage !== before.passage)) this.turn(page);
  }

  componentWillUnmount() {
    this.task?.destroy();
  }

  turn = (page) => this.setState({ page: Math.max(1, page), marks: [] }, this.draw);

  draw = async () => {
    if (!this.file) return;
    this.drawing?.cancel();
    const number = Math.min(this.state.page, this.file.numPages);
    const page = await this.file.getPage(number);
    const canvas = this.canvas.current;
    if (!canvas || number !== Math.min(this.state.page, this.file.numPages)) return; // another one has been asked for
    const plain = page.getViewport({ scale: 1 });
    const width = Math.min(WIDEST, canvas.parentElement.clientWidth) * Math.min(SHARP, devicePixelRatio || 1);
    const viewport = page.getViewport({ scale: width / plain.width });
    Object.assign(canvas, { width: Math.round(viewport.width), height: Math.round(viewport.height) });
    this.drawing = page.render({ canvasContext: canvas.getContext("2d"), canvas, viewport });
    try {
      await this.drawing.promise;
    } catch (error) {
      if (error.name === "RenderingCancelledException") return;
      throw error;
    }
    if (number === this.props.page && this.props.passage) await this.mark(page, plain, number);
  };

  mark = async (page, plain, number) => {
    const { items } = await page.getTextContent();
    const found = saying(items.map(({ str = "" }) => str), this.props.passage).map((n) => place(items[n], plain));
    if (this.state.page === number) this.setState({ marks: found }, this.reveal);
  };

  /** On a phone the file is above its pieces, out of sight where the cited piece is in the middle of the screen. */
  reveal = () => this.canvas.current?.parentElement.querySelector(".pdf-mark")?.scrollIntoView({ block: "nearest" });

  render({ source }, { page, pages, marks }) {
    const name = source.split("/").pop();
    return html`
      <section class="pdf" aria-label="The file" aria-busy=${String(!pages)}>
        <div class="pdf-page">
          <canvas ref=${this.canvas} role="img" aria-label=${pages ? `Page ${page} of ${pages} of ${name}` : `${name} is being opened`}></canvas>
          ${marks.map((style, n) => html`<span key=${n} class="pdf-mark" style=${style}></span>`)}
        </div>
        ${pages > 1 &&
        html`<div class="pager">
          <button type="button" class="quiet" disabled=${page <= 1} onClick=${() => this.turn(page - 1)}>Earlier page</button>
          <span class="faint">page ${page} of ${pages}</span>
          <button type="button" class="quiet" disabled=${page >= pages} onClick=${() => this.turn(page + 1)}>Later page</button>
        </div>`}
      </section>
    `;
  }
}

/** Where a piece of text is, in parts of the page. */
function place({ transform, width, height }, viewport) {
  const [, , , , x, y] = transform;
  const [left, top, right, bottom] = viewport.convertToViewportRectangle([x, y - height * BELOW, x + width, y + height]);
  const part = (length, whole) => `${(100 * length) / whole}%`;
  return {
    left: part(Math.min(left, right), viewport.width),
    top: part(Math.min(top, bottom), viewport.height),
    width: part(Math.abs(right - left), viewport.width),
    height: part(Math.abs(bottom - top), viewport.height),
  };
}
