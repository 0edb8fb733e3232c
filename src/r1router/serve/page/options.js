// How a question is worked on: method, steps, pieces of evidence, knowledge bases; remembered by the browser.

import { html } from "./html.js";
import { KbChip } from "./routes.js";

const KEY = "r1router.options";
const DEFAULTS = { method: "", max_steps: 3, k: 5, without: [], where: "" };

export function loadOptions() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return DEFAULTS;
  }
}

export function saveOptions(options) {
  localStorage.setItem(KEY, JSON.stringify(options));
  return options;
}

/** What of the options a request says; what is left out is the server's default. */
export function asRequest({ method, max_steps, k, without, where }, kbs) {
  const names = kbs.map(({ name }) => name).filter((name) => !without.includes(name));
  const all = names.length === kbs.length || names.length === 0;
  return { ...(method && { method }), max_steps, k, ...(!all && { kbs: names }), ...(where.trim() && { where: where.trim() }) };
}

/** `usual`: the method of a question that names none. */
export function Options({ options, methods, kbs, usual, onChange }) {
  const set = (changes) => onChange({ ...options, ...changes });
  return html`
    <div class="options" id="options">
      <label>
        <span>Method</span>
        <select value=${options.method} onChange=${(e) => set({ method: e.target.value })}>
          <option value="">${usual ? `${usual} (as the server is set)` : "as the server is set"}</option>
          ${methods.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
        </select>
      </label>
      <${NumberField} label="Steps at most" value=${options.max_steps} most=${10} set=${(max_steps) => set({ max_steps })} />
      <${NumberField} label="Evidence per step" value=${options.k} most=${20} set=${(k) => set({ k })} />
      <${FilterField} value=${options.where} set=${(where) => set({ where })} />
      ${kbs.length > 1 &&
      html`<fieldset>
        <legend>Knowledge bases</legend>
        ${kbs.map(
          ({ name, kind }) => html`
            <label class="kb-choice" key=${name}>
              <input
                type="checkbox"
                checked=${!options.without.includes(name)}
                onChange=${(e) => set({ without: toggled(options.without, name, !e.target.checked) })}
              />
              <${KbChip} name=${name} kind=${kind} />
            </label>
          `,
        )}
      </fieldset>`}
    </div>
  `;
}

/** Only sources that fit are searched. */
export const FilterField = ({ value, set }) => html`
  <label class="filter">
    <span>Only sources where</span>
    <input
      type="text"
      maxlength="2000"
      spellcheck="false"
      autocapitalize="none"
      placeholder='folder = "2025" and lang = "de"'
      value=${value}
      onInput=${(e) => set(e.target.value)}
    />
  </label>
`;

const NumberField = ({ label, value, most, set }) => html`
  <label>
    <span>${label}</span>
    <input
      type="number"
      min="1"
      max=${most}
      value=${value}
      onChange=${(e) => set(Math.min(most, Math.max(1, Math.round(e.target.valueAsNumber) || value)))}
    />
  </label>
`;

const toggled = (names, name, there) => (there ? [...names, name] : names.filter((other) => other !== name));
