// Tagged templates to Preact elements; the one file that knows the vendored library.
// What stands in ${…} becomes text or an attribute, never markup.

import htm from "./vendor/htm.js";
import { Component, createRef, h, render } from "./vendor/preact.js";

export const html = htm.bind(h);
export { Component, createRef, render };
