// What every page of lmu-hw does: copy commands, sort tables, mark the section in view.
"use strict";
(() => {
  const announcer = document.querySelector(".announcer");
  const say = (text) => { if (announcer) announcer.textContent = text; };

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // pages from disk may have no clipboard: select the text in a hidden field
      const field = document.createElement("textarea");
      field.value = text;
      field.setAttribute("readonly", "");
      field.style.cssText = "position:fixed;opacity:0";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const focused = button;
      await copy(button.previousElementSibling.textContent);
      focused.focus();
      button.textContent = "Copied";
      say("Copied");
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  // A cell may carry data-value; else its text is read as a number if it starts like one.
  function valueOf(cell) {
    const text = (cell.dataset.value ?? cell.textContent).trim();
    const number = Number.parseFloat(text.replace(/[,\s]/g, "").replace("\u2212", "-").replace(/^[<~]/, ""));
    return Number.isNaN(number) ? text.toLowerCase() : number;
  }

  function compare(a, b) {
    if (typeof a === typeof b) {
      return typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    }
    return typeof a === "number" ? -1 : 1;
  }

  function sort(table, head, column) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
    rows.sort(([a], [b]) => (up ? compare(a, b) : compare(b, a)));
    body.append(...rows.map(([, row]) => row));
    say(`Sorted by ${head.textContent}, ${up ? "ascending" : "descending"}`);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.querySelectorAll("thead th")].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head, column));
    });
  }

  // Only what can scroll needs the focus.
  const areas = document.querySelectorAll(".wide[tabindex], .line pre[tabindex]");
  const mark = () => {
    for (const area of areas) area.tabIndex = area.scrollWidth > area.clientWidth ? 0 : -1;
  };
  mark();
  addEventListener("load", mark);
  addEventListener("resize", mark);

  const links = new Map([...document.querySelectorAll(".contents a[href^='#']")].map((a) => [a.hash.slice(1), a]));
  if (links.size && "IntersectionObserver" in window) {
    const seen = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) seen.add(target.id); else seen.delete(target.id);
      }
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) {
        if (id === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      }
    }, { rootMargin: "0px 0px -60% 0px" });
    for (const id of links.keys()) {
      const section = document.getElementById(id);
      if (section) observer.observe(section);
    }
  }
})();
