"use strict";
// Draws each chart when it scrolls into view, and again when a filter changes.

const DATA = JSON.parse(document.getElementById("report-data").textContent);
const state = { region: null, channels: new Set(DATA.channels), drawn: new Map(), hidden: new Map() };
const CONFIG = { displaylogo: false, responsive: true, showSendToCloud: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
const NARROW = 600;
const ROW = 26;
const PAPER = { width: 700, height: 250, tallest: 620 };
const unpacked = new Map();

function unpack(entry, region) {
  if (!unpacked.has(entry)) {
    const bytes = Uint8Array.from(atob(entry.packed), (c) => c.charCodeAt(0));
    unpacked.set(entry, new Int16Array(bytes.buffer));
  }
  const weeks = unpacked.get(entry).length / entry.step.length;
  const own = unpacked.get(entry).subarray(region * weeks, (region + 1) * weeks);
  return Array.from(own, (v) => (v === -32768 ? null : v * entry.step[region]));
}

function regionSeries(name, region) {
  const entry = DATA.regions.series[name];
  return entry ? unpack(entry, region) : null;
}

// Both ends of the selected region's band; null where the page has none, as for the smallest of many regions.
function bandOf(name, region) {
  const [low, high] = ["low", "high"].map((end) => DATA.regions.bands[`${name}_${end}`]);
  return low && region < low.step.length ? { low: unpack(low, region), high: unpack(high, region) } : null;
}

const follows = (chart) => chart.data.some((t) => t.meta && (t.meta.matrix || t.meta.parts || DATA.regions?.series[t.meta.series]));
const pick = (array, keep) => keep.map((i) => array[i]);

// A trace with the selected region's numbers; null where the page has none of them.
function ofRegion(trace, followed) {
  const meta = trace.meta || {};
  let shown = { ...trace };
  if (state.region !== null && followed) {
    const ends = meta.ends && DATA.regions.matrices[`${meta.ends}_low`] ? meta.ends : "";
    const band = meta.band ? bandOf(meta.band, state.region) : null;
    if (meta.whole && !ends && !band) return null;
    if (band) shown = { ...shown, y: [...band.high, ...band.low.reverse()] };
    if (meta.series) shown = withSeries(shown, regionSeries(meta.series, state.region));
    if (meta.matrix) shown = withTotals(shown, DATA.regions.matrices[meta.matrix][state.region]);
    if (ends) shown = withEnds(shown, ends);
    if (meta.parts) shown = withParts(shown, DATA.regions.parts[meta.parts][state.region]);
  }
  return shown;
}

// A trace with the selected channels only; null where nothing of it is left.
function ofChannels(trace) {
  const meta = trace.meta || {};
  if (meta.channel && !state.channels.has(meta.channel)) return null;
  if (meta.channels) return withPoints(trace, meta.channels);
  return meta.columns ? withColumns(trace, meta.columns) : trace;
}

function withSeries(trace, values) {
  if (!values) return trace;
  return { ...trace, x: DATA.charts.fit ? DATA.charts.fit.data[0].x : trace.x, y: values };
}

function withTotals(trace, row) {
  const values = trace.meta.channels.map((name) => row[DATA.channels.indexOf(name)]);
  const text = trace.text ? values.map((v) => (v === null ? "" : trace.type === "bar" ? `${v.toFixed(1)}%` : shortForm.format(v))) : trace.text;
  const { customdata, ...rest } = trace;
  return { ...rest, x: values, text, hovertemplate: "%{y}: %{x:,.3~r}<extra></extra>" };
}

// Whiskers of the selected region: both ends in turn with a gap, or a mark at one end.
function withEnds(trace, measure) {
  const at = (end, name) => DATA.regions.matrices[`${measure}_${end}`][state.region][DATA.channels.indexOf(name)];
  const { channels, end } = trace.meta;
  const x = end ? channels.map((name) => at(end, name)) : channels.map((name, i) => (i % 3 === 2 ? null : at(i % 3 ? "high" : "low", name)));
  return { ...trace, x };
}

// Parts of the selected region's prediction, in a donut or a waterfall.
function withParts(trace, values) {
  const total = values.reduce((a, b) => a + b, 0);
  if (trace.type === "pie") {
    const drawn = values.map((v) => Math.max(v, 0));
    const whole = drawn.reduce((a, b) => a + b, 0);
    const meta = { ...trace.meta, signed: values };
    return { ...trace, meta, values: drawn, text: drawn.map((v) => (v / whole >= 0.01 ? `${((100 * v) / whole).toFixed(1)}%` : "")) };
  }
  if (trace.meta.sum) return { ...trace, x: [total], text: [shortForm.format(total)] };
  const base = values.map((_, i) => values.slice(0, i).reduce((a, b) => a + b, 0));
  return { ...trace, x: values, base, text: values.map((v) => shortForm.format(v)) };
}

function withPoints(trace, names) {
  const keep = names.map((_, i) => i).filter((i) => state.channels.has(names[i]));
  if (!keep.length) return null;
  const cut = { ...trace, meta: { ...trace.meta, channels: pick(names, keep) } };
  for (const key of ["x", "y", "text", "customdata"]) if (Array.isArray(cut[key])) cut[key] = pick(cut[key], keep);
  for (const key of ["errors", "low", "high", "endless"]) if (Array.isArray(cut.meta[key])) cut.meta[key] = pick(cut.meta[key], keep);
  if (cut.error_x) {
    cut.error_x = { ...cut.error_x };
    for (const key of ["array", "arrayminus"]) if (Array.isArray(cut.error_x[key])) cut.error_x[key] = pick(cut.error_x[key], keep);
  }
  if (Array.isArray(trace.marker?.color)) cut.marker = { ...trace.marker, color: pick(trace.marker.color, keep) };
  return cut;
}

function withColumns(trace, names) {
  const keep = names.map((_, i) => i).filter((i) => state.channels.has(names[i]));
  if (!keep.length) return null;
  return { ...trace, meta: { ...trace.meta, columns: pick(names, keep) }, x: pick(trace.x, keep), z: trace.z.map((row) => pick(row, keep)) };
}

function current(chart) {
  const followed = follows(chart); // the others stay as they are, with their intervals
  const shown = chart.data.map((trace) => ofRegion(trace, followed)).filter(Boolean);
  return asShares(shown).map(ofChannels).filter(Boolean);
}

function titleOf(chart, traces) {
  if (state.region === null || !follows(chart)) return chart.title;
  const { labels, meta } = traces[0] ?? {};
  const below = meta?.signed ? labels.filter((_, i) => meta.signed[i] < 0).map(asText) : [];
  const remark = below.length ? meta.remark.replace("{}", () => below.join(", ")) : "";
  return `${chart.subject}, ${DATA.regions.names[state.region]}${remark}`;
}

// What is put after the title of a chart that does not show the selected region.
const scopeOf = (chart) => (state.region === null || follows(chart) || chart.title.includes("all regions") ? "" : "; all regions");

function layoutOf(chart, traces, width) {
  const layout = structuredClone(chart.layout);
  layout.template = DATA.template;
  layout.showlegend = false;
  layout.margin = { l: 50, r: width < NARROW ? 12 : 24, t: 30, b: 50 };
  layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
  const whole = chart.data.find((t) => t.meta?.channels);
  const left = traces.find((t) => t.meta?.channels);
  if (whole && left) {
    const gone = whole.meta.channels.length - (left.y || []).length;
    layout.height = Math.max(220, layout.height - gone * ROW);
  }
  if (state.region !== null && follows(chart) && (whole?.meta.matrix || traces[0]?.meta?.parts === "waterfall")) {
    delete layout.xaxis.range; // but zero stays in view
    layout.xaxis.rangemode = "tozero";
  }
  if (state.region !== null && traces[0]?.type === "pie") {
    const whole = traces[0].meta.signed.reduce((a, b) => a + b, 0);
    layout.annotations[0].text = layout.annotations[0].text.replace(/^[^<]*/, shortForm.format(whole));
  }
  if (width < NARROW) narrowed(layout, traces);
  if (state.printing) {
    layout.width = PAPER.width;
    layout.height = Math.min(layout.height, whole || traces[0]?.type === "heatmap" ? PAPER.tallest : PAPER.height);
  }
  return layout;
}

// On a phone: smaller type, fewer ticks, no long titles.
function narrowed(layout, traces) {
  layout.font = { size: 11 };
  for (const axis of ["xaxis", "yaxis"]) {
    const own = layout[axis] || {};
    layout[axis] = { ...own, title: { ...own.title, font: { size: 11 } } };
    if (own.tickmode !== "linear" && own.type !== "log") layout[axis].nticks = 6;
  }
  for (const trace of traces) {
    if (trace.type === "heatmap") delete trace.texttemplate;
    if (trace.type === "heatmap" && trace.colorbar && !trace.colorbar.ticktext) trace.colorbar = { ...trace.colorbar, title: { text: "" }, thickness: 8 };
    if (trace.type === "scatter" && trace.marker?.symbol === "square") {
      trace.marker = { ...trace.marker, size: 22 };
      trace.textfont = { ...trace.textfont, size: 8 };
    }
  }
  if (traces[0]?.type === "heatmap") layout.xaxis = { ...layout.xaxis, tickfont: { size: 9 } };
  if (layout.annotations?.some((a) => a.axref)) layout.xaxis = { ...layout.xaxis, range: [-2.5, 2.5] };
  if (layout.coloraxis) {
    layout.height = 320;
    for (const t of traces) if (Array.isArray(t.marker.size)) t.marker = { ...t.marker, size: t.marker.size.map((v) => 0.5 * v) };
  }
  if (layout.coloraxis) layout.coloraxis = { ...layout.coloraxis, colorbar: { thickness: 8 } };
}

function draw(figure) {
  const key = figure.dataset.key;
  const chart = DATA.charts[key];
  const plot = figure.querySelector(".plot");
  const found = current(chart), odd = found.some((t) => t.meta?.odd);
  const traces = odd ? [] : found;
  const title = titleOf(chart, traces);
  Object.assign(figure.querySelector("h3"), { textContent: title }).dataset.scope = scopeOf(chart);
  const hidden = state.hidden.get(key) || new Set();
  for (const trace of traces) {
    const id = traceId(trace);
    if (hidden.has(id)) trace.visible = "legendonly";
    else if (hidden.touched && trace.visible === "legendonly") trace.visible = true;
  }
  const table = tableOf(traces, chart.layout);
  plot.setAttribute("aria-label", describe(title + scopeOf(chart), table));
  drawLegend(figure, key, traces);
  const width = plot.clientWidth;
  const empty = !traces.some((t) => t.hoverinfo !== "skip");
  if (empty || plot.classList.contains("empty")) {
    Plotly.purge(plot);
    plot.textContent = odd ? "A part is below zero at times here, so that the parts are no shares of their sum." : empty ? "Nothing to show with these filters." : "";
  }
  plot.classList.toggle("empty", empty);
  if (!empty) Plotly.react(plot, traces, layoutOf(chart, traces, width), { ...CONFIG, displayModeBar: width < NARROW || traces[0]?.type === "pie" ? false : "hover" });
  state.drawn.set(key, { table, width });
  const behind = figure.querySelector(".behind");
  if (behind.open) showTable(behind.querySelector("div"), table);
}

const traceId = (trace) => trace.meta?.channel || trace.name || "";

// The legend is our own: it wraps on narrow screens, never lies on the chart, and works from the keyboard.
function drawLegend(figure, key, traces) {
  const holder = figure.querySelector(".legend");
  holder.replaceChildren();
  const named = traces.filter((t) => t.name && t.showlegend !== false && ["scatter", "bar"].includes(t.type || "scatter"));
  if (traces[0]?.type === "pie") {
    traces[0].labels.forEach((label, i) => {
      const entry = holder.appendChild(document.createElement("span"));
      const swatch = entry.appendChild(document.createElement("i"));
      swatch.className = "box";
      swatch.style.background = traces[0].marker.colors[i];
      entry.append(asText(label));
    });
    return;
  }
  if (named.length < 2 && DATA.charts[key].layout.showlegend !== true) return;
  if (DATA.charts[key].layout.showlegend === false) return;
  for (const trace of named) {
    const button = holder.appendChild(document.createElement("button"));
    button.type = "button";
    button.setAttribute("aria-pressed", String(trace.visible !== "legendonly"));
    const swatch = button.appendChild(document.createElement("i"));
    const color = trace.fill === "toself" ? trace.fillcolor : trace.type === "bar" ? trace.marker.color : trace.line?.color || trace.marker?.color;
    if (trace.marker?.symbol === "line-ns") swatch.style.cssText = "width: 3px; height: 13px; background: #1f2933";
    if (trace.marker?.color === "white") swatch.style.outline = "1.5px solid #1f2933";
    if (color) swatch.style.background = Array.isArray(color) ? "linear-gradient(90deg, #0072B2, #E69F00)" : color;
    if (trace.type === "bar" || trace.fill === "toself" || trace.stackgroup || trace.mode === "markers") swatch.className = "box";
    button.append(asText(trace.name));
    button.addEventListener("click", () => toggle(figure, key, traces, trace));
  }
}

function toggle(figure, key, traces, clicked) {
  const hidden = new Set(traces.filter((t) => t.visible === "legendonly").map(traceId));
  hidden.touched = true;
  if (hidden.has(traceId(clicked))) hidden.delete(traceId(clicked));
  else hidden.add(traceId(clicked));
  state.hidden.set(key, hidden);
  const at = [...figure.querySelectorAll(".legend button")].findIndex((b) => b === document.activeElement);
  draw(figure);
  figure.querySelectorAll(".legend button")[at]?.focus();
}

const figures = [...document.querySelectorAll(".chart")];
const inView = new Set();
const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) inView.add(entry.target);
      else inView.delete(entry.target);
    }
    for (const figure of inView) if (!state.drawn.has(figure.dataset.key)) draw(figure);
  },
  { rootMargin: "400px" },
);

