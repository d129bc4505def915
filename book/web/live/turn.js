// Past 99.5%: a six is turned, and the packaged network reads it.
(() => {
  "use strict";
  const {SIDE, bytes, probability} = window.digitlib;
  const {element, status, live, slider, large, pad} = window.digitlib.show;
  const NOTHING = 10;

  // turned clockwise about the middle, between pixels by their distance
  function turned(image, degrees) {
    const cos = Math.cos((degrees * Math.PI) / 180), sin = Math.sin((degrees * Math.PI) / 180), middle = (SIDE - 1) / 2;
    const at = (y, x) => (y >= 0 && y < SIDE && x >= 0 && x < SIDE ? image[y * SIDE + x] : 0);
    return Uint8Array.from(image, (_, i) => {
      const v = Math.floor(i / SIDE) - middle, u = (i % SIDE) - middle;
      const x = middle + cos * u + sin * v, y = middle - sin * u + cos * v;
      const left = Math.floor(x), top = Math.floor(y), right = x - left, down = y - top;
      return Math.round((1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1))
        + down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)));
    });
  }

  live("turn", (root) => {
    let image = bytes(digitlib.examples[6]), degrees = 0, touched = false;
    const paper = element("div"), seen = element("div", {className: "live-seen"}), said = status();
    const turn = slider("Turned", {min: -180, max: 180, step: 5, value: 0, told: (v) => `${v}°`}, (v) => {
      degrees = v;
      touched = true;
      digitlib.retry();
      show();
    });
    root.append(element("div", {className: "live-two"}, paper, element("div", {}, seen,
      turn, said)));
    const ask = digitlib.asking((text) => {
      said.textContent = `The network ${text}.`;
    });
    const name = (k) => (k === NOTHING ? "no digit" : k);
    function show() {
      const now = image && turned(image, degrees);
      seen.replaceChildren(...(now ? [large(now)] : []));
      if (!now || !touched) {
        ask();
        said.textContent = now ? "Move the slider; the network with what runs it (4.4 MB) is then loaded, once." : "Write a digit, then turn it.";
        return;
      }
      ask(() => digitlib.read(now), (p) => {
        const [first, second] = [...p.keys()].sort((a, b) => p[b] - p[a]);
        said.textContent = `Read as ${name(first)}, ${probability(p[first])}; then ${name(second)}, ${probability(p[second])}.`;
      });
    }
    pad(paper, (drawn) => {
      if (!drawn || !image) { // a new one stands upright
        degrees = 0;
        turn.set(0);
      }
      image = drawn;
      show();
    })({example: image});
  });
})();
