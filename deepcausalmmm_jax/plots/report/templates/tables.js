"use strict";
// The table behind a chart, read from the traces shown: it follows the filters, and nothing is embedded twice.

const asText = (label) => {
  const area = document.createElement("textarea"); // decodes entities without running anything
  area.innerHTML = String(label).replace(/<br>/g, " ");
  return area.value;
};

function tableOf(given, layout = {}) {
  const traces = asShares(given);
  const shown = traces.filter((t) => t.hoverinfo !== "skip");
  if (!shown.length) return { header: [], rows: [] };
  const first = shown[0], own = shown.find((t) => t.meta?.table)?.meta.table;
  if (own) return rowsOf(own.header, own.rows);
  if (first.type === "heatmap") return fromHeatmap(first, axisName(layout.yaxis));
  if (first.type === "pie") return rowsOf(["part", "value"], partNames(first, first.labels).map((l, i) => [l, first.meta?.signed?.[i] ?? first.values[i]]));
  if (first.meta?.parts) return rowsOf(["part", "value"], shown.flatMap((t) => partNames(t, t.y).map((l, i) => [l, t.x[i]])));
  if (first.type === "box") return fromBoxes(shown);
  if (shown.some((t) => t.type === "bar" && t.orientation === "h") || typeof first.y[0] === "string") return byKey(traces, "y", "x", rowsName(shown));
  if (shown.length === 1 && first.mode && first.mode.includes("markers") && (first.text || first.customdata)) return fromPoints(first);
  return byKey(traces, "x", "y", axisName(layout.xaxis) || "x");
}

// What the first column holds: the title of the axis that it is read from, or what its bars and dots stand for.
const axisName = (axis) => asText(axis?.title?.text ?? "");
const rowsName = (traces) => traces.find((t) => t.meta?.rows)?.meta.rows ?? "channel";

// Names as they are: on charts they are shortened, and lose the unit at their end.
const entities = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;"); // decoded by rowsOf
const partNames = (trace, labels) => trace.meta?.names?.map(entities) ?? labels;
const columnName = (trace) => trace.meta?.channel ?? trace.meta?.column ?? asText(trace.name || "value");

function rowsOf(header, rows) {
  return { header, rows: rows.map((row) => row.map((cell) => (typeof cell === "string" ? asText(cell) : cell))) };
}

function fromHeatmap(trace, name) {
  return rowsOf([trace.meta?.rows ?? name, ...(trace.meta?.columns ?? trace.x.map(asText))], trace.y.map((name, i) => [name, ...trace.z[i]]));
}

function fromBoxes(traces) {
  const boxes = traces.filter((t) => t.type === "box");
  const longest = Math.max(...boxes.map((t) => t.x.length));
  const rows = Array.from({ length: longest }, (_, i) => [i, ...boxes.map((t) => t.x[i])]);
  return rowsOf(["draw", ...boxes.map(columnName)], rows);
}

function fromPoints(trace) {
  const names = trace.mode.includes("text") && trace.customdata ? trace.customdata : trace.text;
  const value = trace.marker.color;
  if (Array.isArray(value) && trace.marker.coloraxis) return rowsOf(["region", "value"], names.map((n, i) => [n, value[i]]));
  return rowsOf(["", "actual", "predicted"], names.map((n, i) => [n, trace.x[i], trace.y[i]]));
}

// The bounds of an interval that is drawn around a line, a dot or a bar, and the keys of its rows.
function boundsOf(trace, key, bands) {
  const meta = trace.meta ?? {};
  if (meta.errors) return { keys: trace[key], columns: { "standard error": meta.errors } };
  if (meta.low) return { keys: trace[key], columns: { low: meta.low, high: meta.high } };
  const at = bands.findIndex((band) => (band.meta.of ? band.meta.of === meta.series : meta.channel && band.meta.channel === meta.channel));
  if (at < 0 || trace.mode !== "lines") return null;
  const [band] = bands.splice(at, 1); // a channel's line may have several parts
  const n = band.x.length / 2;
  return { keys: band.x.slice(0, n), columns: { low: band.y.slice(n).reverse(), high: band.y.slice(0, n) } };
}

