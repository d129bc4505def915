// Which digits stand in ink or in a photo, step for step as digitlib/pieces.py and
// digitlib/handwriting.py find them; there each step and each number is explained.
(() => {
  "use strict";
  const {even, sum, pixels: {image, map, blurred, largest, labeled}} = window.digitlib;
  const {SMOOTH, ACROSS, brightness, sheet, brightInk, ink, withoutLines, slope} =
    window.digitlib.ink;
  const LARGE = 1000, SMALL = 300, FILLED = 400;
  const MANY = 1500, DUST = 0.12, HUGE = 4, LONG = 4, FLAT = 0.5, CONTACT = 0.25, FULL = 0.9;
  const FINE = 0.4, CROWD = 5, NEAR = 0.5;
  const CUT_WIDE = 0.9, CUTTABLE = [0.5, 2], LOW = 0.8, BETWEEN = 1 / 12;
  const STEEP = 1, TALL_PIECE = 0.5, APART = 0.65;
  const GROUP = 5, SHORT = 0.45, TALL = 1.7, WIDE = 1.6, AROUND = 2;
  const CERTAIN = 1e-4, UNREAD = 2, SPECK = 0.45, PART = 0.04, ONE = 1.5, FAR = 2.2, PARTS = 2;
  const LEAST = 1 / 3;
  const SURE = 0.7, LINE = 2, BETTER = 0.8, NOTHING = 10, REFUSED = 0.55;

  const tall = ([top, , bottom]) => bottom - top;
  const wide = ([, left, , right]) => right - left;
  const longer = (box) => Math.max(tall(box), wide(box));
  const join = (boxes) => [
    Math.min(...boxes.map((box) => box[0])), Math.min(...boxes.map((box) => box[1])),
    Math.max(...boxes.map((box) => box[2])), Math.max(...boxes.map((box) => box[3])),
  ];

  // Pieces

  // the box of each label, from 1, and how many pixels it has; a label may be missing
  function boxesOf(labels, width, n) {
    const boxes = Array.from({length: n}, () => [Infinity, Infinity, 0, 0]), areas = new Array(n).fill(0);
    for (let i = 0; i < labels.length; i++) {
      if (!labels[i]) continue;
      const box = boxes[labels[i] - 1], x = i % width, y = Math.floor(i / width);
      areas[labels[i] - 1]++;
      box[0] = Math.min(box[0], y);
      box[1] = Math.min(box[1], x);
      box[2] = Math.max(box[2], y + 1);
      box[3] = Math.max(box[3], x + 1);
    }
    return {boxes, areas};
  }

  function kept(found, keep) {
    let n = 0;
    const number = [0, ...found.boxes.map((box, i) => (keep(box, i) ? ++n : 0))];
    for (let i = 0; i < found.labels.length; i++) found.labels[i] = number[found.labels[i]];
    Object.assign(found, boxesOf(found.labels, found.width, n));
  }

  // without those that lie along the border
  function inside(found) {
    const {labels, width, height} = found, contact = found.boxes.map(() => 0);
    const touch = (i) => labels[i] && contact[labels[i] - 1]++;
    for (let x = 0; x < width; x++) {
      touch(x);
      touch((height - 1) * width + x);
    }
    for (let y = 0; y < height; y++) {
      touch(y * width);
      touch((y + 1) * width - 1);
    }
    const free = found.boxes.map((box, i) => contact[i] < CONTACT * (tall(box) + wide(box)));
    const {areas} = found;
    kept(found, (box, i) =>
      (free.includes(true) ? free[i] : areas[i] < FULL * tall(box) * wide(box)));
  }

  function isPrint({boxes, size}) {
    const thin = boxes.map((box) => Math.min(tall(box), wide(box)) < FINE * size);
    const near = ([t, l, b, r], [t2, l2, b2, r2]) =>
      Math.max(t - b2, t2 - b, l - r2, l2 - r) < NEAR * size;
    return boxes.map((one, i) =>
      thin[i] && boxes.filter((box, j) => thin[j] && near(one, box)).length > CROWD);
  }

  function usual({boxes, areas}) {
    if (!boxes.length) return 0;
    const order = [...boxes.keys()].sort((a, b) => tall(boxes[a]) - tall(boxes[b]));
    let covered = 0;
    for (const i of order) {
      covered += areas[i];
      if (2 * covered >= sum(areas)) return tall(boxes[i]);
    }
  }

  function columns(found, number) {
    const box = found.boxes[number - 1], [top, left, bottom] = box, n = wide(box);
    const filled = new Float32Array(n);
    for (let x = 0; x < n; x++)
      for (let y = top; y < bottom; y++)
        filled[x] += found.labels[y * found.width + left + x] === number;
    const at = blurred(image(n, 1, filled), 1).at, most = Math.max(...at);
    const cuts = [], reach = Math.max(2, even(BETWEEN * found.size));
    let start = null; // of columns that are equally low
    for (let x = 3; x <= n - 3; x++) {
      const near = at.subarray(Math.max(0, x - reach), x + reach + 1);
      const low = x < n - 3 && at[x] === Math.min(...near) && at[x] < LOW * most;
      if (low) start ??= x;
      else if (start !== null) {
        cuts.push(Math.floor((start + x) / 2));
        start = null;
      }
    }
    return cuts;
  }

  function cut(found) {
    const n = found.boxes.length;
    let last = n;
    for (let number = 1; number <= n; number++) {
      const box = found.boxes[number - 1], [top, left, bottom, right] = box;
      if (wide(box) <= CUT_WIDE * tall(box) || tall(box) <= CUTTABLE[0] * found.size
        || tall(box) >= CUTTABLE[1] * found.size) continue;
      let before = number;
      for (const column of columns(found, number)) {
        last++;
        for (let y = top; y < bottom; y++)
          for (let x = left + column; x < right; x++)
            if (found.labels[y * found.width + x] === before)
              found.labels[y * found.width + x] = last;
        before = last;
      }
    }
    Object.assign(found, boxesOf(found.labels, found.width, last));
    kept(found, (_, i) => found.areas[i] > 0);
  }

  function lines({boxes, size}) {
    const x = boxes.map(([, left, , right]) => (left + right) / 2);
    const y = boxes.map(([top, , bottom]) => (top + bottom) / 2);
    let large = [...boxes.keys()].filter((i) => tall(boxes[i]) > TALL_PIECE * size);
    if (!large.length) large = [...boxes.keys()];
    const t = slope(large.map((i) => y[i]), large.map((i) => x[i]),
      large.map((i) => Math.min(tall(boxes[i]), 1.2 * size)), size / 4, STEEP, 50);
    const place = y.map((v, i) => v - t * x[i]), rows = [];
    for (const one of large.map((i) => place[i]).sort((a, b) => a - b)) {
      const row = rows.at(-1);
      if (row && one - sum(row) / row.length < APART * size) row.push(one);
      else rows.push([one]);
    }
    const middles = rows.map((row) => sum(row) / row.length), found = rows.map(() => []);
    for (const [i, v] of place.entries()) {
      const away = middles.map((middle) => Math.abs(v - middle));
      found[away.indexOf(Math.min(...away))].push(i);
    }
    for (const line of found) line.sort((a, b) => x[a] - x[b]);
    return found;
  }

  function piecesOf({width, height, at}) {
    const {labels, n} = labeled(image(width, height, at.map((v) => +(v > 0.5))));
    return {labels, width, height, ...boxesOf(labels, width, n)};
  }

  // {labels, boxes, size, lines} of an image of ink, as digitlib/pieces.py has them
  function pieces(amount) {
    const found = piecesOf(amount);
    const none = {...found, boxes: [], size: 0, lines: []};
    if (found.boxes.length > 10 * MANY) return none;
    inside(found);
    found.size = usual(found);
    const {size} = found;
    kept(found, (box) => longer(box) > DUST * size && tall(box) < HUGE * size
      && !(wide(box) > LONG * size && tall(box) < FLAT * size));
    if (!found.boxes.length || found.boxes.length > MANY) return none;
    const print = isPrint(found);
    kept(found, (_, i) => !print[i]);
    cut(found);
    found.lines = lines(found);
    return found;
  }

  // Digits

  const cost = (probability) => -Math.log(probability + CERTAIN);
  const surest = (rating) => Math.max(...rating.slice(0, NOTHING));

  // the ink of some labels in MNIST's frame, and none of other labels
  function framed(amount, {labels}, own, [top, left, bottom, right]) {
    top = Math.max(0, top - AROUND);
    left = Math.max(0, left - AROUND);
    const w = Math.min(amount.width, right + AROUND) - left;
    const h = Math.min(amount.height, bottom + AROUND) - top;
    const at = (i) => (top + Math.floor(i / w)) * amount.width + left + (i % w);
    const mine = map(image(w, h), (_, i) => +own.has(labels[at(i)]));
    const near = largest(mine, 2 * AROUND + 1), padded = new Float32Array((w + 2) * (h + 2));
    for (let i = 0; i < w * h; i++)
      if (near.at[i] && (mine.at[i] || !labels[at(i)]))
        padded[(Math.floor(i / w) + 1) * (w + 2) + (i % w) + 1] = amount.at[at(i)];
    return digitlib.frame(padded, w + 2, h + 2);
  }

  function groups(amount, found, line) {
    const members = found.lines[line], all = [];
    for (let start = 0; start < members.length; start++)
      for (let stop = start + 1; stop <= Math.min(start + GROUP, members.length); stop++) {
        const group = members.slice(start, stop), box = join(group.map((i) => found.boxes[i]));
        if (tall(box) > SHORT * found.size && tall(box) < TALL * found.size
          && wide(box) < WIDE * tall(box)) {
          const own = new Set(group.map((i) => i + 1));
          all.push({line, start, stop, box, frame: framed(amount, found, own, box)});
        }
      }
    return all;
  }

  // all ink as one digit: [{line, box, frame}], or [] if it is too wide or lies too far apart
  function whole(amount) {
    const {width, height} = amount, mask = map(amount, (v) => +(v > 0.5));
    const found = piecesOf(largest(mask, 2 * AROUND + 1));
    inside(found);
    if (!found.boxes.length) return [];
    const inked = boxesOf(found.labels.map((label, i) => label * mask.at[i]), width,
      found.boxes.length);
    const most = Math.max(...inked.areas), main = found.boxes[inked.areas.indexOf(most)];
    const own = inked.areas.map((area) => area > PART * most);
    const box = join(inked.boxes.filter((_, i) => own[i]));
    if (wide(box) > WIDE * tall(box) || longer(box) > FAR * longer(main)) return [];
    const labels = Int32Array.from(mask.at, (v, i) => +(v > 0 && own[found.labels[i] - 1]));
    return [{line: 0, box, frame: framed(amount, {labels, width, height}, new Set([1]), box)}];
  }

  function path(found, line, candidates) {
    const members = found.lines[line];
    const extent = members.map((i) => longer(found.boxes[i]) / found.size);
    const unread = extent.map((e) => (e < SPECK ? e ** 2 : UNREAD * e));
    for (const {start, stop, rating} of candidates)
      if (stop === start + 1 && extent[start] >= SPECK)
        unread[start] = Math.min(unread[start], cost(rating[NOTHING] / 2));
    const costs = [0], before = [null];
    for (let end = 1; end <= members.length; end++) {
      let best = [costs[end - 1] + unread[end - 1], {start: end - 1}];
      for (const one of candidates) {
        const total = costs[one.start] + cost(surest(one.rating));
        if (one.stop === end && total < best[0]) best = [total, one];
      }
      costs.push(best[0]);
      before.push(best[1]);
    }
    const digits = [];
    let done = 0;
    for (let end = members.length; end; end = before[end].start)
      if (before[end].rating) {
        digits.unshift(before[end]);
        done += sum(extent.slice(before[end].start, end));
      }
    return done < LEAST * sum(extent)
      ? {digits: [], cost: sum(unread)} : {digits, cost: costs.at(-1)};
  }

  // {digits, cost, alone} in ink that stands upright; a digit is {line, box, frame, rating}, and
  // `alone` is all of the ink as one, if the picture may show one digit alone.
  // `rate` promises an array of eleven probabilities for each frame.
  async function read(amount, rate) {
    const found = pieces(amount);
    const candidates = found.lines.flatMap((_, line) => groups(amount, found, line));
    const alone = whole(amount), all = [...candidates, ...alone];
    const ratings = await rate(all.map(({frame}) => frame));
    for (const [i, one] of all.entries()) one.rating = ratings[i];
    const paths = found.lines.map((_, line) =>
      path(found, line, candidates.filter((one) => one.line === line)));
    const total = sum(paths.map((one) => one.cost));
    for (const one of alone)
      if (one.rating[NOTHING] < REFUSED && cost(surest(one.rating)) < total + ONE)
        return {digits: [one], cost: cost(surest(one.rating)), alone: one};
    const digits = paths.flatMap((one) => one.digits);
    return {digits, cost: total, alone: digits.length <= PARTS ? alone[0] : undefined};
  }

  // Which way up

  const sure = ({digits, cost}) => digits.length > 0 && cost < SURE * digits.length;

  // from a photo's bytes, red, green, blue and alpha, to three images of the size we work at
  function resized(data, width, height) {
    const long = Math.max(width, height);
    const scale = Math.min(LARGE / long, Math.max(1, Math.round(SMALL / long)));
    const w = Math.max(1, Math.round(width * scale)), h = Math.max(1, Math.round(height * scale));
    const columns = weights(width, w), rows = weights(height, h);
    const [red, green, blue] = [0, 1, 2].map(() => new Float32Array(w * h));
    const line = new Float32Array(4 * width);
    for (let y = 0, i = 0; y < h; y++) {
      line.fill(0);
      const {first, shares} = rows[y];
      for (let k = 0, from = 4 * first * width; k < shares.length; k++, from += line.length) {
        const share = shares[k] / 255;
        for (let j = 0; j < line.length; j++) line[j] += share * data[from + j];
      }
      for (let x = 0; x < w; x++, i++) {
        const {first, shares} = columns[x];
        for (let k = 0, j = 4 * first; k < shares.length; k++, j += 4) {
          red[i] += shares[k] * line[j];
          green[i] += shares[k] * line[j + 1];
          blue[i] += shares[k] * line[j + 2];
        }
      }
    }
    return {colors: [red, green, blue].map((at) => image(w, h, at)), scale};
  }

  // for each new pixel, from which old one on it is made, and of what share of each: of averages, or
  // between two where it is enlarged
  function weights(before, after) {
    const step = before / after;
    return Array.from({length: after}, (_, i) => {
      if (step >= 1) {
        const start = i * step, stop = Math.min(before, start + step), first = Math.floor(start);
        return {first, shares: Float64Array.from({length: Math.ceil(stop) - first}, (_, k) =>
          (Math.min(stop, first + k + 1) - Math.max(start, first + k)) / step)};
      }
      const place = Math.min(before - 1, Math.max(0, (i + 0.5) * step - 0.5));
      const first = Math.min(Math.floor(place), Math.max(0, before - 2)), share = place - first;
      return {first, shares: Float64Array.of(1 - share, share).subarray(0, before)};
    });
  }

  // [turned, ink, way back from its places to the photo's], one way of looking after the other
  function* ways(gray, scale) {
    const paper = sheet(gray), small = Math.max(gray.width, gray.height) <= FILLED;
    if (scale > 1) gray = blurred(gray, SMOOTH);
    if (!paper && brightInk(gray)) gray = map(gray, (v) => 1 - v);
    let [amount, back] = upright(gray, paper, small);
    const lineless = withoutLines(amount);
    const sheetful = lineless && ACROSS * Math.min(amount.width, amount.height)
      > LINE * usual(piecesOf(amount));
    if (sheetful) yield [false, lineless, back];
    yield [false, amount, back];
    if (lineless && !sheetful) yield [false, lineless, back];
    if (sheetful) amount = lineless;
    if (!paper) yield [false, ...upright(map(gray, (v) => 1 - v), null, small)];
    const views = [];
    for (let quarters = 1; quarters < 4; quarters++) {
      const {width} = amount, before = back;
      amount = turned(amount);
      back = ([x, y]) => before([width - y, x]);
      views.push([true, amount, back]);
    }
    yield* [views[0], views[2], views[1]];
  }

  // a quarter counterclockwise
  function turned({width, height, at}) {
    return image(height, width, at.map((_, i) =>
      at[(i % height) * width + width - 1 - Math.floor(i / height)]));
  }

  function upright(gray, paper, small) {
    if (!paper) return [ink(gray, null, small), (place) => place];
    const cos = Math.cos((paper.degrees * Math.PI) / 180);
    const sin = Math.sin((paper.degrees * Math.PI) / 180);
    let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
    for (const [i, v] of paper.mask.at.entries()) {
      if (!v) continue;
      const x = i % gray.width, y = Math.floor(i / gray.width);
      left = Math.min(left, x * cos + y * sin);
      right = Math.max(right, x * cos + y * sin);
      top = Math.min(top, y * cos - x * sin);
      bottom = Math.max(bottom, y * cos - x * sin);
    }
    const back = ([u, v]) =>
      [(u + left) * cos - (v + top) * sin, (u + left) * sin + (v + top) * cos];
    const tilted = ink(gray, paper.mask, small);
    const amount = image(Math.floor(right - left) + 1, Math.floor(bottom - top) + 1);
    for (let i = 0; i < amount.at.length; i++)
      amount.at[i] = between(tilted, ...back([i % amount.width, Math.floor(i / amount.width)]));
    return [amount, back];
  }

  // the value of an image at a place between pixels; 0 outside
  function between({width, height, at}, x, y) {
    const left = Math.floor(x), top = Math.floor(y);
    if (left < 0 || top < 0 || left >= width - 1 || top >= height - 1) return 0;
    const i = top * width + left, right = x - left, down = y - top;
    return (1 - down) * ((1 - right) * at[i] + right * at[i + 1])
      + down * ((1 - right) * at[i + width] + right * at[i + width + 1]);
  }

  // The digits in a photo, as {line, corners, frame, rating}; data as ImageData has it.
  async function find({data, width, height}, rate) {
    const {colors, scale} = resized(data, width, height), gray = brightness(colors);
    let best, first;
    for (const [turned, amount, back] of ways(gray, scale)) {
      if (turned && best.reading.alone) break;
      const reading = await read(amount, rate), {digits} = best?.reading ?? {};
      first ??= reading;
      if (!best || (reading.digits.length
        && (!digits.length || reading.cost < BETTER * best.reading.cost))) best = {reading, back};
      const parts = first.alone && reading.digits.length > 1; // of one digit, perhaps
      if (sure(reading) && !turned && !parts) break;
    }
    return best.reading.digits.map(({line, box: [top, left, bottom, right], frame, rating}) => ({
      line, frame, rating,
      corners: [[left, top], [right, top], [right, bottom], [left, bottom]]
        .map((place) => best.back(place).map((v) => v / scale)),
    }));
  }

  // the ink of a photo as it stands
  function inkIn({data, width, height}) {
    const {colors, scale} = resized(data, width, height);
    for (const [, amount] of ways(brightness(colors), scale)) return amount;
  }

  Object.assign(window.digitlib, {handwriting: {REFUSED, read, find, inkIn}});
})();
