// A server that wants a key to a dialog that asks for it; the key stays in this tab's session storage.

import { Component, createRef, html } from "./html.js";

export class KeyDialog extends Component {
  state = { again: false };
  dialog = createRef();
  waiting = null;

  componentDidMount() {
    this.props.handle.current = this;
  }

  /** Resolves to the key, or to null where the person declines. All that ask at once get the same answer. */
  ask = (again) => {
    this.setState({ again });
    this.waiting ??= new Promise((resolve) => {
      this.answer = resolve;
      this.dialog.current.returnValue = "";
      this.dialog.current.showModal();
    }).finally(() => (this.waiting = null));
    return this.waiting;
  };

  closed = () => {
    const dialog = this.dialog.current;
    const input = dialog.querySelector("input");
    this.answer(dialog.returnValue === "use" ? input.value.trim() : null);
    input.value = "";
  };

  render(_, { again }) {
    return html`
      <dialog ref=${this.dialog} onClose=${this.closed} aria-labelledby="key-title">
        <form method="dialog">
          <h2 id="key-title">This server wants a key</h2>
          <p>${again ? "It did not accept that one. Try another." : "It was started with one; whoever runs it knows it."}</p>
          <label for="key">Key</label>
          <input id="key" type="password" autocomplete="off" required />
          <p class="faint">It is kept until this tab is closed.</p>
          <div class="dialog-bar">
            <button type="button" class="quiet" onClick=${() => this.dialog.current.close()}>Cancel</button>
            <button type="submit" class="primary" value="use">Use it</button>
          </div>
        </form>
      </dialog>
    `;
  }
}
