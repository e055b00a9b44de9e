"use strict";
// The planner: sliders, limits and locks by channel, and what a plan brings, from the tables in plan_math.js.

const board = document.getElementById("plan-board");

function startPlanner(data) {
  const tables = planTables(data);
  const within = (x, c) => Math.min(Math.max(x, plan.low[c]), plan.high[c]);
  const plan = { spend: [], low: [], high: [], locked: [] };
  const rows = data.channels.map((_, c) => planRow(data, c, edits(c)));
  const part = (id) => document.getElementById(id);

  // What a row calls when a reader changes it.
  function edits(c) {
    return {
      spend: (x) => change(() => { plan.spend[c] = within(x, c); }),
      limit: (end, x) => change(() => {
        plan[end][c] = Math.min(x, 2 * data.base[c]);
        if (plan.low[c] > plan.high[c]) plan[end === "low" ? "high" : "low"][c] = plan[end][c];
        plan.spend[c] = within(plan.spend[c], c);
      }),
      lock: (is) => change(() => { plan.locked[c] = is; }),
    };
  }

  function change(make) {
    make();
    show();
  }

  function reset() {
    plan.spend = data.today.slice();
    plan.low = data.today.map((x) => Math.max(0, 1 - data.limit) * x);
    plan.high = data.today.map((x) => (1 + data.limit) * x);
    plan.locked = data.today.map(() => false);
  }

  const lows = () => plan.spend.map((x, c) => (plan.locked[c] ? x : plan.low[c]));
  const highs = () => plan.spend.map((x, c) => (plan.locked[c] ? x : plan.high[c]));
  const isFree = () => {
    const inside = plan.spend.map((x, c) => !plan.locked[c] && x > plan.low[c] * (1 + 1e-6) && x < plan.high[c] * (1 - 1e-6));
    return inside.some(Boolean) ? inside : atEnds(tables, plan.spend, lows(), highs());
  };
  const setTotal = (total) => change(() => { plan.spend = scaledTo(total, plan.spend, lows(), highs()); });

  function show() {
    const figures = planFigures(tables, plan.spend, isFree());
    const [total, today] = [spendSum(plan.spend), spendSum(data.today)];
    rows.forEach((row, c) => row.show(plan, c, channelReturns(tables, c, plan.spend[c])));
    part("plan-total").value = amountText(total);
    part("plan-total-slider").value = String(Math.round((100 * total) / today));
    part("plan-total-slider").setAttribute("aria-valuetext", `${money(data, total)}, ${percentOf(total, today)} of today's`);
    const [least, most] = [spendSum(lows()), spendSum(highs())].map((x) => money(data, x));
    part("plan-total-change").textContent = `${percentOf(total, today)} of today's ${money(data, today)}; the limits allow ${least} to ${most}`;
    const asToday = plan.spend.every((x, c) => Math.abs(x - data.today[c]) <= 1e-6 * data.base[c]);
    showFigures(data, figures, asToday, part);
    part("plan-verdict").textContent = verdictOf(data, figures, asToday);
    part("plan-command").textContent = `--total ${totalText(spendSum(plan.spend.map(cents)))}`;
  }

  part("plan-total-slider").addEventListener("input", (event) => setTotal((Number(event.target.value) / 100) * spendSum(data.today)));
  onAmount(part("plan-total"), setTotal, show);
  part("plan-best").addEventListener("click", () => change(() => { plan.spend = bestPlan(tables, spendSum(plan.spend), lows(), highs()); }));
  part("plan-reset").addEventListener("click", () => change(reset));
  part("plan-csv").addEventListener("click", () => download("plan.csv", csvOf(boundsTable(data, plan.spend, plan.spend))));
  part("plan-limits-csv").addEventListener("click", () => download("plan_limits.csv", csvOf(boundsTable(data, lows(), highs()))));
  part("plan-rows").append(...rows.map((row) => row.element));
  reset();
  show();
  board.dataset.ready = "true";
  return { tables, plan, setTotal };
}

