// The Scoreboard's table: filter by paper, verdict and basis, search, sort by a column. Without this script
// the whole table is there to read.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.ledger");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];

  const bar = document.createElement("form");
  bar.className = "ledger-bar";
  bar.setAttribute("role", "search");
  bar.setAttribute("aria-label", "Filter the claims");
  bar.addEventListener("submit", (event) => event.preventDefault());

  const field = (name, control) => {
    const label = document.createElement("label");
    label.append(name, control);
    bar.append(label);
    return control;
  };
  const choice = (name, key) => {
    const select = document.createElement("select");
    select.name = key;
    const values = [...new Set(rows.map((row) => row.dataset[key]).filter(Boolean))].sort();
    select.append(new Option("all", ""));
    for (const value of values) select.append(new Option(value.replaceAll("-", " "), value));
    return field(name, select);
  };
  const filters = [choice("Paper", "paper"), choice("Verdict", "verdict"), choice("Basis", "basis")];
  const search = document.createElement("input");
  search.type = "search";
  search.name = "words";
  search.placeholder = "words in any column";
  field("Search", search);
  const count = document.createElement("p");
  count.className = "ledger-count";
  count.setAttribute("role", "status");
  bar.append(count);
  table.closest(".ledger-wrap").before(bar);

  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits =
        filters.every((select) => !select.value || row.dataset[select.name] === select.value) &&
        words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  for (const select of filters) select.addEventListener("change", show);
  search.addEventListener("input", show);
  show();

  // A header sorts upwards, then downwards; numbers sort as numbers.
  const collator = new Intl.Collator("en", { numeric: true });
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const down = header.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].textContent.trim();
      rows.sort((a, b) => (down ? -1 : 1) * collator.compare(key(a), key(b)));
      body.append(...rows);
    });
  });

  // A link to a claim opens even when a filter hides its row.
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && rows.includes(target)) {
    target.hidden = false;
    target.scrollIntoView();
  }
});
