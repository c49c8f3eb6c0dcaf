// Wide content scrolls in a box of its own, which the keyboard can reach and a screen reader names.
document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector(".bd-article");
  if (!article) return;

  // The bibliography calls itself a list, but its entries are no list items.
  for (const list of article.querySelectorAll(".citation-list[role=list]")) list.removeAttribute("role");

  const ready = ".pst-scrollable-table-container, .cell_output .output.text_html";
  const boxes = [...article.querySelectorAll(ready)];
  for (const table of article.querySelectorAll("table")) {
    if (boxes.some((box) => box.contains(table))) continue;
    const box = document.createElement("div");
    box.className = "table-box";
    table.replaceWith(box);
    box.append(table);
    boxes.push(box);
  }

  const label = (box) => {
    if (box.matches(".math, mjx-container")) return "Formula";
    return box.querySelector("caption")?.textContent.trim() || "Table";
  };
  const update = () => {
    for (const box of [...boxes, ...article.querySelectorAll("div.math, mjx-container[display]")]) {
      const scrolls = box.scrollWidth > box.clientWidth;
      box.toggleAttribute("tabindex", scrolls);
      if (scrolls) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", label(box));
      } else {
        box.removeAttribute("role");
        box.removeAttribute("aria-label");
      }
    }
  };
  update();
  window.addEventListener("load", update);
  window.addEventListener("resize", update);
  // Formulas are typeset after the page has loaded.
  let due;
  const later = () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(update);
  };
  new MutationObserver(later).observe(article, { childList: true, subtree: true });
});
