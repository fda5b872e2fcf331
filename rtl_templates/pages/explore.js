// The plots, the table and the chosen point of explore.html. All of them show one list of points.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const say = (text) => { document.querySelector(".announcer").textContent = text; };
  const N = data.numbers.length;
  const DRAWN = 2000; // points off the fronts in a plot
  const ROWS = 100; // rows of the table to begin with, and more of them at a time
  const SYMBOLS = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond, d3.symbolPlus, d3.symbolWye];
  const CROSS = d3.symbolTimes, STAR = d3.symbolStar, CIRCLE = d3.symbolCircle;
  const COLOURS = ["var(--blue)", "var(--orange)", "var(--green)", "var(--purple)", "var(--red)"];

  const textOf = (column, k) => column.texts[column.at ? column.at[k] : 0];
  const commandOf = (k) => data.commands.map((word) => textOf(word, k)).join(" ");
  const number = (value) => {
    if (value === null || value === undefined) return "\u2013";
    if (Number.isInteger(value)) return value.toLocaleString("en");
    return Math.abs(value) >= 100
      ? value.toLocaleString("en", { maximumFractionDigits: 1 })
      : String(Number(value.toPrecision(4)));
  };
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  for (const column of data.columns) {
    if (column.few) column.values = column.at.map((place) => column.few[place]);
  }
  for (const target of data.targets) {
    target.front = new Set(target.front);
    target.measured = new Set(target.measured);
    target.unfit = new Set(target.unfit);
  }
  const nameOf = (column) => (column.target && column.target !== "quality" ? `${column.label}, ${column.target}` : column.label);
  const quality = data.columns.filter((c) => c.target === "quality");
  const ofPoint = data.columns.filter((c) => c.target === "");
  const ofTarget = (name) => data.columns.filter((c) => c.target === name);
  const find = (target, key) => data.columns.find((c) => c.target === target && c.key === key);
  const pickedAt = data.numbers.indexOf(data.picked);

  const state = { target: data.targets[0], chosen: null, sort: null, up: true, rows: ROWS, shown: [] };

  // --- what is shown -----------------------------------------------------------------------------

  function fill(select, columns, chosen) {
    select.replaceChildren(...columns.map((c) => new Option(nameOf(c), data.columns.indexOf(c))));
    if (chosen) select.value = data.columns.indexOf(chosen);
  }
  const columnOf = (id) => data.columns[Number(byId(id).value)];

  function fillTarget() {
    const name = state.target ? state.target.name : "";
    const columns = [...ofTarget(name), ...ofPoint, ...quality];
    const first = state.target?.board ? ["flash", "instructions"] : ["luts", "steps_per_second"];
    const left = find(name, first[0]) ?? find("", "rom_bits") ?? columns[0];
    const right = find(name, first[1]) ?? find("", "multiplies") ?? columns[1] ?? columns[0];
    fill(byId("left"), columns, left);
    fill(byId("right"), columns, right);
    fillLimits();
  }

  function fillLimits() {
    const name = state.target ? state.target.name : "";
    const some = [...quality, ...ofTarget(name), find("", "cycles_per_step")].filter(Boolean);
    byId("limits").replaceChildren(...some.map((column) => {
      const most = column.better === "low";
      const input = element("input", { type: "number", step: "any", "data-column": data.columns.indexOf(column) });
      return element("label", {}, `${nameOf(column)} ${most ? "at most" : "at least"}`, input);
    }));
  }

  function fillSettings() {
    const fields = data.axes.map((axis, a) => {
      if (!axis.values.at) return null;
      const boxes = axis.values.texts.map((text, v) =>
        element("label", {}, element("input", { type: "checkbox", checked: true, "data-axis": a, "data-value": v }), text || "\u2013"));
      return element("fieldset", {}, element("legend", {}, axis.name), element("div", { class: "choices" }, ...boxes));
    });
    const more = [["front", "on the front of the target"], ["measured", "measured on the target"], ["fits", "fits the target"], ["meets", "meets the constraints"]];
    const boxes = more.map(([key, text]) => element("label", {}, element("input", { type: "checkbox", "data-only": key }), text));
    const only = element("fieldset", {}, element("legend", {}, "only those that are or do"), element("div", { class: "choices" }, ...boxes));
    byId("settings").replaceChildren(...fields.filter(Boolean), only);
  }

  function points() {
    const limits = [...byId("limits").querySelectorAll("input")]
      .filter((input) => input.value !== "" && !Number.isNaN(input.valueAsNumber))
      .map((input) => [data.columns[input.dataset.column], input.valueAsNumber]);
    const off = [...document.querySelectorAll("[data-axis]")].filter((box) => !box.checked)
      .map((box) => [data.axes[box.dataset.axis].values, Number(box.dataset.value)]);
    const only = new Set([...document.querySelectorAll("[data-only]")].filter((box) => box.checked).map((box) => box.dataset.only));
    const t = state.target;
    const found = [];
    for (let k = 0; k < N; k++) {
      if (limits.some(([c, limit]) => c.values[k] === null || (c.better === "low" ? c.values[k] > limit : c.values[k] < limit))) continue;
      if (off.some(([values, v]) => values.at[k] === v)) continue;
      if (only.has("front") && !t?.front.has(k)) continue;
      if (only.has("measured") && !t?.measured.has(k)) continue;
      if (only.has("fits") && t?.unfit.has(k)) continue;
      if (only.has("meets") && textOf(data.misses, k)) continue;
      found.push(k);
    }
    return found;
  }

  // --- plots -------------------------------------------------------------------------------------

  const log = (values) => {
    const some = values.filter((v) => v !== null);
    const low = Math.min(...some), high = Math.max(...some);
    return low > 0 && high / low > 20;
  };

  function scaleOf(column, values) {
    const some = values.filter((v) => v !== null);
    const options = { type: "linear", nice: true, tickFormat: ticks, ticks: 6, labelArrow: "none" };
    if (!some.length || !log(some)) return options;
    const low = Math.floor(Math.log10(Math.min(...some))), high = Math.ceil(Math.log10(Math.max(...some)));
    const steps = high - low > 2 ? [1] : [1, 2, 5];
    const marks = d3.range(low, high + 1).flatMap((p) => steps.map((s) => s * 10 ** p));
    const [least, most] = [Math.min(...some) / 1.15, Math.max(...some) * 1.15];
    const inside = marks.filter((v) => v >= least && v <= most);
    return { ...options, type: "log", nice: false, domain: [least, most], ticks: inside.length > 1 ? inside : 4 };
  }

  // the points of which no other is better in both figures, as the corners of a line
  function stairs(list, x, y) {
    const sx = x.better === "high" ? -1 : 1, sy = y.better === "high" ? -1 : 1;
    const best = [];
    for (const k of list.slice().sort((a, b) => sx * (x.values[a] - x.values[b]) || sy * (y.values[a] - y.values[b]))) {
      if (!best.length || sy * y.values[k] < sy * y.values[best.at(-1)]) best.push(k);
    }
    return best;
  }

  // colours of the values of an axis: a few of their own, more as steps from blue to orange
  function palette() {
    const chosen = byId("colours").value;
    if (chosen === "") return null;
    const axis = data.axes[Number(chosen)];
    const texts = axis.values.texts;
    const colour = (v) => (texts.length <= COLOURS.length
      ? COLOURS[v]
      : `color-mix(in oklab, var(--orange) ${Math.round((100 * v) / (texts.length - 1))}%, var(--blue))`);
    return { axis, texts, colour, symbol: (v) => SYMBOLS[v % SYMBOLS.length] };
  }

  const missed = (k) => state.target?.unfit.has(k) || textOf(data.misses, k) !== "";

  function tip(k, x, y) {
    const settings = data.axes.map((axis) => `${axis.name} ${textOf(axis.values, k)}`).join(", ");
    const target = data.targets.find((t) => t.name === x.target);
    const basis = !target ? "" : target.measured.has(k) ? " (measured)" : " (estimated)";
    return `point ${data.numbers[k]}: ${settings}\n${x.label}: ${number(x.values[k])}${basis}\n${y.label}: ${number(y.values[k])}`;
  }

  function draw(id, x, y, shown) {
    const figure = byId(`${id}-plot`), holder = figure.querySelector(".plot");
    const t = state.target;
    const there = shown.filter((k) => x.values[k] !== null && y.values[k] !== null);
    const front = there.filter((k) => t?.front.has(k)).sort((a, b) => x.values[a] - x.values[b]);
    const rest = there.filter((k) => !t?.front.has(k));
    // an even choice of the others, so that the page stays quick
    const step = Math.max(1, Math.ceil(rest.length / DRAWN));
    const some = rest.filter((_, place) => place % step === 0);
    const drawn = [...some, ...front];
    const colours = palette();
    const colour = (k) => (colours ? colours.colour(colours.axis.values.at ? colours.axis.values.at[k] : 0)
      : t?.front.has(k) ? "var(--blue)" : "var(--muted)");
    const symbol = (k) => (missed(k) ? CROSS : colours ? colours.symbol(colours.axis.values.at ? colours.axis.values.at[k] : 0) : CIRCLE);
    const fillOf = (k) => (t?.measured.has(k) && !missed(k) ? colour(k) : "none");
    const dots = (list, options) => Plot.dot(list, {
      x: (k) => x.values[k], y: (k) => y.values[k], symbol: { value: symbol, scale: null }, stroke: colour, fill: fillOf, ...options,
    });
    const xs = scaleOf(x, there.map((k) => x.values[k])), ys = scaleOf(y, there.map((k) => y.values[k]));
    const wide = Math.max(280, holder.clientWidth || 480);
    const one = (k, options) => (there.includes(k)
      ? [Plot.dot([k], { x: (j) => x.values[j], y: (j) => y.values[j], ...options })] : []);
    const svg = Plot.plot({
      width: wide, height: Math.round(Math.min(420, wide * 0.72)), marginLeft: 58, marginBottom: 42, marginTop: 26, marginRight: 16,
      style: { fontFamily: "inherit", fontSize: "12px", color: "var(--ink)", background: "none" },
      x: { ...xs, label: `${x.label} \u2192` },
      y: { ...ys, label: `\u2191 ${y.label}` },
      marks: [
        Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1, ticks: xs.ticks }), Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ticks: ys.ticks }),
        Plot.line(stairs(there.filter((k) => !missed(k)), x, y), { x: (k) => x.values[k], y: (k) => y.values[k], curve: x.better === "high" ? "step-before" : "step-after", stroke: "var(--blue)", strokeWidth: 1.2, strokeDasharray: "4 3" }),
        dots(some, { r: 3, strokeWidth: 1.1, strokeOpacity: colours ? 0.85 : 0.6, fillOpacity: 0.6 }),
        dots(front, { r: 4.6, strokeWidth: 1.8 }),
        ...one(pickedAt, { symbol: { value: () => STAR, scale: null }, r: 9, stroke: "var(--paper)", fill: "var(--orange)", strokeWidth: 1 }),
        ...one(state.chosen, { r: 10, stroke: "var(--red)", strokeWidth: 2.4, fill: "none" }),
        Plot.tip(drawn, Plot.pointer({ x: (k) => x.values[k], y: (k) => y.values[k], title: (k) => tip(k, x, y), stroke: "var(--muted)", fill: "var(--raised)", maxRadius: 24 })),
      ],
    });
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${y.label} against ${x.label}: ${there.length} points, ${front.length} on the front of ${t ? t.name : "no target"}`);
    holder.setAttribute("aria-label", `Plot: ${y.label} against ${x.label}`);
    let under = null;
    svg.addEventListener("input", () => { under = svg.value ?? null; });
    svg.addEventListener("click", () => { if (under !== null) choose(under); });
    svg.style.cursor = "pointer";
    // the label of the whole plot is enough, and a group without a role may have none
    const plain = () => svg.querySelectorAll("g[aria-label]").forEach((g) => { g.dataset.mark = g.getAttribute("aria-label"); g.removeAttribute("aria-label"); });
    plain();
    new MutationObserver(plain).observe(svg, { childList: true, subtree: true });
    holder.replaceChildren(svg);
    const left = rest.length - some.length;
    figure.querySelector("figcaption").textContent = `${nameOf(y)} against ${nameOf(x)}; best at the ${y.better === "high" ? "upper" : "lower"} ${x.better === "high" ? "right" : "left"}.`
      + (left ? ` ${some.length.toLocaleString("en")} of ${rest.length.toLocaleString("en")} points off the front are drawn.` : "")
      + (there.length ? "" : " No point has both figures.");
    holder.front = front;
    holder.drawn = drawn.slice().sort((a, b) => x.values[a] - x.values[b]);
  }

  function ticks(value) {
    return Math.abs(value) >= 10000 ? d3.format("~s")(value).replace("G", "B") : number(value);
  }

  function mark(shape, stroke, fill) {
    const path = d3.symbol(shape, shape === STAR ? 90 : 48)();
    const holder = element("span");
    holder.innerHTML = `<svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true"><path d="${path}" fill="${fill}" stroke="${stroke}" stroke-width="1.6"/></svg>`;
    return holder.firstChild;
  }

  function legend() {
    const colours = palette();
    const rows = colours
      ? colours.texts.map((text, v) => [mark(colours.symbol(v), colours.colour(v), "none"), `${colours.axis.name} ${text}`])
      : [[mark(CIRCLE, "var(--blue)", "none"), "Pareto front"], [mark(CIRCLE, "var(--muted)", "none"), "other points"]];
    const line = element("span");
    line.innerHTML = '<svg width="26" height="10" aria-hidden="true"><path d="M0 5H26" stroke="var(--blue)" stroke-width="1.4" stroke-dasharray="4 3"/></svg>';
    rows.push([line.firstChild, "best of these two figures"], [mark(CIRCLE, "var(--ink)", "var(--ink)"), "filled: measured"], [mark(CROSS, "var(--ink)", "none"), "misses a constraint, or does not fit"]);
    if (pickedAt >= 0) rows.push([mark(STAR, "none", "var(--orange)"), "recommended"]);
    rows.push([mark(CIRCLE, "var(--red)", "none"), "chosen"]);
    byId("legend").replaceChildren(...rows.map(([sign, text]) => element("span", {}, sign, text)));
  }

  function keys(event) {
    const holder = event.currentTarget;
    const list = ["ArrowUp", "ArrowDown"].includes(event.key) ? holder.drawn : holder.front.length ? holder.front : holder.drawn;
    const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!list?.length || (move === undefined && !["Home", "End"].includes(event.key))) return;
    event.preventDefault();
    const at = list.indexOf(state.chosen);
    let next = at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + move));
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = list.length - 1;
    choose(list[next]);
  }

  // --- table -------------------------------------------------------------------------------------

  function heads() {
    const name = state.target ? state.target.name : "";
    return [
      { label: "point", of: (k) => data.numbers[k], numeric: true },
      ...data.axes.map((axis) => ({ label: axis.name, of: (k) => textOf(axis.values, k), numeric: axis.values.texts.every((t) => t === "" || !Number.isNaN(Number(t))) })),
      ...[...quality, ...(ofTarget(name).length ? ofPoint.slice(0, 1) : ofPoint), ...ofTarget(name)].map((c) => ({ label: nameOf(c), of: (k) => c.values[k], numeric: true, better: c.better })),
      ...(ofTarget(name).length ? [{ label: "figures", of: (k) => (textOf(data.refused, k) ? "none" : state.target.measured.has(k) ? "measured" : "estimated"), numeric: false }] : []),
    ];
  }

  function sorted(list, columns) {
    const column = columns.find((c) => c.label === state.sort);
    if (!column) return list;
    const sign = state.up ? 1 : -1;
    return list.map((k) => [column.numeric ? toNumber(column.of(k)) : column.of(k), k]).sort(([a, i], [b, j]) => {
      if (a === null || b === null) return a === b ? i - j : a === null ? 1 : -1; // what is missing comes last
      return sign * (column.numeric ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })) || i - j;
    }).map(([, k]) => k);
  }
  const toNumber = (value) => (value === null || value === "" || value === undefined || Number.isNaN(Number(value)) ? null : Number(value));

  function table() {
    const columns = heads();
    const body = byId("all").tBodies[0];
    byId("all").tHead.replaceChildren(element("tr", {}, ...columns.map((column) => {
      const sort = state.sort === column.label ? (state.up ? "ascending" : "descending") : null;
      const button = element("button", { type: "button" }, column.label);
      button.addEventListener("click", () => {
        state.up = state.sort === column.label ? !state.up : column.better !== "high";
        state.sort = column.label;
        table();
        [...byId("all").tHead.querySelectorAll("button")].find((b) => b.textContent === column.label)?.focus();
        say(`Sorted by ${column.label}, ${state.up ? "ascending" : "descending"}`);
      });
      return element("th", { scope: "col", class: column.numeric ? "number" : null, "aria-sort": sort }, button);
    })));
    const order = sorted(state.shown, columns);
    body.replaceChildren(...order.slice(0, state.rows).map((k) => row(k, columns)));
    byId("more").hidden = order.length <= state.rows;
    byId("more").textContent = `Show ${Math.min(ROWS, order.length - state.rows)} more of ${(order.length - state.rows).toLocaleString("en")}`;
    byId("shown").textContent = order.length === N ? `All ${N.toLocaleString("en")} points.` : `${order.length.toLocaleString("en")} of ${N.toLocaleString("en")} points.`;
    state.order = order;
  }

  function row(k, columns) {
    const button = element("button", { type: "button", "aria-label": `Choose point ${data.numbers[k]}` }, String(data.numbers[k]));
    button.addEventListener("click", () => choose(k));
    const cells = columns.slice(1).map((column) => {
      const value = column.of(k);
      return element("td", { class: column.numeric ? "number" : "from" }, typeof value === "number" || value === null ? number(value) : value || "\u2013");
    });
    return element("tr", { "data-point": k, "aria-current": k === state.chosen ? "true" : null }, element("th", { scope: "row", class: "number" }, button), ...cells);
  }

  // --- the chosen point --------------------------------------------------------------------------

  function card() {
    const k = state.chosen;
    if (k === null) return;
    const why = textOf(data.refused, k), misses = textOf(data.misses, k);
    const settings = data.axes.map((axis) => `${axis.name} ${textOf(axis.values, k) || "\u2013"}`).join(", ");
    const parts = [element("h3", {}, `Point ${data.numbers[k]}: ${settings}`)];
    if (why) parts.push(element("p", { class: "warning" }, why));
    if (misses) parts.push(element("p", { class: "warning" }, `Misses: ${misses}`));
    const on = data.targets.filter((t) => t.front.has(k)).map((t) => t.name);
    if (on.length) parts.push(element("p", {}, `On the Pareto front of ${on.join(", ")}.`));
    if (!why || data.digests[k]) parts.push(commandLine("Generate it:", commandOf(k)), commandLine("Its report:", reportOf(commandOf(k))));
    for (const one of data.targets) if (textOf(one.refused, k)) parts.push(element("p", { class: "warning" }, `${one.name}: ${textOf(one.refused, k)}`));
    const groups = [["Design", [...quality, ...ofPoint]],
      ...data.targets.filter((one) => ofTarget(one.name).length).map((one) => [`${one.name}, ${one.measured.has(k) ? "measured" : "estimated"}`, ofTarget(one.name)])];
    const tables = groups.map(([caption, columns]) => {
      const rows = columns.filter((c) => c.values[k] !== null).map((c) => element("tr", {},
        element("th", { scope: "row" }, c.label), element("td", { class: "number" }, number(c.values[k]))));
      return rows.length ? element("table", {}, element("caption", {}, caption), element("tbody", {}, ...rows)) : "";
    });
    parts.push(element("div", { class: "sets" }, ...tables.filter(Boolean)));
    if (data.digests[k]) parts.push(element("p", { class: "digest" }, "program ", element("code", {}, data.digests[k])));
    byId("card").replaceChildren(...parts);
  }

  function commandLine(purpose, text) {
    const copy = element("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}` }, "Copy");
    copy.addEventListener("click", () => copyText(text, copy));
    return element("div", { class: "command" }, element("p", {}, purpose),
      element("div", { class: "line" }, element("pre", { tabindex: "0" }, element("code", {}, text)), copy));
  }

  function reportOf(command) {
    const words = command.split(" "), at = words.indexOf("-o");
    return `lmu-hw report ${at < 0 ? data.directory : words[at + 1]}`;
  }

  async function copyText(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = element("textarea", { readonly: true, style: "position:fixed;opacity:0" });
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  function choose(k) {
    state.chosen = k;
    plots();
    card();
    for (const one of byId("all").tBodies[0].rows) {
      if (Number(one.dataset.point) === k) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
    }
    const settings = data.axes.map((axis) => `${axis.name} ${textOf(axis.values, k)}`).join(", ");
    say(`Point ${data.numbers[k]}: ${settings}`);
    try { history.replaceState(null, "", `#point-${data.numbers[k]}`); } catch { /* a page without an address */ }
  }

  // --- together ----------------------------------------------------------------------------------

  function plots() {
    const y = columnOf("vertical");
    for (const id of ["left", "right"]) draw(id, columnOf(id), y, state.shown);
    legend();
  }

  function refresh() {
    state.shown = points();
    state.rows = ROWS;
    byId("filtered").textContent = state.shown.length === N ? "" : `(${state.shown.length.toLocaleString("en")} of ${N.toLocaleString("en")})`;
    plots();
    table();
  }

  function saveCsv() {
    const columns = [...data.axes.map((axis) => [axis.name, (k) => textOf(axis.values, k)]),
      ...data.columns.map((c) => [c.target && c.target !== "quality" ? `${c.target} ${c.label}` : c.label, (k) => c.values[k]]),
      ...data.targets.filter((t) => ofTarget(t.name).length).map((t) => [`${t.name} from`, (k) => (t.measured.has(k) ? "measured" : "estimated")]),
      ["command", commandOf]];
    const cell = (value) => {
      const text = value === null ? "" : String(value);
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [["point", ...columns.map(([name]) => name)], ...state.order.map((k) => [data.numbers[k], ...columns.map(([, of]) => of(k))])];
    const blob = new Blob([lines.map((line) => line.map(cell).join(",") + "\n").join("")], { type: "text/csv" });
    const link = element("a", { href: URL.createObjectURL(blob), download: "points.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  byId("target").replaceChildren(...data.targets.map((t, k) => new Option(t.name, k)));
  fill(byId("vertical"), [...quality, ...ofPoint, ...data.targets.flatMap((t) => ofTarget(t.name))], quality[0]);
  byId("colours").replaceChildren(new Option("Pareto front", ""), ...data.axes.map((axis, k) => (axis.values.at ? new Option(axis.name, k) : "")).filter(Boolean));
  fillTarget();
  fillSettings();
  byId("target").addEventListener("change", () => { state.target = data.targets[Number(byId("target").value)]; fillTarget(); refresh(); });
  for (const id of ["vertical", "left", "right", "colours"]) byId(id).addEventListener("change", plots);
  for (const id of ["limits", "settings"]) byId(id).addEventListener("input", refresh);
  const form = document.querySelector(".controls");
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", (event) => {
    event.preventDefault();
    for (const input of byId("limits").querySelectorAll("input")) input.value = "";
    for (const box of byId("settings").querySelectorAll("input")) box.checked = box.dataset.only === undefined;
    refresh();
  });
  byId("more").addEventListener("click", () => { state.rows += ROWS; table(); });
  byId("csv").addEventListener("click", saveCsv);
  for (const holder of document.querySelectorAll(".plot")) holder.addEventListener("keydown", keys);
  form.hidden = byId("plot-help").hidden = byId("csv").hidden = false;
  const asked = Number(/^#point-(\d+)$/.exec(location.hash)?.[1]);
  const first = data.numbers.indexOf(asked);
  if (first >= 0) state.chosen = first;
  refresh();
  card();
  let pending = 0;
  addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(plots, 120); });
})();
