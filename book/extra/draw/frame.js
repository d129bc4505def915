// A picture of one digit in MNIST's 28×28 frame, step for step as digitlib/frame.py does it.
(window.digitlib ??= {}).frame = (() => {
  "use strict";
  const SIDE = 28, BOX = 20, FINER = 4;

  // halves go to the even neighbor, as in Python
  const even = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

  // weights[i][j]: how much of old pixel j goes into new pixel i
  function averages(before, after) {
    return Array.from({length: after}, (_, i) => {
      const start = (i * before) / after, stop = ((i + 1) * before) / after;
      return Float64Array.from({length: before}, (_, j) =>
        (Math.max(0, Math.min(stop, j + 1) - Math.max(start, j)) * after) / before);
    });
  }

  function between(before) {
    return Array.from({length: FINER * (before + 1)}, (_, i) => {
      const place = (i + 0.5) / FINER - 1;
      return Float64Array.from({length: before}, (_, j) => Math.max(0, 1 - Math.abs(place - j)));
    });
  }

  // rows × image × columnsᵀ; an image is a list of rows
  function resample(rows, image, columns) {
    const narrow = image.map((line) =>
      Float64Array.from(columns, (weights) => weights.reduce((sum, w, j) => sum + w * line[j], 0)));
    return rows.map((weights) => Float64Array.from(columns, (_, x) =>
      weights.reduce((sum, w, j) => (w ? sum + w * narrow[j][x] : sum), 0)));
  }

  // where the center of mass of so much ink in each row (or column) lies, in pixel indices
  function center(sums) {
    const total = sums.reduce((a, b) => a + b, 0);
    return sums.reduce((sum, v, i) => sum + i * v, 0) / total;
  }

  // ink: width × height numbers, row by row, larger where there is more ink.
  // Gives 784 bytes, or null if all numbers are the same.
  return function frame(ink, width, height) {
    let low = Infinity, top = height, bottom = -1, left = width, right = -1;
    for (const value of ink) low = Math.min(low, value);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (ink[y * width + x] > low) {
          top = Math.min(top, y);
          bottom = Math.max(bottom, y);
          left = Math.min(left, x);
          right = Math.max(right, x);
        }
    if (bottom < 0) return null;
    let image = [];
    for (let y = top; y <= bottom; y++)
      image.push(Float64Array.from({length: right - left + 1}, (_, x) =>
        ink[y * width + left + x] - low));
    if (Math.max(image.length, image[0].length) < BOX)
      image = resample(between(image.length), image, between(image[0].length));
    const [tall, wide] = [image.length, image[0].length];
    const [newTall, newWide] = [tall, wide].map((side) =>
      Math.max(1, even((side * BOX) / Math.max(tall, wide))));
    image = resample(averages(tall, newTall), image, averages(wide, newWide));
    const most = Math.max(...image.map((line) => Math.max(...line)));
    image = image.map((line) =>
      line.map((v) => even(Math.round(((v * 255) / most) * 1e6) / 1e6)));
    const byRow = image.map((line) => line.reduce((a, b) => a + b, 0));
    const byColumn = Array.from({length: newWide}, (_, x) =>
      image.reduce((sum, line) => sum + line[x], 0));
    const [y, x] = [[byRow, newTall], [byColumn, newWide]].map(([sums, side]) =>
      Math.min(Math.max(even(SIDE / 2 - center(sums)), 0), SIDE - side));
    const framed = new Uint8Array(SIDE * SIDE);
    image.forEach((line, i) => framed.set(line, (y + i) * SIDE + x));
    return framed;
  };
})();
