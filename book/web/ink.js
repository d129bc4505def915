// How much ink lies on each pixel of a photo, step for step as digitlib/ink.py does it; there each
// step and each number is explained.
(() => {
  "use strict";
  const {image, map, averaged, largest, smallest, labeled, quantile, otsu} =
    window.digitlib.pixels;
  const {argmax, even, dot} = window.digitlib;
  const SMOOTH = 1, STROKE = 1 / 12, BROAD = 1 / 3, FEW = 5, NOISE = 5, FAINT = 0.06, WEAK = 0.25;
  const STRENGTH = 0.35, EDGE = 0.3, SOFT = 1.4;
  const SHEET = [0.05, 0.85], GRAIN = 0.005, OTHER = 0.4, TOUCHED = 0.3, RECTANGLE = 0.85;
  const STEP = 0.2, RIM = 6, MARGIN = 0.015;
  const TILT = 0.12, SLOPES = 4, GAP = 3, ACROSS = 0.3, POINTS = 10_000;

  const side = ({width, height}) => Math.max(width, height);
  const quarter = (one) => Math.floor(side(one) / 4) | 1;
  const clipped = (v) => Math.min(1, Math.max(0, v));

  // red, green, blue: three images, 0–1
  function brightness(colors) {
    const local = colors.map((color) => {
      const around = averaged(color, quarter(color));
      return color.at.map((v, i) => v - around.at[i]);
    });
    const products = local.map((a) => local.map((b) => dot(a, b)));
    let axis = [1, 1.01, 0.99]; // the direction that the products stretch most
    for (let i = 0; i < 200; i++) {
      axis = products.map((row) => row.reduce((sum, v, j) => sum + v * axis[j], 0));
      const length = Math.hypot(...axis) || 1;
      axis = axis.map((v) => v / length);
    }
    const main = axis.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    axis = axis.map((v) => v * Math.sign(main));
    const total = axis.reduce((a, b) => a + b);
    const [r, g, b] = colors.map(({at}) => at);
    const gray = map(colors[0], (_, i) => r[i] * axis[0] + g[i] * axis[1] + b[i] * axis[2]);
    if (Math.min(...axis) > 0) return map(gray, (v) => v / total);
    const [low, high] = range(gray.at);
    return map(gray, (v) => (v - low) / Math.max(high - low, 1e-6));
  }

  function range(values) {
    let low = Infinity, high = -Infinity;
    for (const v of values) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
    return [low, high];
  }

  const count = (mask) => mask.at.reduce((sum, v) => sum + v, 0);
  const not = (mask) => map(mask, (v) => 1 - v);
  const shrunk = (mask, pixels) => smallest(mask, 2 * pixels + 1);
  const medianIn = (gray, mask) => quantile(gray.at.filter((_, i) => mask.at[i]), 0.5);

  // {mask, degrees}, or null
  function sheet(gray) {
    const level = otsu(gray.at), bright = map(gray, (v) => +(v > level));
    const grain = Math.max(2, Math.round(GRAIN * side(gray)));
    const {labels, n} = labeled(largest(shrunk(bright, grain), 2 * grain + 1), false);
    if (!n) return null;
    const areas = new Array(n + 1).fill(0);
    for (const label of labels) areas[label]++;
    areas[0] = 0;
    const main = argmax(areas);
    const mask = filled(map(gray, (_, i) => +(labels[i] === main)));
    const share = count(mask) / mask.at.length;
    if (share <= SHEET[0] || share >= SHEET[1]) return null;
    const rest = bright.at.filter((_, i) => !mask.at[i]);
    if (rest.reduce((sum, v) => sum + v, 0) > OTHER * rest.length) return null;
    if (sides(mask).filter((part) => part > TOUCHED).length > 2) return null;

    const inner = shrunk(mask, 1), rim = [];
    for (let i = 0; i < mask.at.length; i++)
      if (mask.at[i] && !inner.at[i]) rim.push([i % mask.width, Math.floor(i / mask.width)]);
    let best = [Infinity];
    for (let degrees = -45; degrees < 45; degrees++) {
      const cos = Math.cos((degrees * Math.PI) / 180), sin = Math.sin((degrees * Math.PI) / 180);
      const [left, right] = range(rim.map(([x, y]) => x * cos + y * sin));
      const [top, bottom] = range(rim.map(([x, y]) => y * cos - x * sin));
      const area = (right - left + 1) * (bottom - top + 1);
      if (area < best[0]) best = [area, degrees];
    }
    if (count(mask) < RECTANGLE * best[0]) return null;
    const ring = (one) => {
      const near = shrunk(one, 2), far = shrunk(one, RIM);
      return map(one, (_, i) => near.at[i] * (1 - far.at[i]));
    };
    if (medianIn(gray, ring(mask)) - medianIn(gray, ring(not(mask))) < STEP) return null;
    const margin = Math.max(4, Math.round(MARGIN * side(mask)));
    return {mask: shrunk(mask, margin), degrees: best[1]};
  }

  // the share of each side of the picture that belongs to a mask
  function sides({width, height, at}) {
    const part = (n, place) =>
      Array.from({length: n}, (_, i) => at[place(i)]).reduce((sum, v) => sum + v, 0) / n;
    return [part(width, (i) => i), part(width, (i) => (height - 1) * width + i),
      part(height, (i) => i * width), part(height, (i) => (i + 1) * width - 1)];
  }

  // without holes: all that is not joined to the border from outside
  function filled(mask) {
    const {width, height} = mask, {labels} = labeled(not(mask), false), outside = new Set([0]);
    for (let x = 0; x < width; x++) outside.add(labels[x]).add(labels[(height - 1) * width + x]);
    for (let y = 0; y < height; y++) outside.add(labels[y * width]).add(labels[(y + 1) * width - 1]);
    return map(mask, (v, i) => (v || !outside.has(labels[i]) ? 1 : 0));
  }

  function brightInk(gray) {
    const around = averaged(gray, quarter(gray));
    return gray.at.reduce((sum, v, i) => sum + (v - around.at[i]) ** 3, 0) > 0;
  }

  function ink(gray, mask, small) {
    const wide = Math.max(15, Math.round(side(gray) * (small ? BROAD : STROKE))) | 1;
    const paper = mask ? map(gray, (v, i) => v * mask.at[i]) : gray;
    const light = averaged(smallest(largest(paper, wide), wide), (wide >> 1) | 1);
    const amount = map(gray, (v, i) =>
      (mask ? mask.at[i] : 1) * clipped(1 - v / Math.max(light.at[i], 0.02)));
    const values = amount.at.filter((_, i) => !mask || mask.at[i]).filter((_, i) => i % FEW === 0);
    const half = small ? 0.25 : 0.5;
    const low = quantile(values, half / 5), middle = quantile(values, half);
    let least = Math.max(middle + NOISE * (middle - low), FAINT);
    const strong = values.filter((v) => v > least);
    if (!strong.length) return map(amount, () => 0);
    least = Math.max(least, WEAK * quantile(strong, 0.8));
    const {labels, n} = labeled(map(amount, (v) => +(v > least)));
    const strength = new Float32Array(n + 1);
    for (const [i, v] of amount.at.entries())
      strength[labels[i]] = Math.max(strength[labels[i]], v);
    return map(amount, (v, i) => labels[i]
      && clipped((v / Math.max(STRENGTH * strength[labels[i]], least) - EDGE) / SOFT));
  }

  const transposed = ({width, height, at}) =>
    image(height, width, at.map((_, i) => at[(i % height) * width + Math.floor(i / height)]));

  // null if there are none
  function withoutLines(amount) {
    let rest = amount;
    for (let i = 0; i < SLOPES; i++) {
      const before = rest;
      rest = transposed(withoutRows(transposed(withoutRows(rest))));
      if (rest.at.every((v, j) => v === before.at[j])) break;
    }
    return rest.at.every((v, j) => v === amount.at[j]) ? null : rest;
  }

  function withoutRows(amount) {
    const {width, height} = amount, x = [], y = [];
    for (let i = 0; i < amount.at.length; i++)
      if (amount.at[i] > 0.5) {
        x.push(i % width);
        y.push(Math.floor(i / width));
      }
    if (!x.length) return amount;
    const every = 1 + Math.floor(y.length / POINTS), some = (_, i) => i % every === 0;
    const few = y.filter(some);
    const t = slope(few, x.filter(some), few.map(() => 1), 1, TILT,
      Math.max(3, Math.round(TILT * width)));
    const row = y.map((v, i) =>
      Math.min(height - 1, Math.max(0, even(v - t * (x[i] - width / 2)))));
    const level = image(width, height);
    for (const [i, r] of row.entries()) level.at[r * width + x[i]] = 1;
    const lined = Array.from({length: height}, (_, r) => longest(level, r) > ACROSS * width);
    if (!lined.includes(true)) return amount;
    const near = lined.map((v, r) => v || lined[r - 1] || lined[r + 1] || false);
    let thick = 0;
    for (let r = 0, run = 0; r < height; r++) {
      run = near[r] ? run + 1 : 0;
      thick = Math.max(thick, run);
    }
    const mask = map(amount, (v) => +(v > 0.5)), gone = map(mask, () => 0);
    for (let i = 0; i < x.length; i++) {
      if (!near[row[i]]) continue;
      let top = y[i], bottom = y[i];
      while (top > 0 && mask.at[(top - 1) * width + x[i]]) top--;
      while (bottom < height - 1 && mask.at[(bottom + 1) * width + x[i]]) bottom++;
      if (bottom - top < 2 * thick) gone.at[y[i] * width + x[i]] = 1;
    }
    return map(amount, (v, i) =>
      (gone.at[i] || gone.at[i - width] || gone.at[i + width] ? 0 : v));
  }

  // the longest run of a row, over gaps of up to 2 GAP pixels
  function longest({width, at}, row) {
    let most = 0, start = 0, end = -1;
    for (let x = 0; x < width; x++) {
      const i = row * width + x;
      if (!(at[i] || at[i - width] || at[i + width])) continue;
      if (x - GAP > end) start = Math.max(0, x - GAP);
      end = Math.min(width, x + GAP + 1);
      most = Math.max(most, end - start);
    }
    return most;
  }

  function slope(y, x, weight, grain, most, n) {
    const slopes = Array.from({length: 2 * n + 1}, (_, i) => (most * (i - n)) / n);
    slopes.sort((a, b) => Math.abs(a) - Math.abs(b) || a - b);
    const row = new Int32Array(y.length);
    let best = null;
    for (const t of slopes) {
      for (let i = 0; i < row.length; i++) row[i] = Math.floor((y[i] - t * x[i]) / grain);
      const [low, high] = range(row), sums = new Float64Array(high - low + 2);
      for (let i = 0; i < row.length; i++) sums[row[i] - low] += weight[i];
      let score = high === low ? sums[0] ** 2 : 0;
      for (let r = 1; r <= high - low; r++) score += (sums[r] + sums[r - 1]) ** 2;
      if (!best || score > 1.01 * best[0]) best = [score, t];
    }
    return best[1];
  }

  Object.assign(window.digitlib, {
    ink: {SMOOTH, ACROSS, brightness, sheet, brightInk, ink, withoutLines, slope},
  });
})();
