// The server's events of one question to one object, `run`, that the page shows and the history keeps.
//
//   {id, at, question, picture, turns, asks, method, model, where, before, cards, steps, malformed, stage, status, answer, stop, usage, seconds, error}
//
// turns:  what was said before, [{role, text}]; asks: the question as it stands alone
// before: questions that were asked before and are in work, until this one is worked on
// cards:  knowledge base name → {kind, holds}
// steps:  as the server's, each with `phase`: searching, reading, done, or enough where the policy stopped
// stage:  what the server is busy with: start, plan, search, read, final
// status: running, done, stopped (by the person), failed
// kept:   the id of its answer on the server, "" where it is not kept

export function newRun({ question, picture, method, model = "", where = "", turns = [] }) {
  return {
    id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, // randomUUID needs https or localhost
    at: Date.now(),
    question,
    picture, // a thumbnail as data URL, or null
    turns,
    asks: "",
    method,
    model,
    before: 0,
    where, // the filter that it was asked under
    cards: {},
    steps: [],
    malformed: [],
    stage: "start",
    status: "running",
    answer: null,
    stop: "",
    usage: {},
    seconds: 0,
    error: null,
    kept: "",
  };
}

/** What the server has kept of a question, as the run that it was. */
export function openKept({ id, at, trajectory, kbs, model }) {
  const { text, typed = "", turns = [], where = "", image } = trajectory.question;
  const picture = image ? `data:${image.media_type ?? "image/png"};base64,${image.data}` : null;
  const asked = newRun({ question: typed || text, picture, method: trajectory.method, model, where, turns });
  const run = finish({ ...asked, asks: text, at: at * 1000, cards: byName(kbs) }, trajectory);
  const seconds = Object.values(trajectory.usage?.seconds ?? {}).reduce((sum, each) => sum + each, 0);
  return { ...run, id, kept: id, seconds };
}

export function after(run, { name, data }) {
  switch (name) {
    case "started":
      return { ...run, method: data.method, cards: byName(data.kbs), stage: "plan" };
    case "waiting":
      return { ...run, before: data.before };
    case "rewritten":
      return { ...run, asks: data.question.text };
    case "planned": {
      const enough = data.step.sub_question == null;
      return { ...withStep(run, data, enough ? "enough" : "searching"), stage: enough ? "final" : "search" };
    }
    case "retrieved":
      return { ...withStep(run, data, "reading"), stage: "read" };
    case "computed":
      return { ...withStep(run, data, "reading"), stage: "read" };
    case "answered":
      return { ...withStep(run, data, "done"), stage: "plan" };
    case "malformed":
      return { ...run, malformed: [...run.malformed, { ...data, step: currentStep(run) }] };
    case "finished":
      return finish(run, data.trajectory);
    case "kept":
      return { ...run, kept: data.id };
    case "error":
      return fail(run, data.error.message);
    default:
      return run; // of a newer server
  }
}

export const fail = (run, message) => ended(run, { status: "failed", error: message });

export const stopped = (run) => ended(run, { status: "stopped" });

function finish(run, { steps = [], answer = null, stop = "", usage = {}, method, error = "" }) {
  const done = steps.map((step) => ({ ...step, phase: "done" }));
  const status = stop === "error" ? "failed" : "done";
  return ended(run, {
    steps: [...done, ...run.steps.slice(done.length)],
    method: method ?? run.method,
    answer,
    stop,
    usage,
    status,
    error: error || null,
  });
}

function ended(run, changes) {
  return { ...run, ...changes, stage: "end", seconds: (Date.now() - run.at) / 1000 };
}

function withStep(run, { index, step }, phase) {
  const steps = [...run.steps];
  steps[index] = { ...step, phase };
  return { ...run, steps };
}

/** The conversation that a run ends, as the next question is sent with it. */
export const turnsAfter = ({ turns = [], question, answer }) => [
  ...turns,
  { role: "user", text: question },
  { role: "assistant", text: answer?.text ?? "" },
];

/** The 0-based step that a malformed reply belongs to. */
function currentStep(run) {
  const last = run.steps.at(-1);
  return last && last.phase === "reading" ? run.steps.length - 1 : run.steps.length;
}

function byName(cards) {
  return Object.fromEntries(cards.map(({ name, kind, holds = "" }) => [name, { kind, holds }]));
}