// Amounts in cents, or in five digits where spend is in thousands or millions.
const cents = (x) => (Math.abs(x) >= 100 ? Math.round(100 * x) / 100 : Number(x.toPrecision(5)));
const totalText = (x) => (x >= 100 ? x.toFixed(2) : String(Number(x.toPrecision(9))));

// A file of bounds as `optimize --bounds` reads it.
function boundsTable(data, low, high) {
  return { header: ["channel", "low", "high", "kind"], rows: data.channels.map((name, c) => [name, cents(low[c]), cents(high[c]), "absolute"]) };
}

// One channel: its slider, amount, limits and lock.
function planRow(data, c, edit) {
  const element = document.createElement("fieldset");
  element.className = "plan-row";
  const add = (tag, properties, parent = element) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  const legend = add("legend", {});
  add("i", {}, legend).style.background = DATA.colors[data.channels[c]];
  legend.append(data.labels[c]);
  const name = data.labels[c];
  const track = add("span", { className: "plan-track" });
  const slider = add("input", { type: "range", min: "0", max: "200", step: "1" }, track);
  const band = add("i", {}, track); // the limits, below the slider
  slider.setAttribute("aria-label", `Spend on ${name}, percent of today's`);
  const amount = (label, text, key) => {
    const holder = add("label", { textContent: text, className: `plan-${key}` });
    const input = add("input", { type: "text", inputMode: "decimal", className: "amount" }, holder);
    input.setAttribute("aria-label", label);
    return input;
  };
  const spend = amount(`Spend on ${name}`, "spend", "spend");
  const low = amount(`Least spend on ${name}`, "least", "low");
  const high = amount(`Most spend on ${name}`, "most", "high");
  const lockHolder = add("label", { className: "plan-lock" });
  const lock = add("input", { type: "checkbox" }, lockHolder);
  lockHolder.append(" lock");
  lock.setAttribute("aria-label", `Lock ${name}`);
  const told = add("span", { className: "plan-told" });
  slider.addEventListener("input", () => edit.spend((Number(slider.value) / 100) * data.base[c]));
  const inputs = { slider, band, spend, low, high, lock, told };
  const show = (plan, at, returns) => showRow(data, at, plan, returns, inputs);
  onAmount(spend, edit.spend, () => edit.lock(lock.checked));
  onAmount(low, (x) => edit.limit("low", x), () => edit.lock(lock.checked));
  onAmount(high, (x) => edit.limit("high", x), () => edit.lock(lock.checked));
  lock.addEventListener("change", () => edit.lock(lock.checked));
  return { element, show };
}

function showRow(data, c, plan, returns, inputs) {
  const [base, today, spend] = [data.base[c], data.today[c], plan.spend[c]];
  inputs.slider.value = String(Math.round((100 * spend) / base));
  inputs.slider.disabled = plan.locked[c];
  inputs.slider.setAttribute("aria-valuetext", `${money(data, spend)}, ${percentOf(spend, today)} of today's`);
  const at = (x) => `${Math.min(100, (50 * x) / base)}%`;
  inputs.band.style.setProperty("--low", at(plan.low[c]));
  inputs.band.style.setProperty("--high", at(plan.high[c]));
  inputs.spend.value = amountText(spend);
  inputs.spend.disabled = plan.locked[c];
  inputs.low.value = amountText(plan.low[c]);
  inputs.high.value = amountText(plan.high[c]);
  inputs.lock.checked = plan.locked[c];
  const rate = (x) => (x === null ? "–" : digits(x));
  const change = today > 0 ? signedPercent(spend / today - 1) : "off today";
  inputs.told.textContent = `${change} · ROI ${rate(returns.roi)} · marginal ROI ${rate(returns.mroi)}`;
}

const SIZES = { "": 1, k: 1e3, m: 1e6, b: 1e9 };

