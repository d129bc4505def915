// Your own digits: the steps into MNIST's frame, each of them on or off.
(() => {
  "use strict";
  const {bytes, recorded, probability, pen} = window.digitlib;
  const {element, live, large, bars, pad, digits} = window.digitlib.show;
  const SIDE = 28, BOX = 20;
  const STEPS = {cut: "cut out the ink", shape: "keep its proportions", rim: "leave a rim: a box of 20×20", mass: "center it by its mass"};

  // an image of ink on a square of so many pixels, averaged
  function shrunk({width, height, at}, wide, high) {
    return Float64Array.from({length: wide * high}, (_, i) => {
      const [x0, x1] = [0, 1].map((k) => (((i % wide) + k) * width) / wide), [y0, y1] = [0, 1].map((k) => ((Math.floor(i / wide) + k) * height) / high);
      let sum = 0, area = 0;
      for (let y = Math.floor(y0); y < y1; y++)
        for (let x = Math.floor(x0); x < x1; x++) {
          const part = (Math.min(x1, x + 1) - Math.max(x0, x)) * (Math.min(y1, y + 1) - Math.max(y0, y));
          sum += part * at[y * width + x];
          area += part;
        }
      return sum / area;
    });
  }

  live("place", async (root) => {
    const {read} = await recorded(await digits()), on = {cut: true, shape: true, rim: true, mass: true};
    let ink;
    const paper = element("div"), seen = element("div", {className: "live-seen"}), list = element("ol"), said = element("p", {className: "live-said"});
    const boxes = Object.entries(STEPS).map(([name, text]) => {
      const input = element("input", {type: "checkbox", checked: true});
      input.addEventListener("change", () => {
        on[name] = input.checked;
        show();
      });
      return element("label", {className: "live-check"}, input, ` ${text}`);
    });
    root.append(element("div", {className: "live-two"}, paper, element("div", {}, ...boxes, seen)), list, said);
    const set = bars(list, "Probability of each digit");

    // the ink as the steps that are on place it
    function placed() {
      const {width, at} = ink;
      let part = ink;
      if (on.cut) {
        const rows = [], columns = [];
        at.forEach((v, i) => {
          if (v > 0) {
            rows.push(Math.floor(i / width));
            columns.push(i % width);
          }
        });
        const top = Math.min(...rows), left = Math.min(...columns), w = Math.max(...columns) - left + 1, h = Math.max(...rows) - top + 1;
        part = {width: w, height: h, at: Float64Array.from({length: w * h}, (_, i) => at[(top + Math.floor(i / w)) * width + left + (i % w)])};
      }
      const side = on.rim ? BOX : SIDE, longer = Math.max(part.width, part.height);
      const [wide, high] = [part.width, part.height].map((v) => (on.shape ? Math.max(1, Math.round((side * v) / longer)) : side));
      const small = shrunk(part, wide, high), most = Math.max(...small) || 1, total = small.reduce((a, b) => a + b) || 1;
      const middle = (n, f) => Math.max(0, Math.min(SIDE - n, Math.round(on.mass
        ? SIDE / 2 - small.reduce((sum, v, i) => sum + v * (f(i) + 0.5), 0) / total : (SIDE - n) / 2)));
      const x = middle(wide, (i) => i % wide), y = middle(high, (i) => Math.floor(i / wide));
      const image = new Uint8Array(SIDE * SIDE);
      for (const [i, v] of small.entries())
        image[(y + Math.floor(i / wide)) * SIDE + x + (i % wide)] = Math.round((255 * v) / most);
      return image;
    }
    function show() {
      if (!ink) {
        seen.replaceChildren();
        set(null);
        said.textContent = "Write a digit, small and in a corner.";
        return;
      }
      const image = placed(), p = read(image);
      seen.replaceChildren(large(image));
      set(p);
      const answer = p.indexOf(Math.max(...p));
      said.textContent = `Read as ${answer}, ${probability(p[answer])}.`;
    }
    pad(paper, (image, strokes, size) => {
      if (strokes) {
        const [{width, height, at}, back] = pen.inkOf(strokes), [[left, top], [right]] = [back([0, 0]), back([width, height])];
        const scale = width / (right - left), all = Math.round(size * scale);
        ink = {width: all, height: all, at: new Float64Array(all * all)};
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const [u, v] = [Math.round(x + left * scale), Math.round(y + top * scale)];
            if (u >= 0 && u < all && v >= 0 && v < all) ink.at[v * all + u] = at[y * width + x];
          }
        if (!ink.at.some((v) => v > 0)) ink = null;
      } else if (image) { // an example, small in a corner of the paper
        ink = {width: 84, height: 84, at: new Float64Array(84 * 84)};
        for (const [i, v] of image.entries()) ink.at[(50 + Math.floor(i / SIDE)) * 84 + 6 + (i % SIDE)] = v / 255;
      } else ink = null;
      show();
    })(bytes(digitlib.examples[5]));
  });
})();
