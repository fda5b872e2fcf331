// The live page: asks the server for steps and draws the frames that come back.
(() => {
  const setting = SETTING;
  const $ = (id) => document.getElementById(id);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const announcer = document.querySelector(".announcer");
  const count = d3.format(",");
  const short = d3.format(".3~g");
  const percent = (share) => `${d3.format(share < 0.1 ? ".1f" : ".0f")(100 * share)} %`;
  const rate = setting.sample_rate;
  // milliseconds where the sample rate is known
  const perStep = rate ? 1000 / rate : 1;
  const timeUnit = rate ? "ms" : "samples";

  // ---- charts: an SVG as wide as its place, with axes and named layers

  class Chart {
    constructor(id, legend) {
      this.svg = d3.select(`#${id}-chart`);
      this.text = $(`${id}-text`);
      this.height = +this.svg.attr("height");
      this.margin = { top: 8, right: 12, bottom: 34, left: 52 };
      const legends = d3.select(`#${id}-legend`).selectAll("span").data(legend).join("span");
      legends.append("svg").attr("aria-hidden", "true").each(function draw([kind]) {
        const key = d3.select(this);
        if (kind.startsWith("bar")) key.append("rect").attr("class", kind).attr("width", 34).attr("height", 12);
        else key.append("line").attr("class", kind).attr("x1", 0).attr("x2", 34).attr("y1", 6).attr("y2", 6);
      });
      legends.append("span").text(([, name]) => name);
    }

    // Start a drawing: clear what was there if the width has changed.
    begin() {
      const width = this.svg.node().clientWidth || 600;
      if (width !== this.width) {
        this.width = width;
        this.svg.attr("viewBox", `0 0 ${width} ${this.height}`).selectAll("*").remove();
      }
      return { left: this.margin.left, right: width - this.margin.right };
    }

    layer(name, element = "g") {
      let found = this.svg.select(`[data-layer="${name}"]`);
      if (found.empty()) found = this.svg.append(element).attr("data-layer", name);
      return found;
    }

    axes(x, y, { xTitle = "", yTitle = "", xTicks = 8, yTicks = 5, part = "", top, bottom }) {
      const { left, right } = { left: this.margin.left, right: this.width - this.margin.right };
      if (x) {
        this.layer(`x${part}`).attr("class", "axis").attr("transform", `translate(0,${bottom})`)
          .call(d3.axisBottom(x).ticks(Math.min(xTicks, (right - left) / 60)).tickSizeOuter(0));
        this.layer(`xt${part}`, "text").attr("x", right).attr("y", bottom + 32).attr("text-anchor", "end").text(xTitle);
      }
      this.layer(`y${part}`).attr("class", "axis").attr("transform", `translate(${left},0)`)
        .call(d3.axisLeft(y).ticks(yTicks).tickSize(left - right).tickSizeOuter(0))
        .call((g) => g.selectAll(".tick").classed("zero", (d) => d === 0))
        .call((g) => g.select(".domain").remove());
      this.layer(`yt${part}`, "text").attr("class", "title").attr("x", left + 6).attr("y", top + 4).text(yTitle);
    }

    line(name, kind, xs, ys, x, y) {
      const path = d3.line().defined((d) => d[1] !== null).x((d) => x(d[0])).y((d) => y(d[1]));
      this.layer(name, "path").attr("class", `series ${kind}`).attr("d", path(d3.zip(xs, ys)));
    }

    level(name, kind, value, y) {
      this.layer(name, "line").attr("class", kind).attr("x1", this.margin.left)
        .attr("x2", this.width - this.margin.right).attr("y1", y(value)).attr("y2", y(value));
    }

    bars(name, kind, values, x, y) {
      const wide = Math.max(1, Math.min(38, 0.72 * (x(1) - x(0))));
      this.layer(name).selectAll("rect").data(values).join("rect").attr("class", (d, k) => `bar ${typeof kind === "function" ? kind(k) : kind}`)
        .attr("x", (d, k) => x(k) - wide / 2).attr("width", wide)
        .attr("y", (d) => Math.min(y(0), y(d))).attr("height", (d) => Math.abs(y(d) - y(0)));
      return wide;
    }
  }

  // A scale that grows with what it has to show, to round values, and slowly forgets.
  class Range {
    constructor(least) { this.least = least; this.reset(); }
    reset() { this.peak = this.least; this.signed = false; }
    cover(values) {
      this.peak = Math.max(this.least, 0.993 * this.peak);
      for (const v of values) {
        if (v !== null) this.peak = Math.max(this.peak, Math.abs(v));
        if (v < 0) this.signed = true;
      }
      const [, high] = d3.nice(0, this.peak * 1.02, 5);
      return high;
    }
  }

  const flat = (vectors, words, value) => vectors.flatMap((v, k) => words[k].map((w) => value(v, w)));
  const outputVectors = setting.outputs.map((v, k) => ({ ...v, at: d3.sum(setting.outputs.slice(0, k), (o) => o.length) }));
  const real = outputVectors.filter((v) => !v.label);
  const labels = outputVectors.filter((v) => v.label);
  const counters = setting.states.map((v, k) => ({ ...v, at: k })).filter((v) => v.low >= 0);
  const states = setting.states.map((v, k) => ({ ...v, at: k })).filter((v) => v.low < 0);
  const wordName = (v, k) => (v.names.length ? v.names[k] : v.length > 1 ? `${v.name}[${k}]` : v.name);
  const real_names = real.flatMap((v) => d3.range(v.length).map((k) => wordName(v, k)));
  const beside = setting.floats ? [["floats", "float64"]] : [];

  const charts = {};
  if (setting.order) charts.window = new Chart("window", [["truth", "the recording"], ["words", "decoded from output words"], ["floats", "decoded from float64"]].filter(([kind]) => kind !== "words" || setting.word_ages.length));
  charts.output = new Chart("output", [["bar", "integer words"], ...(setting.floats ? [["mark", "float64"]] : [])]);
  if (setting.floats) charts.error = new Chart("error", [["bar worst", "words minus float64"], ...(setting.predicted ? [["limit", "predicted RMS"]] : [])]);
  charts.state = new Chart("state", states.map((v, k) => [k % 2 ? "bar other" : "bar", `${v.name}, ${v.length} ${v.length > 1 ? "words" : "word"} of ${v.format}`]));
  charts.time = new Chart("time", [["input", "input"], ["words", "integer word"], ...beside, ...(setting.floats ? [["rms", "RMS error"], ["worst", "largest error"], ["limit", "predicted RMS"]] : [])].filter(([kind]) => kind !== "limit" || setting.predicted));
  const ranges = { window: new Range(0.1), output: new Range(1e-6), error: new Range(1), input: new Range(1e-6), word: new Range(1e-6), rms: new Range(1) };
  const forget = () => { for (const range of Object.values(ranges)) range.reset(); };

  // ---- drawings

  function drawWindow(chart, frame) {
    const { left, right } = chart.begin();
    const bottom = chart.height - chart.margin.bottom;
    const high = ranges.window.cover([...frame.window.true, ...frame.window.words, ...frame.window.floats]);
    const x = d3.scaleLinear([-setting.theta * perStep, 0], [left, right]);
    const y = d3.scaleLinear([-high, high], [bottom, chart.margin.top]);
    chart.axes(x, y, { xTitle: `${timeUnit} before now`, top: chart.margin.top, bottom });
    const ago = (ages) => ages.map((age) => -age * perStep);
    chart.line("true", "truth", ago(setting.past), frame.window.true, x, y);
    if (setting.word_ages.length === setting.ages.length) {
      chart.line("words", "words", ago(setting.word_ages), frame.window.words, x, y);
    } else {
      chart.layer("taps").selectAll("circle").data(d3.zip(ago(setting.word_ages), frame.window.words)).join("circle")
        .attr("class", "words").attr("r", 5).attr("cx", (d) => x(d[0])).attr("cy", (d) => y(d[1]));
    }
    chart.line("floats", "floats", ago(setting.ages), frame.window.floats, x, y);
    const { words_error: own, floats_error: ideal } = frame.window;
    if (frame.step < setting.theta) chart.text.textContent = `The window is not full yet: ${count(frame.step)} of ${count(setting.theta)} samples.`;
    else if (ideal === null) chart.text.textContent = "The window is silent.";
    else if (own === null) chart.text.textContent = `Decoded from float64 the window is off by ${percent(ideal)} (RMS).`;
    else chart.text.textContent = `Off by ${percent(own)} from the words and by ${percent(ideal)} in float64 (RMS): ${own < 1.5 * ideal + 0.002 ? `what is missing is due to ${setting.order} coefficients, not to rounding` : "short words show"}.`;
  }

  function drawOutput(chart, frame) {
    const { left, right } = chart.begin();
    const bottom = chart.height - chart.margin.bottom;
    const words = real.flatMap((v) => frame.outputs[outputVectors.indexOf(v)].map((w) => w * v.lsb));
    const floats = frame.floats.length ? real.flatMap((v) => frame.floats.slice(v.at, v.at + v.length)) : [];
    const high = ranges.output.cover([...words, ...floats]);
    const x = d3.scaleLinear([-0.6, Math.max(words.length, 2) - 0.4], [left, right]);
    const y = d3.scaleLinear([-high, high], [bottom, chart.margin.top]);
    chart.axes(x, y, { xTitle: "word", xTicks: Math.min(words.length, 16), top: chart.margin.top, bottom });
    const wide = chart.bars("bars", "", words, x, y);
    chart.layer("marks").selectAll("line").data(floats).join("line").attr("class", "mark")
      .attr("x1", (d, k) => x(k) - wide / 2 - 3).attr("x2", (d, k) => x(k) + wide / 2 + 3).attr("y1", (d) => y(d)).attr("y2", (d) => y(d));
    const said = labels.map((v) => `${v.name}: ${frame.outputs[outputVectors.indexOf(v)].join(", ")}`);
    if (!frame.due) chart.text.textContent = "No output has been due yet.";
    else {
      const best = d3.maxIndex(words, Math.abs);
      chart.text.textContent = `${[...said, `the largest output is ${real_names[best]} = ${short(words[best])}`].join("; ")}.`;
    }
  }

  function drawError(chart, frame) {
    const { left, right } = chart.begin();
    const bottom = chart.height - chart.margin.bottom;
    const off = real.flatMap((v) => frame.outputs[outputVectors.indexOf(v)].map((w, k) => (frame.floats.length && frame.due ? (w * v.lsb - frame.floats[v.at + k]) / v.lsb : 0)));
    const high = ranges.error.cover(off);
    const x = d3.scaleLinear([-0.6, Math.max(off.length, 2) - 0.4], [left, right]);
    const y = d3.scaleLinear([-high, high], [bottom, chart.margin.top]);
    chart.axes(x, y, { xTitle: "word", yTitle: "LSB", xTicks: Math.min(off.length, 16), top: chart.margin.top, bottom });
    chart.bars("bars", "worst", off, x, y);
    if (setting.predicted) {
      chart.level("predicted", "limit", setting.predicted, y);
      chart.level("-predicted", "limit", -setting.predicted, y);
    }
    chart.text.textContent = frame.rms_error === null ? "Nothing has been compared yet."
      : `So far ${short(frame.rms_error)} LSB RMS and ${short(frame.worst_error)} LSB at most over all words and steps${setting.predicted ? `; ${short(setting.predicted)} LSB RMS were predicted for the worst word` : ""}.`;
  }

  function drawState(chart, frame) {
    const { left, right } = chart.begin();
    const bottom = chart.height - chart.margin.bottom;
    const owner = states.flatMap((v, k) => d3.range(v.length).map(() => k));
    const values = states.flatMap((v) => frame.states[v.at].map((w) => w / (v.high + 1)));
    const x = d3.scaleLinear([-0.6, Math.max(values.length, 2) - 0.4], [left, right]);
    const y = d3.scaleLinear([-1, 1], [bottom, chart.margin.top]);
    chart.axes(x, y, { xTitle: "word", xTicks: Math.min(values.length, 16), top: chart.margin.top, bottom });
    chart.bars("bars", (k) => (owner[k] % 2 ? "other" : ""), values, x, y);
    const peak = d3.max(values, Math.abs) ?? 0;
    const counted = counters.filter((v) => v.length <= 8).map((v) => `${v.name} ${frame.states[v.at].join(", ")}`);
    chart.text.textContent = `${values.length} words; the largest uses ${percent(peak)} of its range${counted.length ? `; counters: ${counted.join("; ")}` : ""}.`;
  }

  function drawTime(chart, frame) {
    const { left, right } = chart.begin();
    const h = frame.history;
    const parts = setting.floats ? 3 : 2;
    const each = (chart.height - chart.margin.top - chart.margin.bottom) / parts;
    const ago = h.input.map((d, k) => (k + 1 - h.input.length) * perStep);
    const x = d3.scaleLinear([-(setting.history - 1) * perStep, 0], [left, right]);
    const place = (part, high, low = -high) => d3.scaleLinear([low, high], [chart.margin.top + (part + 1) * each - 10, chart.margin.top + part * each + 6]);
    const bottom = chart.height - chart.margin.bottom;
    const top = (part) => chart.margin.top + part * each + 6;
    const highest = ranges.input.cover(h.input);
    const yIn = place(0, highest, ranges.input.signed ? -highest : 0);
    chart.axes(null, yIn, { part: "in", yTitle: "input", yTicks: 3, top: top(0) });
    chart.line("input", "input", ago, h.input, x, yIn);
    const yWord = place(1, ranges.word.cover([...h.output, ...h.output_float]));
    chart.axes(parts === 2 ? x : null, yWord, { part: "word", xTitle: `${timeUnit} before now`, yTitle: $("word").selectedOptions[0]?.textContent ?? "output", yTicks: 3, top: top(1), bottom });
    chart.line("word", "words", ago, h.output, x, yWord);
    if (setting.floats) {
      chart.line("float", "floats", ago, h.output_float, x, yWord);
      const yError = place(2, ranges.rms.cover(h.worst), 0);
      chart.axes(x, yError, { part: "error", xTitle: `${timeUnit} before now`, yTitle: "error, LSB", yTicks: 3, top: top(2), bottom });
      chart.line("worst", "worst", ago, h.worst, x, yError);
      chart.line("rms", "rms", ago, h.rms, x, yError);
      if (setting.predicted) chart.level("predicted", "limit", setting.predicted, yError);
    }
    const last = h.output.at(-1);
    chart.text.textContent = h.input.length ? `Now: input ${short(h.input.at(-1))}${last === null ? "" : `, output ${short(last)}`}.` : "Nothing has run yet.";
  }

  const drawings = { window: drawWindow, output: drawOutput, error: drawError, state: drawState, time: drawTime };
  let shown = null;

  function draw(frame) {
    shown = frame;
    for (const [name, chart] of Object.entries(charts)) drawings[name](chart, frame);
    const length = setting.lengths[frame.recording];
    $("progress").value = frame.step / length;
    const several = setting.lengths.length > 1 ? `recording ${frame.recording + 1} of ${setting.lengths.length}, ` : "";
    $("place").textContent = `${several}step ${count(frame.step)} of ${count(length)}${rate ? `, ${d3.format(".2f")(frame.step / rate)} s` : ""}`;
  }

  // ---- controls

  const speeds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];
  if (rate && !speeds.includes(rate)) speeds.push(rate);
  speeds.sort((a, b) => a - b);
  for (const speed of speeds) {
    const name = speed === rate ? `as recorded (${count(speed)} steps/s)` : `${count(speed)} ${speed > 1 ? "steps" : "step"}/s`;
    $("speed").add(new Option(name, speed));
  }
  // a window in about two seconds
  const wanted = setting.theta ? Math.max(10, setting.theta / 2) : 20;
  $("speed").selectedIndex = d3.bisectLeft(speeds, Math.min(wanted, 20000));
  real_names.forEach((name, k) => $("word").add(new Option(name, k)));
  const positions = real.flatMap((v) => d3.range(v.at, v.at + v.length));

  let stream = null;
  let playing = false;
  let busy = false;
  let owed = 0;
  let before = 0;

  async function ask(name, request) {
    const answer = await fetch(name, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(request) });
    const data = await answer.json();
    if (!answer.ok) throw new Error(data.error);
    return data;
  }

  const choice = () => ({ stream, output: positions[$("word").selectedIndex] ?? 0, channel: +($("channel")?.value ?? 0) });

  async function act(name, request) {
    if (busy || stream === null) return false;
    busy = true;
    try {
      const from = shown?.step ?? 0;
      const frame = await ask(name, { ...choice(), ...request });
      if (frame.step < from) forget();
      draw(frame);
    } catch (error) {
      const gone = error instanceof TypeError;
      pause();
      $("problem").hidden = false;
      $("problem").textContent = gone ? "The server has ended: run lmu-hw demo again." : `${error.message}.`;
      if (gone) stream = null;
      return false;
    } finally {
      busy = false;
    }
    return true;
  }

  function announce() {
    if (!shown) return;
    const said = ["window", "error"].filter((name) => charts[name]).map((name) => charts[name].text.textContent);
    announcer.textContent = [$("place").textContent, ...said].join(". ");
  }

  function tick(now) {
    if (!playing) return;
    const elapsed = Math.min(now - before, 250);
    owed += (+$("speed").value * elapsed) / 1000;
    before = now;
    if (!busy && owed >= 1) {
      const steps = Math.min(Math.floor(owed), 4096);
      // what this machine cannot do in time is not made up for
      owed = Math.min(owed - steps, 1);
      act("advance", { steps });
    }
    requestAnimationFrame(tick);
  }

  function play() {
    playing = true;
    owed = 0;
    before = performance.now();
    $("play").textContent = "Pause";
    requestAnimationFrame(tick);
  }

  function pause() {
    playing = false;
    $("play").textContent = "Play";
  }

  // Wait for the answer that is on its way.
  async function answered() {
    while (busy) await new Promise((done) => setTimeout(done, 5));
  }

  // An action between two frames of a running stream waits for its turn.
  async function settled(name, request) {
    await answered();
    return act(name, request);
  }

  // A key that is held asks for steps faster than they are drawn: they go together.
  let asked = 0;
  let stepping = false;

  async function step() {
    pause();
    asked += 1;
    if (stepping) return;
    stepping = true;
    while (asked) {
      const steps = asked;
      asked = 0;
      await settled("advance", { steps });
    }
    stepping = false;
    announce();
  }

  async function restart() {
    forget();
    await settled("restart", {});
  }

  async function toggle() {
    if (!playing) {
      play();
      return;
    }
    pause();
    await answered();
    if (!playing) announce();
  }

  function faster(by) {
    const at = $("speed").selectedIndex + by;
    if (at >= 0 && at < speeds.length) $("speed").selectedIndex = at;
    announcer.textContent = $("speed").selectedOptions[0].textContent;
  }

  $("play").addEventListener("click", toggle);
  $("step").addEventListener("click", step);
  $("restart").addEventListener("click", restart);
  $("word").addEventListener("change", () => { ranges.word.reset(); if (shown) settled("look", {}); });
  $("channel")?.addEventListener("change", () => { if (shown) settled("look", {}); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("button, select, a, input")) return;
    const actions = { " ": toggle, ArrowRight: step, "+": () => faster(1), "-": () => faster(-1), r: restart, R: restart };
    const action = actions[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  addEventListener("resize", () => { if (shown) draw(shown); });

  ask("open", {}).then(async (opened) => {
    stream = opened.stream;
    await act("look", {});
    document.documentElement.dataset.ready = "yes";
    if (!still.matches) play();
  }).catch((error) => {
    $("problem").hidden = false;
    $("problem").textContent = error.message;
  });
})();
