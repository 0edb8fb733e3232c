// A passage of a Markdown file to its words and to which of them are strong, so that nobody reads the asterisks.

const MARKDOWN = /\.(md|markdown|mdx|qmd|rmd|ipynb)$/i;
const CODE_OR_STRONG = /```[^]*?```|`[^`\n]*`|(?<![\p{L}\p{N}*])\*\*(?=[^\s*])([^*]*[^\s*])\*\*(?![\p{L}\p{N}*])/gu;

/** {text, strong}: the text without the asterisks, and [start, end] of what stood between them; none in code. */
export function readStrong(text, source) {
  const strong = [];
  if (!MARKDOWN.test(source)) return { text, strong };
  let taken = 0;
  const plain = text.replace(CODE_OR_STRONG, (found, inner, at) => {
    if (inner === undefined) return found;
    strong.push([at - taken, at - taken + inner.length]);
    taken += 4;
    return inner;
  });
  return { text: plain, strong };
}

/** Segments (`words.js`), cut where strong words begin and end: [{text, mark, isStrong}]. */
export function cutAtStrong(segments, strong) {
  let at = 0;
  return segments.flatMap(({ text, mark }) => {
    const start = at;
    at += text.length;
    const ends = [...strong.flat().filter((place) => start < place && place < at), at];
    return ends.map((end, n) => {
      const begin = n ? ends[n - 1] : start;
      const isStrong = strong.some(([from, to]) => from <= begin && begin < to);
      return { text: text.slice(begin - start, end - start), mark, isStrong };
    });
  });
}
