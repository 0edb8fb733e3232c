// The name of a source to a text whose lines break between its parts and not within a word.

import { html } from "./html.js";
import { parts } from "./said.js";

export const SourceName = ({ name }) => parts(name).map((part, n) => html`${n > 0 && html`<wbr />`}${part}`);
