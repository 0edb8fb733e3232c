// A text to segments that say what matched: words of a question, or the whole answer in a row.

const WORD = /[\p{L}\p{N}]+/gu;
const COMMON = new Set(
  (
    "a about after all also an and any are as at be been before being both but by can could did do does for from " +
    "had has have he her his how i if in into is it its known many more most much name named of on one or other " +
    "our out over she so some such than that the their them then there these they this those to under up was we " +
    "were what when where which while who whom whose why will with would you your"
  ).split(" "),
);

/** What to look for: the telling words of `question`, and `answer` word by word. */
export function pattern(question, answer = "") {
  const words = tokens(question).filter(({ folded }) => !COMMON.has(folded) && (folded.length > 1 || /\d/.test(folded)));
  const phrase = tokens(answer).map(({ folded }) => folded);
  return { words: [...new Set(words.map(({ folded }) => folded))], phrase };
}

/** [{text, mark}], which add up to `text`; mark is "", "word" or "answer". */
export function segments(text, { words, phrase }) {
  const found = tokens(text);
  const spans = [];
  for (let i = 0; i < found.length; ) {
    if (startsPhrase(found, i, phrase)) {
      spans.push({ start: found[i].start, end: found[i + phrase.length - 1].end, mark: "answer" });
      i += phrase.length;
      continue;
    }
    if (words.some((word) => alike(word, found[i].folded))) spans.push({ ...found[i], mark: "word" });
    i += 1;
  }
  return cut(text, spans);
}

/** How well a text fits: distinct words found in it, the whole answer counting most. */
export function fit(text, { words, phrase }) {
  const found = tokens(text);
  const answered = found.some((_, i) => startsPhrase(found, i, phrase));
  return words.filter((word) => found.some(({ folded }) => alike(word, folded))).length + (answered ? 2.5 : 0);
}

export function holds(text, phrase) {
  const found = tokens(text);
  return found.some((_, i) => startsPhrase(found, i, phrase));
}

/** The words of a text: [{folded, start, end}], without case and accents. */
export function tokens(text) {
  return Array.from(text.matchAll(WORD), (match) => ({
    folded: fold(match[0]),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** Without case and accents: "García" as "garcia". */
const fold = (word) => word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function startsPhrase(found, at, phrase) {
  return phrase.length > 0 && phrase.every((word, n) => found[at + n]?.folded === word);
}

/** The same word, or two of its forms: country and countries, nation and national. */
function alike(a, b) {
  if (a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length < 4 || long.length - short.length > 3 || /\d/.test(long)) return false;
  return long.startsWith(short.slice(0, Math.max(4, short.length - 1)));
}

function cut(text, spans) {
  const pieces = [];
  let end = 0;
  for (const span of spans) {
    if (span.start > end) pieces.push({ text: text.slice(end, span.start), mark: "" });
    pieces.push({ text: text.slice(span.start, span.end), mark: span.mark });
    end = span.end;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), mark: "" });
  return pieces;
}
