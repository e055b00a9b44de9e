"use strict";
// Outcome of a plan from each channel's table, and the best plan of a total. No document is touched here.

// Tables come as 32-bit floats: outcome by set (the estimate, then draws), channel and level of spend.
function planTables(data) {
  const bytes = Uint8Array.from(atob(data.values), (c) => c.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  const n = data.channels.length;
  const m = data.levels.length;
  const row = (set, channel) => Array.from(values.subarray((set * n + channel) * m, (set * n + channel + 1) * m));
  const sets = Array.from({ length: data.sets }, (_, set) => Array.from({ length: n }, (_, channel) => curve(data.levels, row(set, channel))));
  return { data, sets, aim: data.sets > 1 ? averaged(data, sets) : sets[0] };
}

// The best plan is that of the mean over draws, as `optimize_budget` has it.
function averaged(data, sets) {
  const drawn = sets.slice(1);
  return data.channels.map((_, channel) => {
    const mean = data.levels.map((_, k) => drawn.reduce((sum, set) => sum + set[channel].y[k], 0) / drawn.length);
    return curve(data.levels, mean);
  });
}

// Slopes of a monotone cubic (Fritsch and Butland 1984), the same as SciPy's PchipInterpolator.
function curve(x, y) {
  const n = x.length;
  const h = Array.from({ length: n - 1 }, (_, i) => x[i + 1] - x[i]);
  const d = h.map((width, i) => (y[i + 1] - y[i]) / width);
  const slope = new Array(n);
  for (let i = 1; i < n - 1; i++) {
    const [w1, w2] = [2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]];
    slope[i] = d[i - 1] * d[i] <= 0 ? 0 : (w1 + w2) / (w1 / d[i - 1] + w2 / d[i]);
  }
  slope[0] = endSlope(h[0], h[1], d[0], d[1]);
  slope[n - 1] = endSlope(h[n - 2], h[n - 3], d[n - 2], d[n - 3]);
  return { x, y, slope };
}

function endSlope(h0, h1, d0, d1) {
  const found = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
  if (Math.sign(found) !== Math.sign(d0)) return 0;
  return Math.sign(d0) !== Math.sign(d1) && Math.abs(found) > 3 * Math.abs(d0) ? 3 * d0 : found;
}

// Value of a curve; beyond its last level, where only the next 1% of a spend is asked about, it goes on at its slope.
function valueAt(table, at) {
  const { x, y, slope } = table;
  const last = x.length - 1;
  if (at >= x[last]) return y[last] + slope[last] * (at - x[last]);
  if (at <= x[0]) return y[0];
  let i = 0;
  while (x[i + 1] < at) i++;
  const width = x[i + 1] - x[i];
  const t = (at - x[i]) / width;
  const u = 1 - t;
  return (1 + 2 * t) * u * u * y[i] + t * u * u * width * slope[i] + t * t * (3 - 2 * t) * y[i + 1] - t * t * u * width * slope[i + 1];
}

const spendSum = (spend) => spend.reduce((a, b) => a + b, 0);

// Outcome of a plan beyond that of today's spend, by the tables of one set.
function gainOf(tables, curves, spend) {
  const { base, today } = tables.data;
  return spend.reduce((sum, x, c) => sum + valueAt(curves[c], x / base[c]) - valueAt(curves[c], today[c] / base[c]), 0);
}

const NOTHING = 1e-9; // share of today's spend below which nothing is spent, and nothing is returned per unit
const MORE = 0.01; // share of spend added for a marginal return, as in the tables above

// Profit as a share of revenue; 1 where revenue itself counts.
const marginOf = (data) => data.margin ?? 1;

// Everything that is shown of a plan: estimates and, where there are draws, intervals.
function planFigures(tables, spend, free) {
  const { data, sets } = tables;
  const total = spendSum(spend);
  const cost = data.in_revenue ? total - spendSum(data.today) : 0;
  const bySet = sets.map((curves, set) => {
    const gain = gainOf(tables, curves, spend);
    const more = spend.map((x) => (1 + MORE) * x);
    const outcome = data.whole[set] + gain;
    const next = (gainOf(tables, curves, more) - gain) / (MORE * total);
    const returns = total > NOTHING * spendSum(data.today) ? [outcome / total, next, lastUnit(tables, curves, spend, free)] : [NaN, NaN, NaN];
    return [outcome, marginOf(data) * gain - cost, ...returns];
  });
  const names = ["outcome", "gain", "roi", "mroi", "last"];
  return Object.fromEntries(names.map((name, i) => [name, withRange(bySet.map((row) => row[i]), data.level)]));
}

// Return of one more unit of spend on the channels that are free to move, in proportion to their spend.
function lastUnit(tables, curves, spend, free) {
  const some = free.some((is, c) => is && spend[c] > 0) ? free : spend.map(() => true);
  const more = spend.map((x, c) => (some[c] ? (1 + MORE) * x : x));
  return (gainOf(tables, curves, more) - gainOf(tables, curves, spend)) / (spendSum(more) - spendSum(spend));
}