// 1500, 1,500.5, 1 500 and 1.5k are amounts; 1,5 and 2.000.000 are not told apart from them by guessing.
function amountFrom(text) {
  const found = /^(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?([kmb]?)$/.exec(text.replace(/[\s'’]/g, "").toLowerCase());
  return found ? Number(found[1].replaceAll(",", "") + (found[2] ?? "")) * SIZES[found[3]] : NaN;
}

// An amount typed by hand counts when the field is left or Enter is pressed; what is no number is put back.
function onAmount(input, take, putBack) {
  const read = () => {
    const value = amountFrom(input.value);
    if (Number.isFinite(value)) take(value);
    else putBack();
  };
  input.addEventListener("change", read);
}

function showFigures(data, figures, asToday, part) {
  const told = (id, value, note) => {
    part(id).textContent = value;
    part(`${id}-note`).textContent = note;
  };
  const range = (figure, form) => (figure.low === null ? "" : ` (${percentText(data.level)} range: ${form(figure.low)} to ${form(figure.high)})`);
  const value = (x) => (data.in_revenue ? money(data, x) : shortAmount(x));
  told("plan-outcome", value(figures.outcome.estimate), `${data.unit} from these channels${range(figures.outcome, value)}`);
  const earned = marginOf(data) === 1 ? "more than today, after the change in spend" : `more profit than today: ${marginText(data)} of revenue, after the change in spend`;
  const gain = data.in_revenue ? earned : `${data.unit} more than today`;
  told("plan-gain", value(figures.gain.estimate), asToday ? gain : `${gain}${range(figures.gain, value)}`);
  told("plan-roi", digits(figures.roi.estimate), `ROI: ${data.unit} per unit of spend${range(figures.roi, digits)}`);
  told("plan-mroi", digits(figures.mroi.estimate), `marginal ROI: of the next 1% of the total${range(figures.mroi, digits)}`);
}

// What a plan is worth, in a sentence or two.
function verdictOf(data, figures, asToday) {
  const told = [];
  if (asToday) told.push("This is today's budget.");
  else if (figures.gain.low === null) told.push("Without draws it is unknown whether the gain is more than chance.");
  else if (figures.gain.high < 0) told.push("A loss: the whole range of the gain is below zero.");
  else if (figures.gain.low <= 0) told.push("No reliable gain: its range contains zero.");
  else if (data.refits) told.push("A gain in these refits; their range is too narrow to rely on.");
  else told.push("A gain over its whole range.");
  const last = figures.last;
  const share = marginOf(data);
  if (data.in_revenue && share * last.estimate < 1) {
    const returned = digits(last.estimate) + (share === 1 ? "" : ` of revenue, at a margin of ${marginText(data)}`);
    if (last.high === null) told.push(`The total may be too large: the last unit of spend is estimated to return ${returned}, less than it costs; without draws it is unknown how sure that is.`);
    else if (data.refits) told.push(`The total may be too large: the last unit of spend is estimated to return ${returned}, less than it costs; refits do not show how sure that is.`);
    else if (share * last.high < 1) told.push(`Reduce the total: the last unit of spend returns ${returned}, less than it costs.`);
    else told.push(`The total may be too large: the last unit of spend is estimated to return ${returned}, less than it costs, though the range to ${digits(last.high)} leaves that open.`);
  }
  return told.join(" ");
}

const amountForm = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const smallForm = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 5 });
const amountText = (x) => (Math.abs(x) >= 1000 ? amountForm : smallForm).format(x);
const plainDigits = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3, useGrouping: false }); // never a power of ten
const digits = (x) => (Number.isFinite(x) ? plainDigits.format(x) : "–");
const marginText = (data) => `${plainDigits.format(100 * data.margin)}%`;
const percentText = (share) => `${Number((100 * share).toFixed(0))}%`;
const percentOf = (x, whole) => (whole > 0 ? `${((100 * x) / whole).toFixed(0)}%` : "–");
const signedPercent = (share) => (Math.abs(share) < 0.0005 ? "as today" : `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(Math.abs(share) < 0.0995 ? 1 : 0)}%`);

// Three significant digits with a letter, as the figures of the first page.
function shortAmount(x) {
  const rounded = Number(x.toPrecision(3));
  for (const [size, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(rounded) >= size) return `${Number((rounded / size).toPrecision(3))}${letter}`;
  }
  return plainDigits.format(rounded);
}
const money = (data, x) => (data.currency ? `${data.currency}\u00a0${shortAmount(x)}` : shortAmount(x));

const planner = board && DATA.planner ? startPlanner(DATA.planner) : null;
