// The text of a piece of a table (what is on top, the header, the rows, cells apart by " | ") to its parts.

import { fit, holds } from "./words.js";

/** {top, header, rows, first}, or null where the text does not have that form; `first` numbers the first row. */
export function readTable({ text, location }) {
  if (!location?.rows) return null;
  const [first, last] = location.rows;
  const lines = text.split("\n");
  const count = last - first + 1;
  if (lines.length < count) return null;
  const above = lines.slice(0, lines.length - count);
  const rows = lines.slice(lines.length - count).map(cells);
  const width = Math.max(...rows.map((row) => row.length));
  const header = above.length && cells(above.at(-1)).length === width ? cells(above.pop()) : [];
  return { top: above, header, rows: rows.map((row) => [...row, ...Array(width - row.length).fill("")]), first };
}

/** Index of the row that answers: the best fit, or -1 where no row fits better than the others. */
export function tellingRow(rows, pattern) {
  const scores = rows.map((row) => fit(row.join(" | "), pattern));
  const best = Math.max(...scores);
  const winners = scores.filter((score) => score === best).length;
  if (best <= 0 || (winners > 1 && rows.length > 1)) return -1;
  return scores.indexOf(best);
}

/** Index of the cell of that row with the answer, or -1. */
export function tellingCell(row, { phrase }) {
  return row.findIndex((cell) => holds(cell, phrase));
}

const cells = (line) => line.split(" | ").map((cell) => cell.trim());
