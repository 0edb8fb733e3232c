// The pieces of text that a PDF places on one page, and a passage, to the pieces that say the passage.

import { tokens } from "./words.js";

const ROW = 4; // words in a row that are the same: fewer are met by chance

/** Indices of the `strings` that the passage says. Lines may be broken elsewhere, and a title may stand in front. */
export function saying(strings, passage) {
  const wanted = tokens(passage).map(({ folded }) => folded);
  const width = Math.min(ROW, wanted.length);
  if (!width) return [];
  const rows = new Set(wanted.slice(0, wanted.length - width + 1).map((_, n) => rowAt(wanted, n, width)));
  const words = strings.flatMap((text, index) => tokens(text).map(({ folded }) => ({ folded, index })));
  const folded = words.map((word) => word.folded);
  const said = words.map(() => false);
  for (let n = 0; n + width <= words.length; n += 1) {
    if (rows.has(rowAt(folded, n, width))) said.fill(true, n, n + width);
  }
  return strings.flatMap((_, index) => {
    const own = said.filter((_, n) => words[n].index === index);
    return own.length && own.filter(Boolean).length * 2 >= own.length ? [index] : [];
  });
}

const rowAt = (words, n, width) => words.slice(n, n + width).join(" ");
