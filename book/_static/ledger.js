// The Scoreboard's cards: filter by paper, verdict and basis, search, put in order. Without this script all
// cards are there to read.
document.addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector(".ledger ul.claims");
  if (!list) return;
  const cards = [...list.children];

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
    const values = [...new Set(cards.map((card) => card.dataset[key]).filter(Boolean))].sort();
    select.append(new Option("all", ""));
    const title = (value) => cards.find((card) => card.dataset[key] === value).dataset.title;
    for (const value of values)
      select.append(new Option(key === "paper" ? title(value) : value.replaceAll("-", " "), value));
    return field(name, select);
  };
  const filters = [choice("Paper", "paper"), choice("Verdict", "verdict"), choice("Basis", "basis")];
  const search = document.createElement("input");
  search.type = "search";
  search.name = "words";
  search.placeholder = "words of a claim";
  field("Search", search);
  const count = document.createElement("p");
  count.className = "ledger-count";
  count.setAttribute("role", "status");
  bar.append(count);
  list.before(bar);

  const texts = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const fits =
        filters.every((select) => !select.value || card.dataset[select.name] === select.value) &&
        words.every((word) => texts.get(card).includes(word));
      card.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${cards.length} claims`;
  };
  for (const select of filters) select.addEventListener("change", show);
  search.addEventListener("input", show);
  show();

  // In the order of the papers, or by verdict; within one verdict the papers keep their order.
  const order = document.createElement("select");
  order.name = "order";
  order.append(new Option("as in the papers", ""), new Option("by verdict", "verdict"));
  field("Order", order);
  bar.append(count);
  order.addEventListener("change", () => {
    const key = (card) => (order.value ? card.dataset.verdict : "");
    list.append(...[...cards].sort((a, b) => key(a).localeCompare(key(b))));
  });

  // A link to a claim opens even when a filter hides its card.
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && cards.includes(target)) {
    target.hidden = false;
    target.scrollIntoView();
  }
});
