/** The grid, the single image, and which of their images are on screen. Names are set as text only. */
import {entryAt, page, state} from "./state.js";

const WIDTH = 210;  // of a tile, at least, in CSS pixels
const HEIGHT = .78;  // of a tile, at least, as a share of its width
const WORDS = {yes: "Yes", no: "No", unsure: "Unsure"};
const NOTHING = {answer: null, saved: true, flagged: false, flagSaved: true};
const byId = name => document.getElementById(name);
const grid = byId("grid"), single = byId("single"), frame = byId("frame");

/** How many tiles fit on the screen: sets the grid's columns, returns their number. */
export function fit() {
  const width = grid.clientWidth, height = byId("stage").clientHeight;
  if (!width || !height) return state.size;
  let columns = Math.max(2, Math.floor(width / WIDTH));
  let rows = Math.max(1, Math.floor(height / (HEIGHT * width / columns)));
  while (columns * rows > 24) {
    if (columns > rows) columns -= 1;
    else rows -= 1;
  }
  grid.style.setProperty("--columns", columns);
  grid.style.setProperty("--rows", rows);
  return columns * rows;
}

export function columns() {
  return Number(grid.style.getPropertyValue("--columns")) || 1;
}

/** An entry may be answered once its image has been painted where it stands. */
export function isShown(position) {
  const entry = entryAt(position);
  const holder = state.view === "grid" ? tileAt(position) : frame;
  return Boolean(entry) && holder?.dataset.shown === key(entry);
}

/** Its image cannot be shown. */
export function isBroken(position) {
  const holder = state.view === "grid" ? tileAt(position) : frame;
  return holder?.dataset.broken !== undefined && holder.dataset.key === key(entryAt(position));
}

export function tileAt(position) {
  return [...grid.children].find(tile => Number(tile.dataset.position) === position);
}

export function holderOf(position) {
  return state.view === "grid" ? tileAt(position) : frame;
}

const key = entry => entry ? `${state.generation}/${entry.row}` : "";

/** answerOf(entry) → {answer, saved, flagged, flagSaved} */
export function showEntries(answerOf, question) {
  const done = state.done;
  grid.hidden = done || state.view !== "grid";
  single.hidden = done || state.view !== "single";
  if (!grid.hidden) showGrid(answerOf);
  if (!single.hidden) showSingle(answerOf, question);
  const waiting = !done && !entryAt(state.current);
  byId("stage").setAttribute("aria-busy", String(waiting));
}

function showGrid(answerOf) {
  const positions = page();
  while (grid.children.length > positions.length) grid.lastChild.remove();
  while (grid.children.length < positions.length) grid.append(newTile());
  positions.forEach((position, place) => {
    const tile = grid.children[place], entry = entryAt(position);
    tile.dataset.position = position;
    placeImage(tile, entry, entry ? `/thumbnails/${entry.row}` : null);
    const given = entry ? answerOf(entry) : NOTHING;
    mark(tile, entry, given);
    tile.setAttribute("aria-selected", String(state.selected.has(position)));
    tile.tabIndex = position === state.current ? 0 : -1;
    tile.toggleAttribute("data-current", position === state.current);
    tile.setAttribute("aria-label", describe(entry, position, given));
  });
}

function newTile() {
  const tile = document.createElement("div");
  tile.className = "tile";
  tile.setAttribute("role", "option");
  return tile;
}

function showSingle(answerOf, question) {
  const entry = entryAt(state.current);
  placeImage(frame, entry, entry ? `/images/${entry.row}` : null, question);
  const given = entry ? answerOf(entry) : NOTHING;
  mark(frame, entry, given);
  byId("caption").textContent = entry ? nameAndAnswer(entry, given).join(" · ") : "";
}

/** Shows the image of an entry in a holder, anew only if it is another one. */
function placeImage(holder, entry, source, alternative = "") {
  const wanted = key(entry);
  if (holder.dataset.key === wanted) return;
  holder.dataset.key = wanted;
  delete holder.dataset.shown;
  delete holder.dataset.broken;
  holder.replaceChildren();
  if (!source) return;
  const image = new Image();
  image.alt = alternative;
  image.draggable = false;
  image.src = source;
  holder.append(image);
  image.decode().then(painted).then(() => {
    if (holder.dataset.key !== wanted) return;
    holder.dataset.shown = wanted;
    dispatchEvent(new Event("shown"));
  }, () => {
    if (holder.dataset.key !== wanted) return;
    holder.dataset.broken = "";
    const text = document.createElement("p");
    text.textContent = "This image cannot be shown.";
    holder.replaceChildren(text);
  });
}

function painted() {
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}

function mark(holder, entry, {answer, saved, flagged, flagSaved}) {
  if (answer) holder.dataset.answer = answer;
  else delete holder.dataset.answer;
  let chip = holder.querySelector(".chip");
  const words = chipWords(entry, answer, saved);
  if (!words) chip?.remove();
  else {
    chip ??= holder.appendChild(Object.assign(document.createElement("span"), {className: "chip"}));
    if (chip.textContent !== words) chip.textContent = words;
    chip.dataset.answer = answer ?? "";
    chip.toggleAttribute("data-unsaved", !saved);
  }
  let flag = holder.querySelector(".flagged");
  if (!flagged && flagSaved) flag?.remove();
  else {
    flag ??= holder.appendChild(Object.assign(document.createElement("span"), {className: "flagged"}));
    flag.textContent = (flagged ? "Flagged" : "Not flagged") + (flagSaved ? "" : " · not saved yet");
    flag.toggleAttribute("data-unsaved", !flagSaved);
  }
}

function chipWords(entry, answer, saved) {
  if (!entry || (!answer && saved)) return "";
  const word = answer ? WORDS[answer] : "Undone";
  if (!saved) return `${word} · not saved yet`;
  const other = entry.others.find(given => given.answer !== answer);
  return other ? `${word} · ${other.reviewer}: ${other.answer}` : word;
}

function describe(entry, position, given) {
  const place = `${(position + 1).toLocaleString("en")} of ${(state.total ?? 0).toLocaleString("en")}`;
  return entry ? [place, ...nameAndAnswer(entry, given)].join(" · ") : `Image ${place}, loading`;
}

function nameAndAnswer(entry, {answer, saved, flagged}) {
  const parts = [entry.image];
  parts.push(answer ? WORDS[answer] + (saved ? "" : ", not saved yet") : "not answered");
  if (answer && saved) parts.push(...entry.others.map(given => `${given.reviewer}: ${given.answer}`));
  if (flagged) parts.push("flagged");
  return parts;
}

/** Asks for images that will be shown next, so that they are there. */
const ahead = [];
export function preload(entries) {
  const folder = state.view === "grid" ? "thumbnails" : "images";
  for (const entry of entries) {
    const source = `/${folder}/${entry.row}`;
    if (ahead.some(image => image.dataset.source === source)) continue;
    const image = new Image();
    image.dataset.source = source;
    image.src = source;
    ahead.push(image);
  }
  ahead.splice(0, Math.max(0, ahead.length - 64));
}

/** The class activation map over the current image, while it is wanted. */
export function showMap(entry, loaded, failed) {
  hideMap();
  const holder = holderOf(state.current);
  if (!entry || !holder?.dataset.shown) return;
  const image = new Image();
  image.className = "map";
  image.alt = "Where the model sees the class";
  image.addEventListener("load", loaded);
  image.addEventListener("error", () => { image.remove(); failed(); });
  image.src = `/maps/${entry.row}/${entry.column}`;
  holder.append(image);
}

export function hideMap() {
  for (const image of document.querySelectorAll("img.map")) image.remove();
}
