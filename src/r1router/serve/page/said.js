// Numbers and the server's short words to what a person reads.

const STOPS = {
  enough: "it knew enough",
  max_steps: "the limit of steps was reached",
  repeated: "it was about to ask the same again",
  tokens: "the budget of tokens was spent",
  seconds: "the time allowed was spent",
  retrievals: "the budget of searches was spent",
  cost: "the budget of money was spent",
  format: "a reply of the model could not be read",
  no_evidence: "nothing was found",
  error: "something failed",
};

const STAGES = { plan: "planning", search: "searching", answer: "reading", final: "final answer" };

/** What an answer says, with other words for one that says nothing. */
export const sayAnswer = (answer, nothing) =>
  answer?.ending === "not_found" ? "Not found in your files." : answer?.text || nothing;

/** What is told beside an answer that its evidence does not wholly support; "" beside others. */
export const sayDoubt = (answer) =>
  answer?.ending === "unsure" ? "Not sure: the evidence supports this only in part." : "";

export const stopReason = (stop) => STOPS[stop] ?? stop;

export const stageName = (stage) => STAGES[stage] ?? stage;

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export const seconds = (s) => (s < 60 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`);

export const percent = (p) => (p > 0 && p < 0.01 ? "< 1 %" : `${Math.round(p * 100)} %`);

export function size(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** "14:05" today, else "3 Nov". */
export function when(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const parts = today ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" };
  return date.toLocaleString(undefined, parts);
}

/** Where a person finds a piece of evidence: file, page, section, rows. */
export function place({ title = "", id, location }) {
  if (!location) return title || id;
  return [location.source, part({ location })].filter(Boolean).join(" · ");
}

/** Which part of its file it is: page, section, rows. */
export function part({ location }) {
  const { page, section, rows } = location ?? {};
  const parts = [];
  if (page != null) parts.push(`page ${page}`);
  if (section) parts.push(section);
  if (rows) parts.push(rows[0] === rows[1] ? `row ${rows[0]}` : `rows ${rows[0]}–${rows[1]}`);
  return parts.join(" · ");
}

/** A date or a time as the server writes it, as a person does: "28 Nov 2026"; anything else as it is. */
export function dated(value) {
  if (!/^\d{4}-\d\d-\d\d(T[\d:.]+Z?)?$/.test(value)) return value;
  return new Date(value).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** The parts of a file's name between which a line may break. */
export const parts = (name) => name.split(/(?<=[/_-])(?=[^/_-])/);

/** An error in words that say what to do. */
export function kindly(error) {
  if (error.status === 401) return "The server wants a key, and none that it accepts was given.";
  if (error.status === 413) return `${error.message} Try a smaller file or picture.`;
  if (error.status === 429) {
    const wait = error.retryAfter ? ` Try again in ${count(Math.ceil(error.retryAfter), "second")}.` : " Try again in a moment.";
    return `The server is busy with other questions.${wait}`;
  }
  return error.message;
}
