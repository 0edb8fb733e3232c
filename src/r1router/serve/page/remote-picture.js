// The address of a picture on the server to the picture, also where the server wants a key.

import * as api from "./api.js";
import { Component, html } from "./html.js";

export class RemotePicture extends Component {
  state = { src: api.key() ? null : this.props.src, missing: false };

  async componentDidMount() {
    if (this.state.src) return;
    try {
      const blob = await api.fetchPicture(this.props.src);
      this.made = URL.createObjectURL(blob);
      this.setState({ src: this.made });
    } catch {
      this.setState({ missing: true });
    }
  }

  componentWillUnmount() {
    if (this.made) URL.revokeObjectURL(this.made);
  }

  render({ alt }, { src, missing }) {
    if (missing) return html`<p class="picture-missing">The picture is no longer there.</p>`;
    if (!src) return html`<div class="picture-loading" aria-hidden="true"></div>`;
    return html`<img src=${src} alt=${alt} loading="lazy" onError=${() => this.setState({ missing: true })} />`;
  }
}
