/** Moves through the entries: what is current, what is fetched, and what the screen says. */
import {answerOf, isUndoing, pending, unsaved} from "./answers.js";
import {showClasses, showEmpty, showExamples, showPanel} from "./panel.js";
import {get, Refused} from "./server.js";
import {
  classNow, entryAt, firstOpen, forget, load, nextOpenClass, page, state, visible,
} from "./state.js";
import {fit, hideMap, isBroken, isShown, preload, showEntries, tileAt} from "./view.js";
import {zoom} from "./zoom.js";

const byId = name => document.getElementById(name);
const troubles = {save: null, load: null, run: null};
let seeking = null;  // "entry" or "first": the next open one is not known yet, no answer key counts
let filling = null;

export function render() {
  const found = classNow();
  const question = found ? `Does this show ${found.name}?` : "";
  byId("question").textContent = !found ? (state.run ? "This run has no classes to review." : "Loading…")
    : state.view === "grid" ? `Which of these show ${found.name}?` : question;
  byId("place").textContent = placeText();
  document.querySelector(".question").hidden = state.done;
  document.title = found ? `${found.name} – review` : "Review";
  showEntries(answerOf, question);
  showClasses();
  showPanel();
  showEmpty();
  showButtons();
  showBanner();
}

function placeText() {
  if (!state.total) return "";
  const shown = visible();
  const first = (shown[0] + 1).toLocaleString("en"), last = (shown.at(-1) + 1).toLocaleString("en");
  const order = state.mode === "audit" ? "random order" : "most likely first";
  const places = shown.length > 1 ? `${first} to ${last}` : first;
  const selected = state.selected.size ? ` · ${state.selected.size} selected` : "";
  return shown.length ? `${places} of ${state.total.toLocaleString("en")}, ${order}${selected}` : "";
}

function showButtons() {
  const grid = state.view === "grid";
  const open = openTiles().length;
  byId("all-no").hidden = !grid || state.done || state.selected.size > 0;
  byId("all-no").querySelector("span").textContent = open ? `All ${open} visible: no` : "All visible: no";
  byId("clear").hidden = !state.selected.size;
  for (const name of ["flag", "map", "toggle"]) byId(name).hidden = state.done;
  byId("zoom").hidden = grid || state.done;
  byId("toggle").querySelector("span").textContent = grid ? "Single" : "Grid";
  byId("flag").setAttribute("aria-pressed", String(Boolean(entryAt(state.current)?.flagged)));
  const waiting = unsaved();
  byId("saved").textContent = waiting ? `${waiting} not saved yet` : "All answers saved";
  byId("saved").toggleAttribute("data-unsaved", waiting > 0);
}

/** Why something does not work now; null when it does again. */
export function trouble(what, text) {
  if (troubles[what] === text) return;
  troubles[what] = text;
  showBanner();
}

