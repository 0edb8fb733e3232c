// What a person types, chooses, drops and pastes to a question with or without a picture.

import { listenForDrops } from "./drops.js";
import { Component, createRef, html } from "./html.js";
import { Icon } from "./icons.js";
import { Options } from "./options.js";
import { firstPicture, readPicture } from "./picture.js";

export class Composer extends Component {
  state = { text: "", picture: null, problem: "", options: false, dragging: false };
  box = createRef();
  file = createRef();

  componentDidMount() {
    this.props.handle.current = this;
    document.addEventListener("paste", this.paste);
    this.endDrops = listenForDrops(
      (files) => this.take(firstPicture(files) ?? files[0]),
      (dragging) => dragging !== this.state.dragging && this.setState({ dragging }),
    );
    if (matchMedia("(hover: hover)").matches) this.box.current.focus(); // no keyboard that pops up on a phone
  }

  componentWillUnmount() {
    document.removeEventListener("paste", this.paste);
    this.endDrops();
  }

  componentDidUpdate() {
    const box = this.box.current;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }

  focus() {
    this.box.current.focus();
  }

  /** Puts a question back, to be changed or asked again. */
  fill(text) {
    this.setState({ text }, () => this.focus());
  }

  take = async (file) => {
    try {
      this.setState({ picture: await readPicture(file), problem: "" });
    } catch (error) {
      this.setState({ problem: error.message });
    }
    this.focus();
  };

  paste = (event) => {
    const picture = firstPicture(event.clipboardData.files);
    if (!picture) return;
    event.preventDefault();
    this.take(picture);
  };

  submit = (event) => {
    event.preventDefault();
    const { text, picture } = this.state;
    if (this.props.running || !text.trim()) return;
    this.props.onAsk({ question: text.trim(), picture });
    this.setState({ text: "", picture: null, problem: "" });
  };

  keydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
  };

  render({ running, before, onForget, onStop, options, methods, kbs, usual, onOptions }, { text, picture, problem, options: open, dragging }) {
    return html`
      <form class=${`composer ${dragging ? "dragging" : ""}`} onSubmit=${this.submit}>
        ${picture &&
        html`<div class="preview">
          <img src=${picture.thumb} alt="" />
          <span>${picture.name}</span>
          <button
            type="button"
            class="icon-button"
            aria-label="Remove the picture"
            onClick=${() => this.setState({ picture: null }, () => this.focus())}
          >
            <${Icon} name="close" />
          </button>
        </div>`}
        ${before &&
        html`<div class="preview">
          <span>Goes on after “${before.question}”</span>
          <button type="button" class="icon-button" aria-label="Ask something new" onClick=${onForget}>
            <${Icon} name="close" />
          </button>
        </div>`}
        <label class="visually-hidden" for="question">Your question</label>
        <textarea
          id="question"
          ref=${this.box}
          rows="1"
          maxlength="8000"
          placeholder=${dragging ? "Drop the picture here" : "Ask a question"}
          value=${text}
          onInput=${(e) => this.setState({ text: e.target.value })}
          onKeyDown=${this.keydown}
        ></textarea>
        <div class="composer-bar">
          <input
            type="file"
            accept="image/*"
            class="visually-hidden"
            id="picture"
            tabindex="-1"
            aria-hidden="true"
            ref=${this.file}
            onChange=${(e) => {
              if (e.target.files[0]) this.take(e.target.files[0]);
              e.target.value = "";
            }}
          />
          <button type="button" class="quiet" onClick=${() => this.file.current.click()}>
            <${Icon} name="image" /><span>Picture</span>
          </button>
          <button
            type="button"
            class="quiet"
            aria-expanded=${String(open)}
            aria-controls="options"
            onClick=${() => this.setState({ options: !open })}
          >
            <${Icon} name="sliders" /><span>Options</span>
          </button>
          <span class="hint"><kbd>Enter</kbd> asks · <kbd>Shift Enter</kbd> new line</span>
          ${running
            ? html`<button type="button" class="stop" onClick=${onStop}><${Icon} name="stop" /><span>Stop</span></button>`
            : html`<button type="submit" class="primary" disabled=${!text.trim()}><${Icon} name="send" /><span>Ask</span></button>`}
        </div>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        ${open && html`<${Options} options=${options} methods=${methods} kbs=${kbs} usual=${usual} onChange=${onOptions} />`}
      </form>
    `;
  }
}
