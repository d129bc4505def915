// What the pages know of a digit, a 28×28 image of 784 bytes, 0 for paper and 255 for ink: how it
// is packed and shown, how sure an answer is in words, and how a picture becomes one.
(() => {
  "use strict";
  const SIDE = 28, BOX = 20, FINER = 4; // as in digitlib/frame.py

  // base64, or base64url, which an address keeps
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const forAddress = (base64) =>
    base64.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

  // the content of gzip in base64, as a Response
  function unzipped(base64) {
    const stream = new Blob([bytes(base64)]).stream();
    return new Response(stream.pipeThrough(new DecompressionStream("gzip")));
  }

  // a canvas of it; the ink is black and the paper is clear
  function picture(image) {
    const canvas = Object.assign(document.createElement("canvas"), {width: SIDE, height: SIDE});
    const pixels = new ImageData(SIDE, SIDE);
    for (const [i, ink] of image.entries()) pixels.data[4 * i + 3] = ink;
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }

  const percent = (share, places = 1) => `${(100 * share).toFixed(places)}%`;
  const probability = (p) => (p > 0.9995 ? "> 99.9%" : p < 0.0005 ? "< 0.1%" : percent(p));

  const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);
  const argmax = (numbers) => numbers.indexOf(Math.max(...numbers));

  // 95% interval of a share (Wilson 1927)
  function interval(part, whole) {
    const z = 1.959964, p = part / whole, scale = 1 + z ** 2 / whole;
    const middle = (p + z ** 2 / (2 * whole)) / scale;
    const half = (z * Math.sqrt((p * (1 - p)) / whole + z ** 2 / (4 * whole ** 2))) / scale;
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  // Into MNIST's frame, step for step as digitlib/frame.py does it. An image on the way is a list
  // of rows.

  // halves go to the even neighbor, as in Python
  const even = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

  // n numbers, by a loop: many times as fast as by Float64Array.from
  function filled(n, f) {
    const made = new Float64Array(n);
    for (let i = 0; i < n; i++) made[i] = f(i);
    return made;
  }

  // how much of the old pixels from `first` to before `last` goes into a new one, by a function
  const share = (first, last, f) =>
    ({first, weights: filled(last - first, (k) => f(first + k))});
  const averages = (before, after) =>
    Array.from({length: after}, (_, i) => {
      const start = (i * before) / after, stop = ((i + 1) * before) / after;
      return share(Math.floor(start), Math.min(before, Math.ceil(stop)), (j) =>
        (Math.max(0, Math.min(stop, j + 1) - Math.max(start, j)) * after) / before);
    });
  const between = (before) =>
    Array.from({length: FINER * (before + 1)}, (_, i) => {
      const place = (i + 0.5) / FINER - 1, left = Math.floor(place);
      return share(Math.max(0, left), Math.min(before, left + 2), (j) => Math.max(0, 1 - Math.abs(place - j)));
    });

  function dot(a, b, first = 0) {
    let total = 0;
    for (let i = 0; i < a.length; i++) total += a[i] * b[first + i];
    return total;
  }

  // rows × image × columnsᵀ
  function resample(rows, image, columns) {
    const narrow = columns.map(({first, weights}) => filled(image.length, (y) => dot(weights, image[y], first)));
    return rows.map(({first, weights}) => filled(narrow.length, (x) => dot(weights, narrow[x], first)));
  }

  // the smallest box that holds all ink above the ground, the lowest value; null if there is none
  function cut(ink, width, height) {
    const ground = ink.reduce((low, value) => Math.min(low, value), Infinity);
    let top = height, bottom = -1, left = width, right = -1;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (ink[y * width + x] > ground) {
          top = Math.min(top, y);
          bottom = Math.max(bottom, y);
          left = Math.min(left, x);
          right = Math.max(right, x);
        }
    if (bottom < 0) return null;
    return Array.from({length: bottom - top + 1}, (_, y) =>
      filled(right - left + 1, (x) => ink[(top + y) * width + left + x] - ground));
  }

  // where so much ink in each row (or column) has to start for its center of mass to be in the middle
  function start(sums) {
    const center = sum(sums.map((ink, i) => i * ink)) / sum(sums);
    return Math.min(Math.max(even(SIDE / 2 - center), 0), SIDE - sums.length);
  }

  // ink: width × height numbers, row by row, larger where there is more ink.
  // Gives a digit, or null if all numbers are the same.
  function frame(ink, width, height) {
    let image = cut(ink, width, height);
    if (!image) return null;
    if (Math.max(image.length, image[0].length) < BOX)
      image = resample(between(image.length), image, between(image[0].length));
    const sides = [image.length, image[0].length];
    const [rows, columns] = sides.map((side) =>
      averages(side, Math.max(1, even((side * BOX) / Math.max(...sides)))));
    image = resample(rows, image, columns);
    const most = Math.max(...image.map((line) => Math.max(...line)));
    image = image.map((line) =>
      line.map((v) => even(Math.round(((v * 255) / most) * 1e6) / 1e6)));
    const y = start(image.map(sum));
    const x = start(columns.map((_, j) => sum(image.map((line) => line[j]))));
    const framed = new Uint8Array(SIDE * SIDE);
    for (const [i, line] of image.entries()) framed.set(line, (y + i) * SIDE + x);
    return framed;
  }

  window.digitlib = Object.assign(window.digitlib ?? {},
    {SIDE, bytes, forAddress, unzipped, picture, percent, probability, sum, argmax, interval, even, dot, frame});
})();
