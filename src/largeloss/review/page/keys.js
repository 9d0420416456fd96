/** Which key does what: one table, for the keyboard and for the help. */

/** [keys as events name them, as people do, action, what it does, may it repeat while held?] */
export const KEYS = [
  [["y"], "Y", "yes", "Yes: the class is there"],
  [["n"], "N", "no", "No: it is not"],
  [["u"], "U", "unsure", "Unsure"],
  [["Backspace"], "⌫", "undo", "Undo the last answer, or all that were given at once"],
  [["ArrowLeft"], "←", "left", "Previous image", true],
  [["ArrowRight"], "→", "right", "Next image", true],
  [["ArrowUp"], "↑", "up", "Grid: the row above", true],
  [["ArrowDown"], "↓", "down", "Grid: the row below", true],
  [["PageUp"], "Page ↑", "page-up", "Grid: the page before", true],
  [["PageDown"], "Page ↓", "page-down", "Grid: the page after", true],
  [[" "], "Space", "select", "Grid: select, or no longer; answers go to all that are selected"],
  [["Shift+ArrowLeft"], "⇧ ←", "select-left", "Grid: select to the left; zoomed: move", true],
  [["Shift+ArrowRight"], "⇧ →", "select-right", "Grid: select to the right; zoomed: move", true],
  [["Shift+ArrowUp"], "⇧ ↑", "pan-up", "Zoomed: move up", true],
  [["Shift+ArrowDown"], "⇧ ↓", "pan-down", "Zoomed: move down", true],
  [["a"], "A", "select-all", "Grid: select all that are not answered"],
  [["Shift+n"], "⇧ N", "all-no", "Grid: no for all that are not answered, as one step"],
  [["Enter"], "↵", "toggle", "Grid or single image"],
  [["Escape"], "Esc", "grid", "Nothing selected; back to the grid"],
  [["m"], "M", "map", "Where the model sees the class, while the key is held"],
  [["z"], "Z", "zoom", "Single image: fitted or 100 %, also by wheel and double click"],
  [["f"], "F", "flag", "Flag: something is wrong with the image"],
  [["["], "[", "previous-class", "Previous class"],
  [["]"], "]", "next-class", "Next class"],
  [["?"], "?", "help", "This help"],
];

/** The action that a key asks for here; null if it is not for us. */
export function actionOf(event, open) {
  if (event.ctrlKey || event.metaKey || event.altKey || open) return null;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest("input, select, textarea, dialog")) return null;
  const named = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const name = event.shiftKey && (event.key.length > 1 || named !== event.key) ? `Shift+${named}` : named;
  const found = KEYS.find(([keys]) => keys.includes(name)) ?? KEYS.find(([keys]) => keys.includes(named));
  if (!found) return null;
  if (target.closest("button") && ["Enter", " "].includes(event.key)) return null;
  return {action: found[2], mayRepeat: Boolean(found[4])};
}

export function fillHelp(body) {
  for (const [, shown, , text] of KEYS) {
    const row = body.insertRow();
    const key = document.createElement("kbd");
    key.textContent = shown;
    const head = document.createElement("th");
    head.append(key);
    row.append(head);
    row.insertCell().textContent = text;
  }
}
