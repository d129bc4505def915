// What the live pages show alike: curves, weights as pictures, bars, a confusion matrix, and a small
// pad to write one digit on.
(() => {
  "use strict";
  const {argmax, bytes, picture, probability, pen} = window.digitlib;
  const DIGITS = [...Array(10).keys()];

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // A sentence on what somebody has just changed; a screen reader says it
  function status() {
    const made = element("p", {className: "live-said"});
    made.setAttribute("role", "status");
    return made;
  }

  // what is there already is not said again
  function say(where, text) {
    if (where.textContent !== text) where.textContent = text;
  }

  const colorOf = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // The size of a canvas in pixels of the page; asked for anew, it would have the page laid out anew
  let sizes = new WeakMap();
  const watched = new ResizeObserver((all) => {
    for (const {target} of all) sizes.set(target, target.getBoundingClientRect());
  });
  addEventListener("resize", () => { // before all who draw then
    sizes = new WeakMap();
  });
  new MutationObserver(() => dispatchEvent(new Event("resize"))) // in other colors
    .observe(document.documentElement, {attributeFilter: ["data-theme"]});
  function sizeOf(canvas) {
    if (!sizes.get(canvas)?.width) {
      sizes.set(canvas, canvas.getBoundingClientRect());
      watched.observe(canvas);
    }
    return sizes.get(canvas);
  }

  // A canvas as sharp as the screen, and its size
  function sharp(canvas) {
    const {width, height} = sizeOf(canvas), fine = window.devicePixelRatio || 1;
    const wide = Math.round(width * fine), high = Math.round(height * fine);
    if (canvas.width !== wide || canvas.height !== high)
      Object.assign(canvas, {width: wide, height: high});
    const context = canvas.getContext("2d");
    context.setTransform(fine, 0, 0, fine, 0, 0);
    context.clearRect(0, 0, width, height);
    return {context, width, height};
  }

  // Curves from 0 to `right`, between `low` and `high`; a curve is {points: [[x, y], …], color, wide}. A
  // band, two lists of points, is filled.
  // Marks of the axes are {at, text}.
  function plot(canvas, {right, low, high, curves, across, up, band}) {
    const {context, width, height} = sharp(canvas);
    if (!width) return;
    const LEFT = 44, BELOW = 22, ABOVE = 8, AFTER = 14;
    const x = (v) => LEFT + ((width - LEFT - AFTER) * v) / (right || 1);
    const y = (v) => ABOVE + (height - ABOVE - BELOW) * (1 - (Math.min(high, v) - low) / (high - low));
    Object.assign(context, {font: "12px system-ui, sans-serif", fillStyle: colorOf("muted"),
      strokeStyle: colorOf("border"), lineWidth: 1, textBaseline: "middle"});
    context.textAlign = "right";
    for (const {at, text} of up) {
      context.fillText(text, LEFT - 6, y(at));
      context.beginPath();
      context.moveTo(LEFT, y(at));
      context.lineTo(width - AFTER, y(at));
      context.stroke();
    }
    for (const {at, text} of across) {
      context.textAlign = at ? "right" : "left";
      context.fillText(text, at ? x(at) + AFTER : x(at), height - BELOW / 2);
    }
    if (band?.[0].length) {
      Object.assign(context, {fillStyle: colorOf("primary"), globalAlpha: 0.25});
      context.beginPath();
      for (const point of [...band[0], ...band[1].toReversed()]) context.lineTo(x(point[0]), y(point[1]));
      context.fill();
      context.globalAlpha = 1;
    }
    for (const {points, color, wide} of curves) {
      const every = Math.max(1, Math.floor(points.length / width / 2));
      Object.assign(context, {strokeStyle: colorOf(color), lineWidth: wide, lineJoin: "round"});
      context.beginPath();
      for (let i = 0; i < points.length; i += every) context.lineTo(x(points[i][0]), y(points[i][1]));
      if (points.length) context.lineTo(x(points.at(-1)[0]), y(points.at(-1)[1]));
      context.stroke();
    }
  }

  // How often which value came up: in bins from `left` to `right`, so wide as `step`; below them a band,
  // over them a line. Marks are {at, text}.
  function histogram(canvas, {values, left, right, step, band: [low, high], line, marks}) {
    const {context, width, height} = sharp(canvas), foot = height - 40, bins = new Map();
    const x = (v) => (width * (v - left)) / (right - left);
    for (const v of values) {
      const bin = Math.floor((v - left) / step);
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
    }
    const most = Math.max(8, ...bins.values());
    context.fillStyle = colorOf("pale-blue");
    context.fillRect(x(low), foot + 4, x(high) - x(low), 8);
    context.fillStyle = colorOf("blue");
    for (const [bin, count] of bins)
      context.fillRect(x(left + bin * step) + 0.5, foot - (foot * count) / most, Math.max(1, x(left + step) - 1), (foot * count) / most);
    context.fillStyle = colorOf("orange");
    context.fillRect(x(line) - 1, 0, 2, foot + 12);
    Object.assign(context, {fillStyle: colorOf("muted"), font: "12px system-ui, sans-serif"});
    for (const {at, text} of marks) {
      context.textAlign = at <= left ? "left" : at >= right ? "right" : "center";
      context.fillText(text, x(at), height - 8);
    }
  }

  const channels = (color) => color.match(/\w\w/g).map((two) => Number.parseInt(two, 16));

  // Weights as pictures, one a unit: weights[i * units + u] is that of pixel i for unit u. Orange
  // where ink counts for the unit, purple where it counts against it, stronger the more it counts.
  function tiles(canvas, {weights, units, columns, chosen, dead = []}) {
    const side = Math.round(Math.sqrt(weights.length / units)), cell = side + 2;
    const rows = Math.ceil(units / columns), wide = columns * cell, high = rows * cell;
    if (canvas.width !== wide || canvas.height !== high)
      Object.assign(canvas, {width: wide, height: high});
    const context = canvas.getContext("2d"), all = context.createImageData(wide, high), {data} = all;
    const [more, less, mark] = ["orange", "violet", "primary"].map((name) => channels(colorOf(name)));
    let squares = 0;
    for (const w of weights) squares += w * w;
    const most = 3 * Math.sqrt(squares / weights.length) || 1;
    for (let unit = 0; unit < units; unit++) {
      const left = (unit % columns) * cell, top = Math.floor(unit / columns) * cell;
      if (unit === chosen)
        for (let i = 0; i < cell * cell; i++) data.set([...mark, 255], 4 * ((top + Math.floor(i / cell)) * wide + left + (i % cell)));
      for (let i = 0; i < side * side; i++) {
        const w = weights[i * units + unit], y = Math.floor(i / side), x = i % side;
        const color = w > 0 ? more : less, at = 4 * ((top + 1 + y) * wide + left + 1 + x);
        data[at] = color[0];
        data[at + 1] = color[1];
        data[at + 2] = color[2];
        data[at + 3] = dead[unit] ? (x === y || x + y === side - 1 ? 150 : 20)
          : Math.min(255, 12 + (243 * Math.abs(w)) / most);
      }
    }
    context.putImageData(all, 0, 0);
  }

  // Ten bars, one a digit. Gives the function that sets them: to shares from 0 to 1, what is said
  // beside each, and which is the first; the largest, where it is not given.
  function bars(list, name) {
    list.classList.add("live-bars");
    list.setAttribute("aria-label", name);
    const rows = DIGITS.map((digit) => {
      const bar = element("span", {className: "live-bar"}), text = element("i");
      list.append(element("li", {}, element("b", {textContent: digit}), bar, text));
      return {bar, text};
    });
    return (shares, texts = shares?.map(probability), first = shares && argmax(shares)) =>
      rows.forEach(({bar, text}, digit) => {
      bar.style.setProperty("--share", Math.abs(shares?.[digit] ?? 0));
      bar.classList.toggle("live-against", (shares?.[digit] ?? 0) < 0);
      text.textContent = texts?.[digit] ?? "";
      bar.parentElement.classList.toggle("live-first", !!shares && digit === first);
    });
  }

  // A confusion matrix. Gives the function that sets its 100 counts, row by row.
  function matrix(table, name) {
    table.classList.add("live-matrix");
    table.createCaption().textContent = name;
    const head = table.createTHead().insertRow();
    head.append(element("td"), ...DIGITS.map((digit) => element("th", {scope: "col", textContent: digit})));
    const body = table.createTBody();
    const cells = DIGITS.flatMap((label) => {
      const row = body.insertRow();
      row.append(element("th", {scope: "row", textContent: label}));
      return DIGITS.map((answer) => {
        const cell = row.insertCell();
        cell.classList.toggle("live-right", label === answer);
        return cell;
      });
    });
    return (counts) => {
      const most = Math.max(1, ...counts.filter((_, i) => i % 11));
      cells.forEach((cell, i) => {
        cell.textContent = counts[i] || "";
        cell.style.setProperty("--heat", i % 11 ? counts[i] / most : 0);
      });
    };
  }

  // A pad for one digit. `changed` is told of 784 bytes in MNIST's frame, or of null; and if it was
  // written, of the strokes and the side of the paper. Gives the function that puts something on it,
  // as paper's `show` does; with a photo comes its ink, of which `changed` is told last.
  function pad(root, changed) {
    const canvas = element("canvas", {className: "live-paper"});
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Writing area, for mouse, pen, or finger. Without one, choose an example.");
    const undo = element("button", {type: "button", textContent: "Undo", disabled: true});
    const clear = element("button", {type: "button", textContent: "Clear", disabled: true});
    const example = element("select", {}, element("option", {value: "", textContent: "Example…"}),
      ...DIGITS.map((digit) => element("option", {value: digit, textContent: digit})));
    example.setAttribute("aria-label", "Put an example on the paper");
    root.classList.add("live-pad");
    root.append(canvas, element("p", {className: "live-hint", textContent: "Write one digit"}),
      element("div", {className: "live-row"}, undo, clear, example));
    let next = 0;
    const paper = pen.paperOn(canvas, (final) => {
      cancelAnimationFrame(next);
      if (final) see();
      else next = requestAnimationFrame(see);
    });
    function see() {
      paper.redraw();
      undo.disabled = paper.untouched();
      clear.disabled = paper.isEmpty();
      root.classList.toggle("live-empty", paper.isEmpty());
      const {strokes = [], example: image, photo, ink} = paper.now();
      if (photo) return changed(null, null, 0, ink);
      if (image) return changed(image);
      if (!strokes.length) return changed(null);
      const [{at, width, height}] = pen.inkOf(strokes);
      changed(digitlib.frame(at, width, height), strokes, canvas.clientWidth);
    }
    for (const [button, act] of [[undo, paper.undo], [clear, () => paper.show({strokes: []})]])
      button.addEventListener("click", () => {
        act();
        if (button.disabled) example.focus({preventScroll: true});
      });
    example.addEventListener("change", () => {
      if (example.value) paper.show({example: bytes(digitlib.examples[example.value])});
      example.value = "";
    });
    addEventListener("resize", () => paper.redraw());
    root.classList.add("live-empty");
    paper.redraw();
    return paper.show;
  }

  // a digit typed where the focus is within `root`
  function typed(root, act) {
    root.addEventListener("keydown", ({key, repeat, altKey, ctrlKey, metaKey}) => {
      if (/^\d$/.test(key) && !repeat && !altKey && !ctrlKey && !metaKey) act(Number(key));
    });
  }

  // buttons that can no longer be pressed, or can again; the focus goes to another rather than nowhere
  function finish(buttons, over, other) {
    if (over && buttons.includes(document.activeElement)) other.focus({preventScroll: true});
    for (const one of buttons) one.disabled = over;
  }

  // where a pointer is over something, or touches it: in shares of its width and height
  function pointed(seen, act) {
    for (const name of ["pointerdown", "pointermove"])
      seen.addEventListener(name, ({clientX, clientY}) => {
        const {left, top, width, height} = seen.getBoundingClientRect();
        act((clientX - left) / width, (clientY - top) / height);
      });
  }

  // Every <div data-live="name"> is started once; `start` may promise
  async function live(name, start) {
    for (const root of document.querySelectorAll(`[data-live=${name}]:not([data-started])`)) {
      root.dataset.started = "";
      root.classList.add("live");
      try {
        await start(root);
        root.dataset.ready = "";
      } catch ({message}) {
        root.append(element("p", {textContent: `This part cannot run in this browser (${message}).`}));
      }
    }
  }

  // a row of buttons of which one is pressed, the first at the start; `choose` is told which, by its
  // value; values are [[value, text], …]
  function choice(name, values, choose) {
    const group = element("div", {className: "live-row live-choice"});
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", name);
    for (const [value, text] of values) {
      const one = element("button", {type: "button", textContent: text, ariaPressed: false});
      one.addEventListener("click", () => {
        for (const other of group.children) other.ariaPressed = other === one;
        choose(value);
      });
      group.append(one);
    }
    group.firstChild.ariaPressed = true;
    return group;
  }

  // three buttons with these names: draw once, draw a hundred times, and forget what was drawn
  function draws([once, often, never], {draw, forget, show}) {
    const button = (textContent, className, act) => {
      const one = element("button", {type: "button", textContent, className});
      one.addEventListener("click", () => {
        act();
        show();
      });
      return one;
    };
    return element("div", {className: "live-row"}, button(once, "live-main", draw), button(often, "", () => {
      for (let i = 0; i < 100; i++) draw();
    }), button(never, "", forget));
  }

  // a slider with its name and value; `told` makes words of a number
  function slider(name, {min, max, step = 1, value, told = String}, change) {
    const input = element("input", {type: "range", min, max, step, value}), text = element("span");
    const tell = () => {
      text.textContent = `${name}: ${told(Number(input.value))}`;
      input.setAttribute("aria-valuetext", told(Number(input.value)));
    };
    input.addEventListener("input", () => {
      tell();
      change(Number(input.value));
    });
    const label = element("label", {className: "live-slider"}, text, input);
    label.set = (v) => {
      input.value = v;
      tell();
    };
    tell();
    return label;
  }

  // 784 bytes as a picture as wide as there is room
  function large(image, name = "The digit in 28 by 28 pixels") {
    const canvas = picture(image);
    canvas.className = "live-digit";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name);
    return canvas;
  }

  // bytes that hold four pixels each, in four shades, unpacked
  const grays = (packed) => Uint8Array.from({length: 4 * packed.length},
    (_, i) => 85 * ((packed[i >> 2] >> (6 - 2 * (i % 4))) & 3));

  // Digits that a chapter kept for the pages: {images: n × 784 bytes, labels, learn}
  async function digits() {
    const {images, labels, learn} = digitlib.data.digits;
    const packed = new Uint8Array(await digitlib.unzipped(images).arrayBuffer());
    return {images: grays(packed), labels: Uint8Array.from(labels), learn};
  }

  Object.assign(window.digitlib, {
    show: {element, status, say, live, typed, finish, pointed, choice, draws, slider, large, plot, histogram, tiles, bars, matrix, pad, grays, digits},
  });
})();
