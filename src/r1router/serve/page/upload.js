// Files that a person drops or chooses to jobs of the server, each followed to its end.

import * as api from "./api.js";
import { listenForDrops } from "./drops.js";
import { Component, createRef, html } from "./html.js";
import { Icon } from "./icons.js";
import { count, kindly, percent, size } from "./said.js";

export class Upload extends Component {
  state = { as: "", name: "", files: [], dragging: false };
  input = createRef();

  componentDidMount() {
    this.endDrops = listenForDrops(this.add, (dragging) => dragging !== this.state.dragging && this.setState({ dragging }));
  }

  componentWillUnmount() {
    this.endDrops();
  }

  add = async (files) => {
    const rows = [...files].map((file) => ({ file, id: `${Date.now()}-${Math.random()}`, stage: "waiting", done: 0 }));
    this.setState((state) => ({ files: [...rows, ...state.files] }));
    for (const row of rows) await this.send(row); // one after the other, as the server indexes them
    this.props.onDone();
  };

  set = (id, changes) =>
    this.setState((state) => ({ files: state.files.map((row) => (row.id === id ? { ...row, ...changes } : row)) }));

  send = async ({ file, id }) => {
    const { as, name } = this.state;
    try {
      this.set(id, { stage: "sending" });
      const job = await api.upload(file, { as, name: name.trim(), onSent: (done) => this.set(id, { done }) });
      this.set(id, { stage: "indexing" });
      for await (const now of api.followJob(job)) this.set(id, row(now));
    } catch (error) {
      this.set(id, { stage: "failed", problems: [kindly(error)] });
    }
  };

  render({ kbs }, { as, name, files, dragging }) {
    return html`
      <section class="upload kb-section" aria-labelledby="upload">
        <h2 id="upload">Add files</h2>
        <div class=${`dropzone ${dragging ? "dragging" : ""}`}>
          <${Icon} name="upload" />
          <p class="dropzone-words">
            <span>Drop files here, or</span>
            <button type="button" class="quiet" onClick=${() => this.input.current.click()}>choose files</button>
          </p>
          <p class="faint">Text, tables and pictures each go into a knowledge base of their own, unless you name one.</p>
          <input
            type="file"
            multiple
            class="visually-hidden"
            id="files"
            tabindex="-1"
            aria-hidden="true"
            ref=${this.input}
            onChange=${(e) => {
              this.add(e.target.files);
              e.target.value = "";
            }}
          />
        </div>
        <div class="upload-options">
          <label>
            <span>Read as</span>
            <select value=${as} onChange=${(e) => this.setState({ as: e.target.value })}>
              <option value="">decide by the file</option>
              <option value="text">text</option>
              <option value="table">tables</option>
              <option value="image">pictures</option>
            </select>
          </label>
          <label>
            <span>Into the knowledge base</span>
            <input
              type="text"
              list="kb-names"
              placeholder="the one for its kind"
              value=${name}
              onInput=${(e) => this.setState({ name: e.target.value })}
            />
          </label>
        </div>
        <datalist id="kb-names">${kbs?.map(({ name }) => html`<option key=${name} value=${name} />`)}</datalist>
        <ul class="uploads" aria-live="polite">
          ${files.map((row) => html`<${Row} key=${row.id} row=${row} />`)}
        </ul>
      </section>
    `;
  }
}

function Row({ row: { file, stage, done, entries, result, problems = [] } }) {
  return html`
    <li class=${`upload-row upload-${stage}`}>
      <${Icon} name=${{ done: "check", failed: "warning" }[stage] ?? "file"} />
      <span class="source-name">${file.name}</span>
      <span class="faint">${size(file.size)}</span>
      <span class="upload-stage">
        ${stage === "waiting" && "waiting"}
        ${stage === "sending" && `sending ${percent(done)}`}
        ${stage === "indexing" && (entries ? `reading, ${count(entries, "entry", "entries")}` : "reading")}
        ${stage === "done" && result}
        ${stage === "failed" && "not taken in"}
      </span>
      ${(stage === "sending" || stage === "indexing") &&
      html`<progress max="1" value=${stage === "sending" ? done : null} aria-label=${`${file.name}: ${stage}`}></progress>`}
      ${problems.map((problem) => html`<p class="problem">${problem}</p>`)}
    </li>
  `;
}

/** What a row shows of a job. */
function row({ state, progress, report }) {
  if (state === "failed") return { stage: "failed", problems: [report.error.message] };
  if (state !== "done") return { stage: "indexing", entries: progress.entries ?? 0 };
  const problems = report.problems.map(({ where, reason }) => (where ? `${where}: ${reason}` : reason));
  const taken = Object.entries(report.kbs).filter(([, { added, changed, kept }]) => added + changed + kept > 0);
  if (!taken.length && problems.length) return { stage: "failed", problems };
  const none = report.skipped ? "already there" : "nothing in it";
  return { stage: "done", problems, result: taken.length ? taken.map(told).join("; ") : none };
}

const told = ([kb, { added, changed, kept }]) =>
  added + changed > 0 ? `${count(added + changed, "entry", "entries")} into ${kb}` : `${kb} has it already (${kept})`;
