// A step's routes and their probabilities to chips and a bar that opens into the numbers.

import { html } from "./html.js";
import { Icon } from "./icons.js";
import { percent } from "./said.js";

const NO_ROUTE = "none"; // what the server calls the route of a policy that stops

export const KbChip = ({ name, kind, probability }) => html`
  <span class="chip" data-kind=${kind}>
    ${kind && html`<${Icon} name=${kind} />`}<span>${name}</span>
    ${probability != null && html`<span class="chip-number">${percent(probability)}</span>`}
  </span>
`;

export function Routes({ step, cards }) {
  const { routes = [], probabilities = {} } = step;
  const ranked = Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
  const chips = routes.map(
    (name) => html`<${KbChip} key=${name} name=${name} kind=${cards[name]?.kind} probability=${probabilities[name]} />`,
  );
  if (!ranked.length) return html`<div class="routes">${chips}</div>`;
  const summary = ranked.map(([name, p]) => `${named(name)} ${percent(p)}`).join(", ");
  return html`
    <details class="routes">
      <summary title=${summary}>
        ${chips.length ? chips : html`<span class="chip">no search</span>`}
        <${Shares} ranked=${ranked} cards=${cards} label=${`Probabilities: ${summary}`} />
      </summary>
      <ul class="route-list">
        ${ranked.map(
          ([name, p]) => html`
            <li key=${name} data-kind=${cards[name]?.kind}>
              <span class="route-name">${named(name)}</span>
              <span class="route-track"><span class="route-fill" style=${{ width: `${p * 100}%` }}></span></span>
              <span class="route-number">${percent(p)}</span>
            </li>
          `,
        )}
      </ul>
    </details>
  `;
}

const Shares = ({ ranked, cards, label }) => html`
  <span class="shares" role="img" aria-label=${label}>
    ${ranked.map(
      ([name, p]) => html`<span key=${name} data-kind=${cards[name]?.kind} style=${{ width: `${p * 100}%` }}></span>`,
    )}
  </span>
`;

const named = (name) => (name === NO_ROUTE ? "no search" : name);