function byKey(traces, key, value, rowName) {
  const rows = new Map();
  const header = [rowName];
  const whole = new Map(); // labels are shortened, files and tables have names as they are
  const shown = traces.filter((t) => t.hoverinfo !== "skip");
  const bands = traces.filter((t) => t.fill === "toself" && t.meta);
  if (key === "y") {
    for (const t of shown) {
      const names = t.meta?.names ?? t.meta?.channels;
      if (names?.length === t.y.length) names.forEach((name, i) => whole.set(t.y[i], entities(name)));
    }
  }
  const add = (column, keys, values, endless) => {
    keys.forEach((k, i) => {
      if (!rows.has(k)) rows.set(k, [whole.get(k) ?? k]);
      rows.get(k)[column] = values[i] ?? (endless?.[i] ? "∞" : null);
    });
  };
  for (const trace of shown) {
    if (trace.mode === "markers" && trace.showlegend === false && key === "x") continue; // today's points
    const name = columnName(trace);
    const before = trace.showlegend === false && trace.meta?.channel ? header.indexOf(name) : -1; // a line goes on, dotted
    add(before > 0 ? before : header.push(name) - 1, trace[key], trace[value], trace.meta?.endless);
    const bounds = boundsOf(trace, key, bands);
    for (const [end, values] of Object.entries(bounds?.columns ?? {})) add(header.push(`${name}, ${end}`) - 1, bounds.keys, values);
  }
  const list = [...rows.values()];
  for (const row of list) for (let i = 0; i < header.length; i++) row[i] ??= null;
  if (traces.some((t) => t.meta?.share)) for (let i = 1; i < header.length; i++) header[i] += ", %";
  if (key === "x" && typeof list[0]?.[0] === "number") list.sort((a, b) => a[0] - b[0]);
  return rowsOf(header, key === "y" ? list.reverse() : list);
}

// Parts in percent of the sum of all, which a filter or a legend that leaves some of them out does not change; parts of
// both signs are no shares, and are marked.
function asShares(traces) {
  const parts = traces.filter((t) => t.meta?.share && !t.meta.counted);
  if (!parts.length) return traces;
  const whole = parts[0].y.map((_, i) => parts.reduce((sum, t) => sum + t.y[i], 0));
  const most = Math.max(0, ...parts.flatMap((t) => Array.from(t.y, Math.abs)));
  const odd = parts.some((t) => t.y.some((v) => v < -1e-9 * most)); // less is rounding
  const share = (v, i) => (v === null || whole[i] === 0 ? null : (100 * v) / whole[i]);
  return traces.map((t) => (parts.includes(t) ? { ...t, y: Array.from(t.y, share), meta: { ...t.meta, counted: true, odd } } : t));
}

const shortNumber = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3, notation: "compact" });
const shortForm = { format: (value) => shortNumber.format(value).replace("K", "k") };
const plainForm = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const longForm = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

function cellText(cell) {
  if (cell === null || cell === undefined) return "–";
  if (typeof cell !== "number") return String(cell);
  return Math.abs(cell) >= 1000 ? longForm.format(cell) : plainForm.format(cell);
}

const MOST_ROWS = 400;

function showTable(holder, table) {
  holder.replaceChildren();
  const element = holder.appendChild(document.createElement("table"));
  const head = element.createTHead().insertRow();
  table.header.forEach((name) => {
    const cell = head.appendChild(document.createElement("th"));
    cell.scope = "col";
    cell.textContent = name;
  });
  const body = element.createTBody();
  for (const row of table.rows.slice(0, MOST_ROWS)) {
    const line = body.insertRow();
    row.forEach((cell, i) => {
      const place = line.appendChild(document.createElement(i ? "td" : "th"));
      if (!i) place.scope = "row";
      place.textContent = i ? cellText(cell) : String(cell);
    });
  }
  if (table.rows.length > MOST_ROWS) {
    const more = holder.appendChild(document.createElement("p"));
    more.className = "muted";
    more.textContent = `${longForm.format(table.rows.length - MOST_ROWS)} more rows are in the CSV file.`;
  }
}

function csvOf(table) {
  const cell = (value) => {
    const plain = value === null || value === undefined ? "" : String(value);
    // A spreadsheet would run such text as a formula (as io/write_csv.py does it).
    const runs = typeof value === "string" && /^('*\s*[=+\-@]|'*[\t\r\n])/.test(plain) && !/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(plain);
    const text = runs ? `'${plain}` : plain;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [table.header, ...table.rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  // A busy machine may begin to read only after seconds, and finds no file once its address is taken back.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// A chart in words, for screen readers.
function describe(title, table) {
  if (!table.rows.length) return `${title}: nothing to show with these filters.`;
  const columns = table.header.slice(1, 5).map((name, i) => {
    const values = table.rows.map((row) => row[i + 1]).filter((v) => typeof v === "number");
    if (!values.length) return "";
    const low = values.reduce((a, b) => Math.min(a, b));
    const high = values.reduce((a, b) => Math.max(a, b));
    const at = table.rows.find((row) => row[i + 1] === high);
    return `${name || "value"} from ${cellText(low)} to ${cellText(high)}, highest at ${at[0]}`;
  });
  const rest = table.header.length > 5 ? `; and ${table.header.length - 5} more` : "";
  return `${title}. ${table.rows.length} rows: ${columns.filter(Boolean).join("; ")}${rest}. The table below the chart has all values.`;
}
