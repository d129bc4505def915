// Your own digits: the steps into MNIST's frame, each of them on or off, for a drawing or a photo, and
// two networks that read what comes out.
(() => {
  "use strict";
  const {SIDE, argmax, bytes, recorded, probability, pen, photo: {photoOf, pixelsOf, chooses}} = window.digitlib;
  const {element, status, live, large, bars, pad, digits} = window.digitlib.show;
  const BOX = 20, NOTHING = 10;
  const INKED = 0.25; // of a pixel that belongs to the ink
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

  const square = (side) => ({width: side, height: side, at: new Float64Array(side * side)});

  // one image of ink on another, at a place; what falls outside is lost
  function put(onto, {width, height, at}, left, top) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [u, v] = [x + left, y + top];
        if (u >= 0 && u < onto.width && v >= 0 && v < onto.height) onto.at[v * onto.width + u] = at[y * width + x];
      }
    return onto.at.some((v) => v > INKED) ? onto : null;
  }

  // the ink as the steps that are on place it
  function placed(ink, on) {
    const {width, at} = ink;
    let part = ink;
    if (on.cut) {
      let top = ink.height, left = width, bottom = -1, right = -1;
      at.forEach((v, i) => {
        if (v <= INKED) return;
        [top, bottom] = [Math.min(top, Math.floor(i / width)), Math.max(bottom, Math.floor(i / width))];
        [left, right] = [Math.min(left, i % width), Math.max(right, i % width)];
      });
      const w = right - left + 1, h = bottom - top + 1;
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

  live("place", async (root) => {
    const {read} = await recorded(await digits()), on = {cut: true, shape: true, rim: true, mass: true};
    let ink, touched = false;
    const paper = element("div"), seen = element("div", {className: "live-seen"}), list = element("ol"), said = status();
    const boxes = Object.entries(STEPS).map(([name, text]) => {
      const input = element("input", {type: "checkbox", checked: true});
      input.addEventListener("change", () => {
        on[name] = input.checked;
        digitlib.retry();
        show();
      });
      return element("label", {className: "live-check"}, input, ` ${text}`);
    });
    const photo = element("button", {type: "button", textContent: "Photo of one digit…"});
    root.append(element("div", {className: "live-two"}, element("div", {}, paper, photo),
      element("div", {}, ...boxes, seen)), list, said);
    chooses(photo, take);
    for (const act of ["pointerdown", "keydown", "change"])
      root.addEventListener(act, () => {
        touched = true;
      }, {capture: true});
    const set = bars(list, "Probability of each digit, by the small network");

    async function take(file) {
      try {
        const canvas = await photoOf(file), found = digitlib.handwriting.inkIn(pixelsOf(canvas));
        const side = Math.max(found.width, found.height);
        const whole = put(square(side), found, Math.round((side - found.width) / 2), Math.round((side - found.height) / 2));
        if (!whole) throw new Error("No ink was found in this photo.");
        putOn({photo: canvas, ink: whole});
      } catch (error) {
        said.textContent = error.message;
      }
    }
    let small = "";
    const tell = (text) => {
      said.textContent = `${small} The packaged one ${text}.`;
    };
    const ask = digitlib.asking(tell);
    function show() {
      ask();
      if (!ink) {
        seen.replaceChildren();
        set(null);
        said.textContent = "Write a digit, small and in a corner.";
        return;
      }
      const image = placed(ink, on), p = read(image), answer = argmax(p);
      seen.replaceChildren(large(image));
      set(p);
      small = `The small network (bars): ${answer}, ${probability(p[answer])}.`;
      if (!touched) return tell("(4.4 MB) is loaded once, when you first write or switch something");
      tell("is being asked");
      ask(() => digitlib.read(image), (q) => {
        const best = argmax(q);
        tell(`says ${best === NOTHING ? "no digit" : best}, ${probability(q[best])}`);
      });
    }
    const putOn = pad(paper, (image, strokes, size, ofPhoto) => {
      if (ofPhoto) ink = ofPhoto;
      else if (strokes) {
        const [written, back] = pen.inkOf(strokes), [[left, top], [right]] = [back([0, 0]), back([written.width, 0])];
        const scale = written.width / (right - left);
        ink = put(square(Math.round(size * scale)), written, Math.round(left * scale), Math.round(top * scale));
      } else { // an example, small in a corner of the paper
        ink = image && put(square(84), {width: SIDE, height: SIDE, at: Float64Array.from(image, (v) => v / 255)}, 6, 50);
      }
      show();
    });
    putOn({example: bytes(digitlib.examples[5])});
  });
})();
