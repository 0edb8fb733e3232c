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
  const headed = above.length > (rows[0].length > 1 ? 0 : 1) && above.at(-1).includes(" | ") === rows[0].length > 1;
  const header = headed ? cells(above.pop()) : [];
  const width = Math.max(header.length, ...rows.map((row) => row.length));
  const filled = (row) => (row.length ? [...row, ...Array(width - row.length).fill("")] : row);
  return { top: above, header: filled(header), rows: rows.map(filled), first };
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
