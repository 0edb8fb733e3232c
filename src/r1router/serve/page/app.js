// The page: which view is shown, the question that is worked on, and the keys that work everywhere.

import { readHash } from "./address.js";
import * as api from "./api.js";
import { Run, Welcome } from "./ask.js";
import { Composer } from "./composer.js";
import { keepFocus } from "./focus.js";
import * as past from "./history.js";
import { Component, createRef, html, render } from "./html.js";
import { Icon } from "./icons.js";
import { KbList, KbView } from "./kbs.js";
import { KeyDialog } from "./key-dialog.js";
import { asRequest, loadOptions, saveOptions } from "./options.js";
import { after, fail, newRun, openKept, stopped, turnsAfter } from "./run.js";
import { kindly } from "./said.js";
import { SourceView } from "./source.js";
import { busyWith } from "./steps.js";

class App extends Component {
  state = {
    view: readHash(),
    run: null, // the one that is shown
    live: null, // the one that is worked on
    before: null, // the one that the next question goes on after
    history: past.load(),
    options: loadOptions(),
    kbs: null,
    mayChange: false, // the knowledge bases, here
    methods: [],
    about: null,
    examples: [],
    problem: "",
    lost: "", // why the answer that the address names is not shown
    news: "",
  };
  composer = createRef();
  keyDialog = createRef();
  abort = null;
  following = false; // whether the page scrolls with what arrives

  componentDidMount() {
    api.onKeyWanted((again) => this.keyDialog.current.ask(again));
    addEventListener("hashchange", () => this.setState({ view: readHash() }, this.openAddress));
    addEventListener("keydown", this.keydown);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.setState({}));
    addEventListener("wheel", ({ deltaY }) => deltaY < 0 && (this.following = false), { passive: true });
    addEventListener("touchmove", () => (this.following = false), { passive: true });
    this.refresh();
    this.openAddress();
  }

  /** Shows the answer that the address names, from the server. */
  openAddress = async () => {
    const { name, id } = this.state.view;
    if (name !== "answer" || this.state.run?.kept === id) return this.setState({ lost: "" });
    try {
      this.setState({ run: openKept(await api.getAnswer(id)), lost: "" });
    } catch (error) {
      this.setState({ run: null, lost: kindly(error) });
    }
  };

  /** Reads what the server has. */
  refresh = async () => {
    try {
      const [{ kbs, may_be_changed: mayChange }, methods, about] = await Promise.all([api.listKbs(), api.listMethods(), api.getAbout()]);
      this.setState({ kbs, mayChange, methods, about, problem: "" });
      this.setState({ examples: await api.listExamples().catch(() => []) }); // nobody needs them
    } catch (error) {
      this.setState({ problem: kindly(error) });
    }
  };

  ask = ({ question, picture }) => this.send(question, picture, this.state.before ? turnsAfter(this.state.before) : []);

  send = async (question, picture, turns) => {
    const request = asRequest(this.state.options, this.state.kbs ?? []);
    let run = newRun({ question, picture: picture?.thumb ?? null, method: request.method ?? "", where: request.where ?? "", turns, model: this.state.about?.model });
    const show = (changed) => {
      run = changed;
      const shown = this.state.run?.id === run.id; // else an older one has been opened meanwhile
      this.setState({ live: run, ...(shown && { run }), news: news(run) }, () => shown && this.following && follow());
    };
    const abort = (this.abort = new AbortController());
    this.following = true;
    this.setState({ run, live: run, before: null, news: news(run) });
    try {
      const events = api.ask({ question, ...(picture && { image: picture.url }), ...(turns.length && { turns }), ...request }, abort);
      for await (const event of events) show(after(run, event));
      if (abort.signal.aborted) show(stopped(run));
      else if (run.status === "running") show(fail(run, "The server ended the connection before the answer."));
    } catch (error) {
      show(abort.signal.aborted ? stopped(run) : fail(run, kindly(error)));
    }
    this.abort = null;
    this.setState(({ history }) => ({ live: null, history: past.keep(history, run) }));
  };

  stop = () => this.abort?.abort();

  /** Asks the same again; a picture is only kept small, so that has to be given again. */
  again = (run) => {
    location.hash = "#/";
    if (run.picture) this.composer.current.fill(run.question);
    else this.send(run.question, null, run.turns ?? []);
  };

  /** The next question goes on after this run. */
  follow = (run) => this.setState({ before: run }, () => this.composer.current.focus());

  open = (run) => {
    this.following = false;
    location.hash = "#/";
    this.setState({ run, view: { name: "ask" } }, () => scrollTo(0, 0));
  };

  keydown = (event) => {
    const typing = event.target.closest?.("input, textarea, select, dialog");
    if (["ArrowUp", "PageUp", "Home"].includes(event.key)) this.following = false;
    if (event.key === "Escape" && !event.target.closest?.("dialog")) this.stop();
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    location.hash = "#/";
    this.setState({ view: { name: "ask" } }, () => this.composer.current.focus());
  };

  render(_, state) {
    const { view, news } = state;
    return html`
      <${Header} view=${view} onTheme=${() => (globalThis.theme.toggle(), this.setState({}))} />
      <div class=${`page page-${view.name}`}>
        <aside>${this.historyList()}</aside>
        <main id="main">
          ${state.problem &&
          html`<p class="problem banner" role="alert">
            ${state.problem} <button type="button" class="quiet small" onClick=${this.refresh}>Try again</button>
          </p>`}
          ${state.lost && html`<p class="problem banner" role="alert">${state.lost}</p>`}
          ${this.main()}
        </main>
      </div>
      <div class="visually-hidden" role="status" aria-live="polite">${news}</div>
      <${KeyDialog} handle=${this.keyDialog} />
    `;
  }

  main() {
    const { view, run, live, methods, options, about, mayChange } = this.state;
    const kbs = this.state.kbs ?? [];
    if (view.name === "history") return this.historyList(true);
    if (view.name === "kbs") return html`<${KbList} kbs=${this.state.kbs} mayChange=${mayChange} onChange=${this.refresh} />`;
    if (view.name === "kb") {
      const kb = kbs.find(({ name }) => name === view.kb);
      if (view.source) {
        const key = location.hash;
        return html`<${SourceView} key=${key} kb=${view.kb} kind=${kb?.kind} source=${view.source} at=${view.at} rows=${view.rows} />`;
      }
      return html`<${KbView} key=${view.kb} name=${view.kb} kb=${kb} mayChange=${mayChange} onChange=${this.refresh} />`;
    }
    return html`
      ${!run && html`<h1>Ask your knowledge bases</h1>`}
      <${Composer}
        handle=${this.composer}
        running=${Boolean(live)}
        before=${this.state.before}
        onForget=${() => this.setState({ before: null })}
        onAsk=${this.ask}
        onStop=${this.stop}
        options=${options}
        methods=${methods}
        kbs=${kbs}
        usual=${about?.method}
        onOptions=${(changed) => this.setState({ options: saveOptions(changed) })}
      />
      ${run
        ? html`<${Run} key=${run.id} run=${run} onAgain=${this.again} onFollow=${this.follow} onStop=${this.stop} />`
        : html`<${Welcome} kbs=${this.state.kbs} about=${about} examples=${this.state.examples} onAsk=${(question) => this.send(question, null, [])} />`}
    `;
  }

  historyList(isView = false) {
    const { history, live, run } = this.state;
    return html`
      <${past.HistoryList}
        runs=${history}
        live=${live}
        current=${run?.id}
        isView=${isView}
        onOpen=${this.open}
        onForget=${(id) => this.setState({ history: past.forget(history, id) })}
        onClear=${() => this.setState({ history: past.clear() })}
      />
    `;
  }
}

