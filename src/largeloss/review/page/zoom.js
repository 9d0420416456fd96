/** Zoom of the single image: fitted or at least 100 %, and moving within it. */

const frame = document.getElementById("frame");
const button = document.getElementById("zoom");

export function isZoomed() {
  return frame.hasAttribute("data-zoomed");
}

/** Where the pointer is, if it is over the image, stays in place. */
export function zoom(wanted = !isZoomed(), x = null, y = null) {
  const image = frame.querySelector("img");
  if (!image || wanted === isZoomed()) return;
  const room = frame.getBoundingClientRect();
  const scale = Math.min(room.width / image.naturalWidth, room.height / image.naturalHeight);
  const fitted = {width: image.naturalWidth * scale, height: image.naturalHeight * scale};
  const part = x === null ? [.5, .5] : [
    within((x - room.left - (room.width - fitted.width) / 2) / fitted.width),
    within((y - room.top - (room.height - fitted.height) / 2) / fitted.height),
  ];
  frame.toggleAttribute("data-zoomed", wanted);
  button.setAttribute("aria-pressed", String(wanted));
  if (!wanted) return;
  const size = Math.max(1, 2 * scale);  // 100 %, or twice as large as fitted if that is more
  frame.style.setProperty("--width", `${image.naturalWidth * size}px`);
  frame.style.setProperty("--height", `${image.naturalHeight * size}px`);
  frame.scrollLeft = part[0] * image.naturalWidth * size - (x === null ? room.width / 2 : x - room.left);
  frame.scrollTop = part[1] * image.naturalHeight * size - (y === null ? room.height / 2 : y - room.top);
}

const within = part => Math.min(1, Math.max(0, part));

export function pan(right, down) {
  frame.scrollBy(right * 80, down * 80);
}

frame.addEventListener("wheel", event => {
  if (event.ctrlKey) return;
  event.preventDefault();
  if (event.deltaY) zoom(event.deltaY < 0, event.clientX, event.clientY);
}, {passive: false});
frame.addEventListener("dblclick", event => zoom(undefined, event.clientX, event.clientY));

let held = null;
frame.addEventListener("pointerdown", event => {
  if (!isZoomed() || event.pointerType === "touch") return;  // a finger scrolls by itself
  held = {x: event.clientX, y: event.clientY};
  frame.setPointerCapture(event.pointerId);
});
frame.addEventListener("pointermove", event => {
  if (!held) return;
  frame.scrollBy(held.x - event.clientX, held.y - event.clientY);
  held = {x: event.clientX, y: event.clientY};
});
for (const name of ["pointerup", "pointercancel"])
  frame.addEventListener(name, () => { held = null; });
