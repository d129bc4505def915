// Convolutions: what each layer of the packaged network gives for what one writes.
(() => {
  "use strict";
  const {SIDE} = window.digitlib;
  const {element, status, live, choice, tiles, pad} = window.digitlib.show;
  const KERNEL = 3; // of each of its convolutions

  live("layers", (root) => {
    let maps = [], shown = 0, image = null;
    const paper = element("div"), canvas = element("canvas", {className: "live-maps"}), said = status();
    canvas.setAttribute("role", "img");
    const layers = choice("Layer", ["first", "second", "third", "fourth", "fifth"].map((name, k) => [k, name]), (k) => {
      shown = k;
      draw();
    });
    root.append(element("div", {className: "live-two"}, paper, element("div", {}, layers, said)), canvas);

    // how many pixels of the digit one number of a layer depends on, to each side
    function sight(k) {
      let pixels = 1, step = 1, before = SIDE;
      for (const {side} of maps.slice(0, k + 1)) {
        pixels += (KERNEL - 1) * step;
        step *= Math.round((before - KERNEL) / (side - 1));
        before = side;
      }
      return pixels;
    }
    function draw() {
      canvas.hidden = !image || !maps.length;
      if (canvas.hidden) {
        if (!image) said.textContent = "Write a digit; the network with what runs it (4.4 MB) is then loaded, once.";
        return;
      }
      const {at, side, channels} = maps[shown];
      const active = at.reduce((sum, v) => sum + (v > 0), 0);
      tiles(canvas, {weights: at, units: channels, columns: side > 20 ? 6 : side > 9 ? 12 : 16});
      said.textContent = `${channels} maps of ${side}×${side}. One number depends on ${sight(shown)}×${sight(shown)} pixels of the digit. ${active.toLocaleString("en-US")} of ${at.length.toLocaleString("en-US")} numbers are above 0 (orange).`;
      canvas.setAttribute("aria-label", `The ${channels} maps of this layer`);
    }
    const ask = digitlib.asking((text) => {
      said.textContent = `The network ${text}.`;
    });
    pad(paper, (drawn) => {
      image = drawn;
      if (!image) {
        ask();
        return draw();
      }
      ask(() => digitlib.look(image), (found) => {
        maps = found;
        draw();
      });
    });
    draw();
  });
})();
