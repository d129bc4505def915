// Random numbers that come again: the same ones for the same seed.
(() => {
  "use strict";

  // a function that gives the next number, 0 ≤ r < 1 (xorshift, Marsaglia 2003)
  function random(seed) {
    let state = Math.imul(seed + 1, 0x9e3779b1) || 1;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
  }

  // 0 … n - 1 in a random order (Fisher and Yates)
  function shuffled(n, next) {
    const order = Int32Array.from({length: n}, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  window.digitlib = Object.assign(window.digitlib ?? {}, {random, shuffled});
})();