// Where every channel is at an end of its limits, the one that the last unit came from, or that the next goes to.
function atEnds(tables, spend, low, high) {
  const base = tables.data.base;
  const slope = (c, step) => (valueAt(tables.aim[c], spend[c] / base[c] + step) - valueAt(tables.aim[c], spend[c] / base[c])) / (step * base[c]);
  const among = (can) => spend.map((_, c) => c).filter(can);
  const gives = among((c) => spend[c] > low[c] + 1e-6 * base[c]);
  const takes = among((c) => spend[c] < high[c] - 1e-6 * base[c]);
  const last = gives.length ? gives.reduce((a, c) => (slope(c, -MORE) < slope(a, -MORE) ? c : a)) : takes.reduce((a, c) => (slope(c, MORE) > slope(a, MORE) ? c : a), takes[0]);
  return spend.map((_, c) => last === undefined || c === last);
}

function withRange(values, level) {
  const [estimate, ...drawn] = values;
  if (drawn.length < 2) return { estimate, low: null, high: null };
  drawn.sort((a, b) => a - b);
  return { estimate, low: quantile(drawn, (1 - level) / 2), high: quantile(drawn, (1 + level) / 2) };
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

// Returns of one channel by the estimate: ROI, with what its free exposure brings, and that of 1% more spend.
function channelReturns(tables, channel, spend) {
  if (!(spend > 0)) return { roi: null, mroi: null };
  const own = tables.sets[0][channel];
  const at = spend / tables.data.base[channel];
  const outcome = valueAt(own, at);
  return { roi: (tables.data.free[channel] + outcome) / spend, mroi: (valueAt(own, (1 + MORE) * at) - outcome) / (MORE * spend) };
}

// Spend scaled towards a total within limits: what one channel cannot take, the others do.
function scaledTo(total, spend, low, high) {
  const ends = [spendSum(low), spendSum(high)];
  const wanted = Math.min(Math.max(total, ends[0]), ends[1]);
  const clipped = (factor) => spend.map((x, c) => Math.min(Math.max(factor * Math.max(x, 1e-9 * high[c]), low[c]), high[c]));
  let [below, above] = [0, 1];
  while (spendSum(clipped(above)) < wanted * (1 - 1e-12) && above < 1e12) above *= 2;
  for (let i = 0; i < 200; i++) {
    const middle = (below + above) / 2;
    if (spendSum(clipped(middle)) < wanted) below = middle;
    else above = middle;
  }
  return clipped(above);
}

const STEPS = 400; // of the total, in the first search

// The best plan of a total within limits. Curves may be S-shaped, so that a greedy search could stop at a lesser optimum:
// a dynamic programme over a grid finds the best region, and small exchanges between two channels polish it.
function bestPlan(tables, total, low, high) {
  const spare = total - spendSum(low);
  if (!(spare > 0)) return low.slice();
  if (total >= spendSum(high)) return high.slice();
  const value = (c, x) => valueAt(tables.aim[c], x / tables.data.base[c]);
  const found = scaledTo(total, onGrid(value, low, high, spare / STEPS), low, high);
  return polished(value, found, low, high, spare / STEPS);
}

function onGrid(value, low, high, step) {
  let best = new Float64Array(STEPS + 1).fill(-Infinity);
  best[0] = 0;
  const chosen = [];
  low.forEach((least, c) => {
    const most = Math.min(STEPS, Math.ceil((high[c] - least) / step - 1e-9));
    const gained = Array.from({ length: most + 1 }, (_, k) => value(c, Math.min(least + k * step, high[c])));
    const next = new Float64Array(STEPS + 1).fill(-Infinity);
    const taken = new Int32Array(STEPS + 1);
    for (let j = 0; j <= STEPS; j++) {
      for (let k = 0; k <= Math.min(most, j); k++) {
        if (best[j - k] + gained[k] > next[j]) {
          next[j] = best[j - k] + gained[k];
          taken[j] = k;
        }
      }
    }
    chosen.push(taken);
    best = next;
  });
  const plan = low.slice();
  for (let c = low.length - 1, j = STEPS; c >= 0; c--) {
    plan[c] = Math.min(low[c] + chosen[c][j] * step, high[c]);
    j -= chosen[c][j];
  }
  return plan;
}

function polished(value, plan, low, high, step) {
  const found = plan.slice();
  for (let size = step; size > step / 500; size /= 2) {
    for (let round = 0; round < 50 && exchanged(value, found, low, high, size); round++);
  }
  return found;
}

// Moves an amount from one channel to another wherever that gains; whether it did anywhere.
function exchanged(value, plan, low, high, size) {
  let moved = false;
  for (let a = 0; a < plan.length; a++) {
    for (let b = 0; b < plan.length; b++) {
      const amount = Math.min(size, plan[a] - low[a], high[b] - plan[b]);
      if (a === b || !(amount > 1e-9 * size)) continue;
      const before = value(a, plan[a]) + value(b, plan[b]);
      if (value(a, plan[a] - amount) + value(b, plan[b] + amount) > before + 1e-12 * Math.abs(before)) {
        plan[a] -= amount;
        plan[b] += amount;
        moved = true;
      }
    }
  }
  return moved;
}