function changed() {
  state.drawn.clear(); // charts out of view are drawn when they come back
  inView.forEach(draw);
  const n = state.channels.size;
  document.getElementById("channel-count").textContent = n === DATA.channels.length ? "all" : `${n} of ${DATA.channels.length}`;
  const region = state.region === null ? "All regions" : `Region ${DATA.regions.names[state.region]}, in charts that show a region`;
  const some = n === DATA.channels.length ? "" : `; ${n} of ${DATA.channels.length} channels, except in charts of the whole`;
  document.getElementById("state").textContent = state.region === null && !some ? "" : `${region}${some}.`;
}

function fillChannels() {
  const holder = document.getElementById("channels");
  for (const name of DATA.channels) {
    const label = holder.appendChild(document.createElement("label"));
    const box = label.appendChild(document.createElement("input"));
    box.type = "checkbox";
    box.checked = true;
    box.value = name;
    box.addEventListener("change", () => {
      if (box.checked) state.channels.add(name);
      else state.channels.delete(name);
      changed();
    });
    label.append(` ${name}`);
  }
}

function setChannels(names) {
  state.channels = new Set(names);
  document.querySelectorAll("#channels input").forEach((box) => { box.checked = state.channels.has(box.value); });
  changed();
}

const select = document.getElementById("region");
select?.addEventListener("change", () => {
  state.region = select.value === "" ? null : Number(select.value);
  changed();
});
document.getElementById("all-channels").addEventListener("click", () => setChannels(DATA.channels));
document.getElementById("no-channels").addEventListener("click", () => setChannels([]));
document.getElementById("reset").addEventListener("click", () => {
  state.region = null;
  if (select) select.value = "";
  state.hidden.clear();
  setChannels(DATA.channels);
});
document.addEventListener("keydown", (event) => {
  const filter = document.getElementById("channel-filter");
  if (event.key === "Escape" && filter.open) {
    filter.open = false;
    filter.querySelector("summary").focus();
  }
});
for (const figure of figures) {
  figure.querySelector("h3").textContent = DATA.charts[figure.dataset.key].title;
  figure.querySelector(".plot").style.minHeight = `${DATA.charts[figure.dataset.key].layout.height}px`;
  const drawn = () => {
    if (!state.drawn.has(figure.dataset.key)) draw(figure);
    return state.drawn.get(figure.dataset.key);
  };
  figure.querySelector(".behind").addEventListener("toggle", (event) => {
    if (event.target.open) showTable(event.target.querySelector("div"), drawn().table);
  });
  figure.querySelector(".csv").addEventListener("click", () => download(`${figure.dataset.key}.csv`, csvOf(drawn().table)));
  observer.observe(figure);
}
fillChannels();
// On paper charts are as wide as the page and low enough for three of them.
function printing(is) {
  state.printing = is;
  state.drawn.clear();
  for (const figure of figures) {
    figure.querySelector(".plot").style.minHeight = is ? "0" : `${DATA.charts[figure.dataset.key].layout.height}px`;
    draw(figure);
  }
}
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));
