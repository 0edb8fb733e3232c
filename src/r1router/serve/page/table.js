// A piece of evidence with its table as data to what the page draws, and which of its rows answers.

import { fit, holds } from "./words.js";

/** {top, header, rows, first}, or null for evidence that is no table; `first` numbers the first row. */
export function tableOf({ table }) {
  if (!table?.rows?.length) return null;
  const { title = "", section = "", caption = "", header = [], rows, first_row: first = 1 } = table;
  const top = [[title, section].filter(Boolean).join(" — "), caption].filter(Boolean);
  const width = Math.max(header.length, ...rows.map((row) => row.length));
  const filled = (row) => [...row, ...Array(width - row.length).fill("")];
  return { top, header: header.some(Boolean) ? filled(header) : [], rows: rows.map(filled), first };
}

/** Index of the row that answers: the best fit, or -1 where no row fits better than the others. */
export function tellingRow(rows, pattern) {
  const scores = rows.map((row) => fit(row.join(" "), pattern));
  const best = Math.max(...scores);
  const winners = scores.filter((score) => score === best).length;
  if (best <= 0 || (winners > 1 && rows.length > 1)) return -1;
  return scores.indexOf(best);
}

/** Index of the cell of that row with the answer, or -1. */
export function tellingCell(row, { phrase }) {
  return row.findIndex((cell) => holds(cell, phrase));
}
