/** The review page: keys and buttons become actions. */
import {flag, give, start, undo, unsaved} from "./answers.js";
import {actionOf, fillHelp} from "./keys.js";
import {showExamples} from "./panel.js";
import {
  advance, fetchClasses, fill, focusCurrent, go, isAnswerable, notice, openClass, openOffered, openTiles, render,
  resize, seekFirst, setMode, setView, stepClass, tell, trouble, whyNot,
} from "./review.js";
import {get} from "./server.js";
import {entryAt, isOpen, page, state} from "./state.js";
import {columns, hideMap, isShown, showMap} from "./view.js";
import {isZoomed, pan, zoom} from "./zoom.js";

const byId = name => document.getElementById(name);
const help = byId("help");

function answer(word) {
  const chosen = state.selected.size ? [...state.selected].sort((one, other) => one - other) : [state.current];
  answerAll(chosen, word);
}

function answerAll(positions, word) {
  const refused = positions.find(position => !isAnswerable(position));
  if (refused !== undefined) return tell(whyNot(refused));
  if (!positions.length) return tell("All that are visible are answered.");
  give(positions.map(position => ({position, entry: entryAt(position)})), word);
  const many = positions.length > 1;
  state.selected.clear();
  tell("");
  return advance(many ? page()[0] - 1 : positions[0]);
}

function takeBack() {
  const step = undo();
  if (!step) return render();
  if (step.column !== state.column || step.mode !== state.mode) {
    state.mode = step.mode;
    return openClass(step.column);
  }
  return go(step.before[0].position);
}

/** The server has undone something else than this page thought: another tab's, or yesterday's. */
function undone({undone: entries, mode}) {
  const [{row, column}] = entries;
  if (column !== state.column || mode !== state.mode) {
    state.mode = mode;
    openClass(column);
    return;
  }
  const found = [...state.entries].find(([, entry]) => entry.row === row);
  if (found) go(found[0]);
  else seekFirst();
}

function move(step, page = 0) {
  const distance = page ? page * (state.view === "grid" ? state.size : 1) : step;
  if (state.done && distance < 0) return go(state.total - 1);
  return state.done ? undefined : go(state.current + distance);
}

function select(step) {
  if (state.view !== "grid" || state.done) return;
  state.selected.add(state.current);
  if (step && page().includes(state.current + step)) {
    state.selected.add(state.current + step);
    state.current += step;
  }
  render();
  focusCurrent();
}

function toggleSelected(position) {
  if (state.view !== "grid" || state.done) return;
  if (!state.selected.delete(position)) state.selected.add(position);
  state.current = position;
  render();
  focusCurrent();
}

function selectAll() {
  openTiles().forEach(position => state.selected.add(position));
  render();
}

function clear() {
  state.selected.clear();
  render();
  focusCurrent();
}

function flagCurrent() {
  const entry = entryAt(state.current);
  if (!entry || state.done) return;
  flag(entry);
  render();
}

function mapOn() {
  if (state.done || !isShown(state.current)) return;
  byId("map").setAttribute("aria-pressed", "true");
  tell("The activation map is being made…");
  showMap(entryAt(state.current), () => tell(""), () => tell("There is no activation map of this image."));
}

function mapOff() {
  byId("map").setAttribute("aria-pressed", "false");
  hideMap();
}

const narrow = () => state.view === "grid" ? columns() : 1;
const ACTIONS = {
  yes: () => answer("yes"), no: () => answer("no"), unsure: () => answer("unsure"),
  undo: takeBack,
  "all-no": () => answerAll(openTiles(), "no"),
  "select-all": selectAll,
  select: () => toggleSelected(state.current),
  "select-left": () => isZoomed() ? pan(-1, 0) : select(-1),
  "select-right": () => isZoomed() ? pan(1, 0) : select(1),
  "pan-up": () => pan(0, -1), "pan-down": () => pan(0, 1),
  left: () => move(-1), right: () => move(1),
  up: () => move(-narrow()), down: () => move(narrow()),
  "page-up": () => move(0, -1), "page-down": () => move(0, 1),
  toggle: () => state.done ? openOffered() : setView(state.view === "grid" ? "single" : "grid"),
  clear,
  grid: () => state.selected.size ? clear() : setView("grid"),
  map: mapOn,
  zoom: () => zoom(),
  flag: flagCurrent,
  "previous-class": () => stepClass(-1), "next-class": () => stepClass(1),
  suggestions: () => setMode("suggestions"), audit: () => setMode("audit"),
  offered: openOffered,
  help: () => help.showModal(),
};

function listen() {
  document.addEventListener("keydown", event => {
    const found = actionOf(event, help.open);
    if (!found) return;
    event.preventDefault();
    if (!event.repeat || found.mayRepeat) ACTIONS[found.action]();
  });
  document.addEventListener("keyup", event => { if (event.key.toLowerCase() === "m") mapOff(); });
  addEventListener("blur", mapOff);
  document.addEventListener("click", event => {
    const {action} = event.target.closest("[data-action]")?.dataset ?? {};
    if (action === "map") {
      if (event.detail === 0) byId("map").getAttribute("aria-pressed") === "true" ? mapOff() : mapOn();
    } else if (action) ACTIONS[action]();
    if (event.detail > 0 && event.target.closest("footer button")) {  // the space bar must not press it again
      document.activeElement.blur();
      focusCurrent();
    }
    const tile = event.target.closest(".tile");
    if (tile) toggleSelected(Number(tile.dataset.position));
  });
  byId("grid").addEventListener("dblclick", event => {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    go(Number(tile.dataset.position));
    setView("single");
  });
  byId("map").addEventListener("pointerdown", mapOn);
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) byId("map").addEventListener(name, mapOff);
  byId("class").addEventListener("change", event => {
    openClass(Number(event.target.value));
    event.target.blur();
  });
  byId("rename").addEventListener("submit", event => {
    event.preventDefault();
    const name = byId("reviewer").value.trim();
    if (name) location.assign(`?${new URLSearchParams({reviewer: name})}${location.hash}`);
  });
  addEventListener("beforeunload", event => { if (unsaved()) event.preventDefault(); });
  addEventListener("shown", render);
  addEventListener("resize", resize);
}

const listener = {
  changed: render, tell, notice, undone,
  waiting: message => {
    trouble("save", message ? `The server could not save: ${message}` : "The server does not answer.");
    render();
  },
  back: () => { trouble("save", null); fill(); },
  yes: async () => {
    if (byId("examples").querySelectorAll("img").length >= 3) return;
    const {generation, column} = state;
    const reply = await get("/api/examples", {column}).catch(() => null);
    if (reply && generation === state.generation) showExamples(reply.entries);
  },
};

async function begin() {
  const address = new URLSearchParams(location.search);
  state.reviewer = address.get("reviewer")?.trim() || "reviewer";
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.get("mode") === "audit") state.mode = "audit";
  if (wanted.get("view") === "single") state.view = "single";
  fillHelp(byId("keys"));
  listen();
  render();
  resize();
  if (!await fetchClasses()) return;
  start(`${state.run}:${state.identity}:${state.reviewer}`, listener);
  const asked = state.classes.find(found => String(found.column) === wanted.get("class")) ??
    state.classes.find(found => found.name === address.get("class"));
  const first = asked ?? state.classes.find(isOpen) ?? state.classes[0];
  if (first) openClass(first.column);
  else render();
  let asking = false;  // what others have answered meanwhile, and whether the server is there
  setInterval(async () => {
    if (asking || document.hidden) return;
    asking = true;
    if (await fetchClasses()) render();
    asking = false;
  }, 30_000);
}

begin();
