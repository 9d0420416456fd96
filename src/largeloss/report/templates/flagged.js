(() => {
  const table = document.getElementById("flagged-table");
  const data = JSON.parse(document.getElementById("flagged-data").textContent);
  const controls = document.getElementById("flagged-controls");
  const [find, verdict] = [controls.querySelector("input"), controls.querySelector("select")];
  const count = document.getElementById("flagged-count");
  const [back, on] = controls.querySelectorAll("nav button");
  const text = (row, column) => column === 0 ? data.images[row[0]] : data.classes[row[1]];
  let column = 2, ascending = false, page = 0;

  function compare(one, two) {
    const order = column < 2
      ? text(one, column).localeCompare(text(two, column), undefined, {numeric: true})
      : one[column] - two[column];
    return (ascending ? order : -order) || two[2] - one[2];
  }

  function show() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = data.rows.filter(row =>
      (verdict.value === "" || row[3] === Number(verdict.value)) &&
      words.every(word => `${text(row, 0)} ${text(row, 1)}`.toLowerCase().includes(word)));
    rows.sort(compare);
    const pages = Math.max(1, Math.ceil(rows.length / data.shown));
    page = Math.min(Math.max(page, 0), pages - 1);
    const first = page * data.shown;
    const body = document.createElement("tbody");
    for (const row of rows.slice(first, first + data.shown)) {
      const line = body.insertRow();
      const cells = [text(row, 0), text(row, 1), row[2].toFixed(2), data.verdicts[row[3]]];
      for (const cell of cells) line.insertCell().textContent = cell;
      line.cells[0].className = "name";
    }
    table.tBodies[0].replaceWith(body);
    const last = Math.min(first + data.shown, rows.length);
    count.textContent = rows.length
      ? `${first + 1} to ${last} of ${rows.length.toLocaleString("en")}` : "none";
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
    [...table.tHead.rows[0].cells].forEach((cell, place) =>
      cell.setAttribute("aria-sort",
        place !== column ? "none" : ascending ? "ascending" : "descending"));
  }

  [...table.tHead.rows[0].cells].forEach((cell, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      ascending = place === column ? !ascending : place < 2;
      column = place;
      page = 0;
      show();
    });
  });
  for (const control of [find, verdict])
    control.addEventListener("input", () => { page = 0; show(); });
  back.addEventListener("click", () => { page -= 1; show(); });
  on.addEventListener("click", () => { page += 1; show(); });
  controls.hidden = false;
  show();
})();
