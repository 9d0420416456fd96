/** What the page knows: the class under review, its entries by position, and where one stands. */
import {get} from "./server.js";

export const state = {
  reviewer: "reviewer",
  run: "", identity: "", reviewers: [], agreement: {both: 0, agree: 0}, classes: [],
  column: null,
  mode: "suggestions",  // or "audit"
  view: "grid",         // or "single"
  total: null,          // entries of the class; null until the first are there
  entries: new Map(),   // by position, from 0
  current: 0,
  done: false,          // nothing of the class is open
  size: 12,             // tiles of the grid
  selected: new Set(),  // positions
  generation: 0,        // counts changes of class and mode: late replies are recognised by it
};

export const LIMIT = 48;  // entries asked for at once

export function classNow() {
  return state.classes.find(found => found.column === state.column);
}

export function entryAt(position) {
  return state.entries.get(position);
}

/** Positions of the grid's tiles. */
export function page() {
  const first = Math.floor(state.current / state.size) * state.size;
  const last = Math.min(first + state.size, state.total ?? first + state.size);
  return Array.from({length: Math.max(0, last - first)}, (_, place) => first + place);
}

/** Positions that are shown: of the grid, or the single one. */
export function visible() {
  if (state.done) return [];
  return state.view === "grid" ? page() : [state.current];
}

export function forget() {
  state.entries = new Map();
  state.selected = new Set();
  state.total = null;
  state.current = 0;
  state.done = false;
  state.generation += 1;
}

/** Fetches those of the positions that are missing; false if class or mode changed meanwhile. */
export async function load(positions) {
  const missing = positions.filter(position =>
    !state.entries.has(position) && (state.total === null || position < state.total));
  if (!missing.length) return true;
  const start = Math.max(0, missing[0]);
  const limit = Math.min(LIMIT, missing.at(-1) - start + 1);
  return (await fetchEntries({start, limit})) !== null;
}

/** The first position that is open and has no pending answer; null if there is none, undefined if
    class or mode changed meanwhile. */
export async function firstOpen(pending) {
  for (let start = 0; ; start += LIMIT) {
    const reply = await fetchEntries({start, limit: LIMIT, open: 1});
    if (reply === null) return undefined;
    const found = reply.entries.find(entry => pending(entry.row, entry.column) == null);
    if (found) return found.rank - 1;
    if (start + LIMIT >= reply.open) return null;
  }
}

let clock = 0;
const acknowledged = new Map();  // "row/column" → what the server said last, and when

/** Notes what the server has acknowledged of an entry, over what earlier calls will still say. */
export function acknowledge(row, column, changes) {
  const key = `${row}/${column}`;
  clock += 1;
  const before = acknowledged.get(key)?.changes;
  acknowledged.set(key, {clock, changes: {...before, ...changes}});
  const entry = [...state.entries.values()].find(e => e.row === row && e.column === column);
  if (entry) Object.assign(entry, changes);
}

async function fetchEntries(parameters) {
  const {generation, column, mode, reviewer} = state;
  const asked = clock;
  const reply = await get("/api/entries", {column, mode, reviewer, ...parameters});
  if (generation !== state.generation) return null;
  state.total = reply.total;
  for (const entry of reply.entries) {
    const later = acknowledged.get(`${entry.row}/${entry.column}`);
    if (later && later.clock > asked) Object.assign(entry, later.changes);
    const known = state.entries.get(entry.rank - 1);
    if (known) Object.assign(known, entry);
    else state.entries.set(entry.rank - 1, entry);
  }
  return reply;
}

/** Is anything of the class open to this reviewer, as far as the server knows? */
export function isOpen(found) {
  return found.open[state.mode] > 0;
}

/** The next class with open entries, after the current one and round; undefined if there is none. */
export function nextOpenClass() {
  const place = state.classes.findIndex(found => found.column === state.column);
  const order = [...state.classes.slice(place + 1), ...state.classes.slice(0, place)];
  return order.find(isOpen);
}
