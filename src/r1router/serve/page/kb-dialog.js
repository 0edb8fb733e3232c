// A knowledge base to be made, renamed, described or deleted to a dialog, which says in words what the server refuses.

import * as api from "./api.js";
import { Component, createRef, html } from "./html.js";
import { count, kindly } from "./said.js";

/** `does`: make, change or remove. `onDone` is called after a change, `onClose` when the dialog is gone. */
export class KbDialog extends Component {
  state = { problem: "", busy: false };
  dialog = createRef();

  componentDidMount() {
    this.dialog.current.showModal();
  }

  submit = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    this.setState({ busy: true, problem: "" });
    try {
      location.hash = await this.work(given);
      await this.props.onDone();
      this.dialog.current?.close();
    } catch (error) {
      this.setState({ problem: kindly(error), busy: false });
    }
  };

  /** Does it; the address of what is to be seen then. */
  work = async ({ name = "", kind, holds = "", label = "", details = "" }) => {
    const { does, kb } = this.props;
    if (does === "remove") {
      await api.removeKb(kb.name);
      return "#/kbs";
    }
    const named = name.trim();
    if (does === "make") await api.makeKb({ name: named, kind, holds, label });
    else {
      const changed = { name: named, holds: holds.trim(), label: label.trim(), details: details.trim().replaceAll("\r", "") };
      const before = { name: kb.name, holds: kb.holds, label: kb.label, details: kb.details };
      await api.changeKb(kb.name, Object.fromEntries(Object.entries(changed).filter(([field, value]) => value !== before[field])));
    }
    return `#/kbs/${encodeURIComponent(named)}`;
  };

  render({ does, kb, onClose }, { problem, busy }) {
    const { title, verb } = {
      make: { title: "New knowledge base", verb: "Make it" },
      change: { title: `Rename or describe ${kb?.name}`, verb: "Save" },
      remove: { title: `Delete ${kb?.name}?`, verb: "Delete" },
    }[does];
    return html`
      <dialog ref=${this.dialog} onClose=${onClose} aria-labelledby="kb-dialog-title">
        <form onSubmit=${this.submit}>
          <h2 id="kb-dialog-title">${title}</h2>
          ${does === "remove" ? html`<${Gone} kb=${kb} />` : html`<${Fields} does=${does} kb=${kb} />`}
          ${problem && html`<p class="problem" role="alert">${problem}</p>`}
          <div class="dialog-bar">
            <button type="button" class="quiet" onClick=${() => this.dialog.current.close()}>Cancel</button>
            <button type="submit" class=${does === "remove" ? "danger" : "primary"} disabled=${busy}>${verb}</button>
          </div>
        </form>
      </dialog>
    `;
  }
}

const Gone = ({ kb: { entries, sources } }) => html`
  <p>
    ${count(entries, "entry", "entries")} from ${count(sources, "source")} will be gone, and the files that were uploaded here for
    it alone. Files that were indexed where they are stay. This cannot be undone.
  </p>
`;

const Fields = ({ does, kb }) => html`
  <label for="kb-name">Name</label>
  <input id="kb-name" name="name" type="text" required maxlength="64" autocomplete="off" spellcheck="false" defaultValue=${kb?.name ?? ""} />
  ${does === "make" &&
  html`
    <label for="kb-kind">It holds</label>
    <select id="kb-kind" name="kind">
      <option value="text">text</option>
      <option value="table">tables</option>
      <option value="image">pictures</option>
    </select>
  `}
  <label for="kb-line">What is in it</label>
  <textarea
    id="kb-line"
    name="holds"
    rows="3"
    maxlength="500"
    required=${does === "change"}
    placeholder=${does === "make" ? "Leave it empty, and it is described by its files" : ""}
    aria-describedby="kb-line-use"
    defaultValue=${kb?.holds ?? ""}
  ></textarea>
  <p class="faint" id="kb-line-use">The model chooses where to look by this line.</p>
  ${does === "change" &&
  html`
    <label for="kb-details">More about it</label>
    <textarea id="kb-details" name="details" rows="5" maxlength="600" aria-describedby="kb-details-use" defaultValue=${kb.details}></textarea>
    <p class="faint" id="kb-details-use">Large models read these lines too. Empty them, and they are made from the content.</p>
  `}
  <label for="kb-label">Label, if the model is to call it something else</label>
  <input id="kb-label" name="label" type="text" maxlength="64" autocomplete="off" spellcheck="false" defaultValue=${kb?.label ?? ""} />
`;
