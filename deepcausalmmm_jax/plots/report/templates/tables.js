"use strict";
// The table behind a chart, read from the traces shown: it follows the filters, and nothing is embedded twice.

const asText = (label) => {
  const area = document.createElement("textarea"); // decodes entities without running anything
  area.innerHTML = String(label).replace(/<br>/g, " ");
  return area.value;
};

function tableOf(traces) {
  const shown = traces.filter((t) => t.hoverinfo !== "skip");
  if (!shown.length) return { header: [], rows: [] };
  const first = shown[0], given = shown.find((t) => t.meta?.table)?.meta.table;
  if (given) return rowsOf(given.header, given.rows);
  if (first.type === "heatmap") return fromHeatmap(first);
  if (first.type === "pie") return rowsOf(["part", "value"], first.labels.map((l, i) => [l, first.meta?.signed?.[i] ?? first.values[i]]));
  if (first.meta?.parts) return rowsOf(["part", "value"], shown.flatMap((t) => t.y.map((l, i) => [l, t.x[i]])));
  if (first.type === "box") return fromBoxes(shown);
  if (shown.some((t) => t.type === "bar" && t.orientation === "h") || typeof first.y[0] === "string") return byKey(shown, "y", "x");
  if (shown.length === 1 && first.mode && first.mode.includes("markers") && (first.text || first.customdata)) return fromPoints(first);
  return byKey(shown, "x", "y");
}

function rowsOf(header, rows) {
  return { header, rows: rows.map((row) => row.map((cell) => (typeof cell === "string" ? asText(cell) : cell))) };
}

function fromHeatmap(trace) {
  return rowsOf(["", ...trace.x.map(asText)], trace.y.map((name, i) => [name, ...trace.z[i]]));
}

function fromBoxes(traces) {
  const boxes = traces.filter((t) => t.type === "box");
  const longest = Math.max(...boxes.map((t) => t.x.length));
  const rows = Array.from({ length: longest }, (_, i) => [i, ...boxes.map((t) => t.x[i])]);
  return rowsOf(["draw", ...boxes.map((t) => asText(t.name))], rows);
}

function fromPoints(trace) {
  const names = trace.mode.includes("text") && trace.customdata ? trace.customdata : trace.text;
  const value = trace.marker.color;
  if (Array.isArray(value) && trace.marker.coloraxis) return rowsOf(["region", "value"], names.map((n, i) => [n, value[i]]));
  return rowsOf(["", "actual", "predicted"], names.map((n, i) => [n, trace.x[i], trace.y[i]]));
}

function byKey(traces, key, value) {
  const rows = new Map();
  const header = [key === "y" ? "channel" : "x"];
  const whole = new Map(); // labels are shortened, files and tables have names as they are
  if (key === "y") {
    for (const t of traces.filter((t) => t.meta?.channels?.length === t.y.length)) {
      t.meta.channels.forEach((name, i) => whole.set(t.y[i], name.replaceAll("&", "&amp;")));
    }
  }
  const add = (name, keys, values) => {
    const column = header.push(name) - 1;
    keys.forEach((k, i) => {
      if (!rows.has(k)) rows.set(k, [whole.get(k) ?? k]);
      rows.get(k)[column] = values[i];
    });
  };
  for (const trace of traces) {
    if (trace.mode === "markers" && trace.showlegend === false && key === "x") continue; // today's points
    const name = trace.meta?.channel ?? asText(trace.name || "value");
    add(name, trace[key], trace[value]);
  }
  const list = [...rows.values()];
  for (const row of list) for (let i = 0; i < header.length; i++) row[i] ??= null;
  if (traces.some((t) => t.groupnorm === "percent")) asShares(header, list);
  if (key === "x" && typeof list[0]?.[0] === "number") list.sort((a, b) => a[0] - b[0]);
  return rowsOf(header, key === "y" ? list.reverse() : list);
}

// Values that the chart itself shows in percent of their sum.
function asShares(header, rows) {
  for (let i = 1; i < header.length; i++) header[i] += ", %";
  for (const row of rows) {
    const sum = row.slice(1).reduce((total, value) => total + (value ?? 0), 0);
    for (let i = 1; i < row.length; i++) if (row[i] !== null) row[i] = sum === 0 ? null : (100 * row[i]) / sum;
  }
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
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
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