const Header = ({ view, onTheme }) => html`
  <header class="top">
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <a class="brand" href="#/" aria-label="r1router, ask"><img src="icon.svg" alt="" width="24" height="24" /><span>r1router</span></a>
    <nav aria-label="Views">
      <${Tab} href="#/" on=${view.name === "ask"}>Ask<//>
      <${Tab} href="#/kbs" on=${view.name === "kbs" || view.name === "kb"}>Knowledge bases<//>
      <${Tab} href="#/history" on=${view.name === "history"} class="narrow-only">History<//>
    </nav>
    <button
      type="button"
      class="icon-button"
      onClick=${onTheme}
      aria-label=${globalThis.theme.current() === "dark" ? "Switch to light" : "Switch to dark"}
    >
      <${Icon} name=${globalThis.theme.current() === "dark" ? "sun" : "moon"} />
    </button>
  </header>
`;

const Tab = ({ href, on, children, class: kind = "" }) =>
  html`<a href=${href} class=${kind} aria-current=${on ? "page" : null}>${children}</a>`;

function skip(event) {
  event.preventDefault(); // the address says which view is shown
  document.querySelector("main").querySelector("textarea, input, a, button")?.focus();
}

/** Scrolls to what has arrived last. */
function follow() {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollTo({ top: document.documentElement.scrollHeight, behavior: calm ? "auto" : "smooth" });
}

/** What a screen reader says about the run as it changes. */
function news(run) {
  if (run.status === "running") {
    const step = run.steps.at(-1);
    const asked = run.stage === "search" ? `Step ${run.steps.length}: ${step.sub_question}. ` : "";
    return asked + busyWith(run);
  }
  if (run.status === "done") return `Answer: ${run.answer?.text || "empty"}`;
  return run.status === "stopped" ? "Stopped." : `Not answered: ${run.error}`;
}

keepFocus(document.getElementById("app"));
render(html`<${App} />`, document.getElementById("app"));
