// What is known of a source to a list that a person reads: dates, author, language, and what else its file says.

import * as api from "./api.js";
import { Component, html } from "./html.js";
import { dated } from "./said.js";

const PLAIN = new Set(["path", "folder", "type", "its_created", "its_modified"]); // other fields, or the name, say them

/** Of one source; nothing where nothing is known beside its name. */
export class Known extends Component {
  state = { fields: {} };

  async componentDidMount() {
    const { kb, source } = this.props;
    try {
      const where = `path = "${source.replaceAll('"', '""')}"`;
      const { sources } = await api.listSources(kb, { limit: 1, where });
      this.setState({ fields: sources[0]?.fields ?? {} });
    } catch {
      // its pieces are shown all the same
    }
  }

  render(_, { fields }) {
    return html`<${Fields} fields=${fields} />`;
  }
}

export function Fields({ fields }) {
  const known = Object.entries(fields).filter(([name]) => !PLAIN.has(name));
  return (
    known.length > 0 &&
    html`<dl class="known">
      ${known.map(
        ([name, value]) => html`<div key=${name}>
          <dt>${name}</dt>
          <dd>${(Array.isArray(value) ? value : [value]).map((one) => dated(String(one))).join(", ")}</dd>
        </div>`,
      )}
    </dl>`
  );
}