function showBanner() {
  const waiting = unsaved();
  const texts = Object.values(troubles).filter(Boolean);
  if (troubles.save && waiting)
    texts.push(`${waiting} not saved yet: kept in this browser, and sent again until the server confirms.`);
  const text = [...new Set(texts)].join(" ");
  if (byId("banner").textContent !== text) byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

export function tell(text) {
  byId("told").textContent = text;
}

const notices = [];
/** Stays for a while, whatever else is told. */
export function notice(text) {
  notices.push(text);
  if (notices.length > 2) notices.shift();
  const show = () => { byId("notice").textContent = notices.join(" "); };
  show();
  setTimeout(() => {
    if (notices.includes(text)) notices.splice(notices.indexOf(text), 1);
    show();
  }, 6_000);
}

/** May this entry be answered now? It is on screen, loaded, and no other one is looked for. */
export function isAnswerable(position) {
  return !state.done && !seeking && !isUndoing() && visible().includes(position) && isShown(position);
}

export function whyNot(position) {
  if (state.done) return "Everything of this class is answered.";
  if (isUndoing()) return "Wait: the undo is not confirmed yet.";
  if (isBroken(position)) return "An image that cannot be shown cannot be answered: go on with →, or flag it.";
  return "Wait: the next image is still loading.";
}

/** Tiles that may be answered and are not. */
export function openTiles() {
  if (state.view !== "grid" || state.done) return [];
  return page().filter(position => isAnswerable(position) && !answerOf(entryAt(position)).answer);
}

export function go(position) {
  if (!state.total) return;
  seeking = null;
  moveTo(Math.min(Math.max(position, 0), state.total - 1));
}

function moveTo(position) {
  const before = page().join();
  state.current = position;
  state.done = false;
  if (page().join() !== before) state.selected.clear();
  if (state.view === "single") zoom(false);
  hideMap();
  render();
  focusCurrent();
  fill();
}

/** To the next entry that is not answered, after this one and then from the beginning. */
export function advance(from) {
  for (let position = from + 1; position < state.total; position += 1) {
    const entry = entryAt(position);
    seeking = entry ? null : "entry";
    if (!entry || !answerOf(entry).answer) return moveTo(position);
  }
  return seekFirst();
}

/** To the first entry of the class that is not answered. */
export async function seekFirst() {
  const {generation} = state;
  seeking = "first";
  const position = await lasting(() => firstOpen(pending));
  if (generation !== state.generation || position === undefined || seeking !== "first") return;
  seeking = null;
  if (position === null) {
    state.done = true;
    state.selected.clear();
    render();
    if (isIdle()) byId("offered").focus();
  } else moveTo(position);
}

/** The result of a call that is repeated while the server is gone. */
async function lasting(call) {
  const {generation} = state;
  for (;;) {
    try {
      const result = await call();
      trouble("load", null);
      return result;
    } catch (error) {
      if (generation !== state.generation) return undefined;
      const refused = error instanceof Refused;
      trouble("load", refused ? error.message : "The server does not answer.");
      if (refused && error.status < 500) return undefined;
      await new Promise(done => setTimeout(done, 1000));
    }
  }
}

/** Fetches what is shown and what comes next. */
export function fill() {
  filling ??= fillAll().finally(() => { filling = null; });
  return filling;
}

async function fillAll() {
  for (let before = null; ;) {
    const missing = wanted().filter(position => !entryAt(position));
    const known = `${state.generation} ${missing.join()}`;
    if (!missing.length || state.column === null || known === before) break;
    before = known;
    if (await lasting(() => load(missing)) === undefined) break;
    if (seeking === "entry" && entryAt(state.current)) advance(state.current - 1);
    else render();
  }
  preload(wanted().map(entryAt).filter(Boolean));
}

/** Positions of the screen and of the next one. */
function wanted() {
  const shown = visible();
  const ahead = state.view === "grid" ? state.size : 4;
  const next = Array.from({length: ahead}, (_, place) => (shown.at(-1) ?? -1) + 1 + place);
  return [...shown, ...next].filter(position => state.total === null || position < state.total);
}

export async function openClass(column) {
  state.column = column;
  forget();
  remember();
  tell("");
  render();
  const {generation} = state;
  seekFirst();
  const reply = await lasting(() => get("/api/examples", {column}));
  if (reply && generation === state.generation) showExamples(reply.entries);
}

export async function fetchClasses() {
  const reply = await lasting(() => get("/api/classes", {reviewer: state.reviewer}));
  if (!reply) return false;
  const {run, identity, reviewers, agreement, classes} = reply;
  const other = state.identity && state.identity !== identity;
  trouble("run", other ? "The server has another run now, or other images. Load this page again." : null);
  if (other) return false;
  Object.assign(state, {run, identity, reviewers, agreement, classes});
  return true;
}

/** The next or former class, round. */
export function stepClass(step) {
  const place = state.classes.findIndex(found => found.column === state.column);
  const {length} = state.classes;
  if (length) openClass(state.classes[(place + step + length) % length].column);
}

export function openOffered() {
  const next = nextOpenClass();
  if (next) openClass(next.column);
}

export function setView(view) {
  if (state.view === view) return;
  zoom(false);
  hideMap();
  state.view = view;
  state.selected.clear();
  remember();
  render();
  resize();
  focusCurrent();
  fill();
}

export function setMode(mode) {
  if (state.mode === mode) return;
  state.mode = mode;
  openClass(state.column);
}

/** As many tiles as fit on the screen; messages that come and go make them smaller, not fewer. */
export function resize() {
  if (state.view !== "grid" || state.done) return;
  const size = fit();
  if (size === state.size) return;
  state.size = size;
  state.selected.clear();
  render();
  fill();
}

/** Is the focus nowhere, or where it follows the current image? */
function isIdle() {
  const active = document.activeElement;
  return !active || active === document.body || Boolean(active.closest("#grid, #single, #empty"));
}

export function focusCurrent() {
  if (!isIdle()) return;
  const target = state.view === "grid" ? tileAt(state.current) : byId("frame");
  target?.focus({preventScroll: true});
}

/** Class, mode and view stand in the address: a reload, or tomorrow, goes on there. */
function remember() {
  const {column, mode, view} = state;
  history.replaceState(null, "", `#${new URLSearchParams({class: column, mode, view})}`);
}
