// Digits are written, or a photo of some is given, and a network says what it reads: in each
// <div class="draw-a-digit">.
(() => {
  "use strict";
  const PEN = 7; // pixels on the screen
  const SURE = 0.8, NOTHING = 10; // as digitlib/cli/predict.py has it
  // what was written is drawn once more to be read: digits so tall, with a pen so wide, in pixels
  const TALL = 60, INKED = 6.5, LEAST = 10, MOST = 1500;
  const LARGEST = 2000; // pixels of a photo's longer side, twice of what is worked on
  const PALM = 60; // pixels, from which a touch is a hand and no finger
  const {SIDE, bytes, picture, probability} = window.digitlib;

  const best = (rating) => rating.slice(0, NOTHING).indexOf(Math.max(...rating.slice(0, NOTHING)));
  const isNone = (rating) => rating[NOTHING] > digitlib.handwriting.REFUSED;
  const isSure = (rating) => rating[best(rating)] >= SURE;

  const PARTS = `
    <p class="draw-verdict" aria-hidden="true">&nbsp;</p>
    <div class="draw-pad">
      <canvas class="draw-canvas" role="img"
        aria-label="Writing area, for mouse, pen, or finger. Without one, choose an example or a photo below."></canvas>
      <p class="draw-hint" aria-hidden="true">Write digits here, or drop a photo of some</p>
    </div>
    <div class="draw-buttons">
      <button type="button" data-do="undo" disabled>Undo</button>
      <button type="button" data-do="clear" disabled>Clear</button>
      <button type="button" data-do="photo">Photo…</button>
      <input type="file" accept="image/*" tabindex="-1" aria-hidden="true">
    </div>
    <div class="draw-answer">
      <ol class="draw-found" aria-label="Digits found"></ol>
      <p class="draw-seen">What the network sees: each digit in 28×28 pixels, cut out, shrunk, and centered as in its training.</p>
      <ol class="draw-bars" aria-label="Probability of each digit" start="0"></ol>
    </div>
    <div class="draw-examples" role="group" aria-label="Or take a handwritten example"></div>
    <p class="draw-said" role="status"></p>
    <p class="draw-note">What you write or show stays in this browser; nothing is sent anywhere.</p>`;

  // The paper: what is on it, and the pen. `changed(final)` is told of each point and of each end.
  // On it are strokes, lists of points; or one example, 784 bytes; or one photo, a canvas.
  function paperOn(canvas, changed) {
    const context = canvas.getContext("2d");
    const color = (name) => getComputedStyle(canvas).getPropertyValue(name);
    const history = [{strokes: []}]; // what was on it before, and is now
    const now = () => history.at(-1);
    let stroke, pointer; // that is being drawn, and by what

    // strokes are in pixels of the page, the canvas in those of the screen
    function redraw(digits = []) {
      const {width, height} = canvas.getBoundingClientRect(), fine = window.devicePixelRatio || 1;
      const wide = Math.round(width * fine), high = Math.round(height * fine);
      if (canvas.width !== wide || canvas.height !== high)
        Object.assign(canvas, {width: wide, height: high});
      context.setTransform(fine, 0, 0, fine, 0, 0);
      context.clearRect(0, 0, width, height);
      const {strokes, example, photo} = now();
      canvas.classList.toggle("draw-photo", !!photo);
      context.imageSmoothingQuality = "high";
      if (example) {
        const side = Math.min(width, height);
        context.drawImage(picture(example), (width - side) / 2, (height - side) / 2, side, side);
      }
      if (photo) {
        const scale = Math.min(width / photo.width, height / photo.height);
        context.translate((width - scale * photo.width) / 2, (height - scale * photo.height) / 2);
        context.scale(scale, scale);
        context.drawImage(photo, 0, 0);
        for (const digit of digits) {
          outline(digit, "white", 4 / scale);
          outline(digit, color(isSure(digit.rating) ? "--green" : "--orange"), 2 / scale);
        }
      } else if (strokes && digits.length > 1) // gray is seen inverted, too, as in the dark
        for (const digit of digits) outline(digit, color("--gray"), 2);
      for (const points of strokes ?? []) ink(points);
    }

    function ink(points) {
      context.strokeStyle = "black";
      context.setLineDash([]);
      context.lineWidth = PEN;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(...points[0]);
      for (const [x, y] of points) context.lineTo(x + 0.01, y); // a tap is a dot
      context.stroke();
    }

    // a box around a digit, a little away from its ink
    function outline({corners, rating}, style, wide) {
      const x = corners.reduce((sum, corner) => sum + corner[0], 0) / 4;
      const y = corners.reduce((sum, corner) => sum + corner[1], 0) / 4;
      const away = 1 + (2 * wide) / Math.hypot(corners[0][0] - x, corners[0][1] - y);
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.setLineDash(isSure(rating) ? [] : [3 * wide, 3 * wide]);
      context.beginPath();
      for (const corner of corners) context.lineTo(x + away * (corner[0] - x), y + away * (corner[1] - y));
      context.closePath();
      context.stroke();
    }

    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 0 || Math.max(event.width, event.height) > PALM) return;
      if (stroke) {
        if (stroke.length > 3) return; // a second finger
        history.pop(); // a palm came first
      }
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      pointer = event.pointerId;
      stroke = [at(event)];
      history.push({strokes: [...(now().strokes ?? []), stroke]});
      digitlib.retry();
      changed(false);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!stroke || event.pointerId !== pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      stroke.push(...(events.length ? events : [event]).map(at));
      changed(false);
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => {
        if (!stroke || event.pointerId !== pointer) return;
        stroke = null;
        changed(true);
      });

    function show(what) {
      history.push(what);
      digitlib.retry();
      changed(true);
    }
    function undo() {
      if (history.length > 1) history.pop();
      changed(true);
    }
    const isEmpty = () => now().strokes?.length === 0;
    return {now, redraw, show, undo, isEmpty, untouched: () => history.length === 1};
  }

  // Strokes as ink that can be read, drawn by our own hand: some browsers do not tell what is on a
  // canvas. Gives the ink, and the function that takes its places back to the paper.
  function inkOf(strokes) {
    const all = strokes.flat();
    const left = Math.min(...all.map(([x]) => x)), top = Math.min(...all.map(([, y]) => y));
    const right = Math.max(...all.map(([x]) => x)), bottom = Math.max(...all.map(([, y]) => y));
    const scale = Math.min(TALL / usual(strokes),
      (MOST - 4 * INKED) / Math.max(right - left, bottom - top, 1));
    const width = Math.ceil((right - left) * scale + 4 * INKED);
    const height = Math.ceil((bottom - top) * scale + 4 * INKED);
    const ink = digitlib.pixels.image(width, height);
    const place = ([x, y]) => [(x - left) * scale + 2 * INKED, (y - top) * scale + 2 * INKED];
    for (const points of strokes)
      for (const [i, point] of points.entries())
        line(ink, place(points[Math.max(0, i - 1)]), place(point));
    return [ink, ([x, y]) => [(x - 2 * INKED) / scale + left, (y - 2 * INKED) / scale + top]];
  }

  // the size of the stroke that the typical part of all strokes belongs to
  function usual(strokes) {
    const sizes = strokes.map((points) => {
      const x = points.map((point) => point[0]), y = points.map((point) => point[1]);
      return Math.max(Math.max(...x) - Math.min(...x), Math.max(...y) - Math.min(...y), LEAST);
    }).sort((a, b) => a - b);
    let sum = 0;
    const half = sizes.reduce((a, b) => a + b) / 2;
    return sizes.find((size) => {
      sum += size;
      return sum >= half;
    });
  }

  // a line with round ends: how far each pixel is from it says how much ink it has
  function line({width, height, at}, [x1, y1], [x2, y2]) {
    const reach = INKED / 2 + 1, dx = x2 - x1, dy = y2 - y1, length = dx * dx + dy * dy || 1;
    for (let y = Math.max(0, Math.floor(Math.min(y1, y2) - reach));
      y <= Math.min(height - 1, Math.max(y1, y2) + reach); y++)
      for (let x = Math.max(0, Math.floor(Math.min(x1, x2) - reach));
        x <= Math.min(width - 1, Math.max(x1, x2) + reach); x++) {
        const along = Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
        const away = Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
        const i = y * width + x;
        at[i] = Math.max(at[i], Math.min(1, Math.max(0, INKED / 2 - away + 0.5)));
      }
  }

  // The digits on the paper: promises a list of {line, corners, frame, rating}. What is refused, if
  // it stands alone, is in it as well.
  async function digitsOn({strokes, example, photo}) {
    if (example)
      return [{line: 0, corners: [], frame: example, rating: await digitlib.read(example)}];
    if (photo) return digitlib.handwriting.find(pixelsOf(photo), rate);
    if (!strokes.length) return [];
    const [ink, back] = inkOf(strokes);
    const {digits, alone} = await digitlib.handwriting.read(ink, rate);
    return (digits.length || !alone ? digits : [alone]).map(({line, box: [top, left, bottom, right], frame, rating}) => ({
      line, frame, rating,
      corners: [[left, top], [right, top], [right, bottom], [left, bottom]].map(back),
    }));
  }

  async function rate(frames) {
    const ratings = [];
    for (const frame of frames) ratings.push(await digitlib.read(frame));
    return ratings;
  }

  function pixelsOf(photo) {
    const canvas = Object.assign(document.createElement("canvas"), {width: 8, height: 8});
    const known = canvas.getContext("2d", {willReadFrequently: true});
    known.fillRect(0, 0, 8, 8);
    if (known.getImageData(0, 0, 8, 8).data.some((v, i) => v !== (i % 4 === 3 ? 255 : 0)))
      throw new Error("it hides from pages what a picture holds; allow this page to read canvases");
    return photo.getContext("2d").getImageData(0, 0, photo.width, photo.height);
  }

  // A photo as a canvas, turned upright, on white; no larger than the finding needs.
  async function photoOf(file) {
    const bitmap = await createImageBitmap(file, {imageOrientation: "from-image"});
    const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.max(1, Math.round(bitmap.width * scale)),
      height: Math.max(1, Math.round(bitmap.height * scale)),
    });
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return canvas;
  }

  function linesOf(digits) {
    const lines = [];
    for (const [i, digit] of digits.entries())
      if (i && digit.line === digits[i - 1].line) lines.at(-1).push(digit);
      else lines.push([digit]);
    return lines;
  }

  // what to show, and what to say
  function verdict(digits, {photo}) {
    if (!digits.length || (digits.length === 1 && isNone(digits[0].rating)))
      return photo ? ["No digits found", "No handwritten digits were found."]
        : ["No digit", "The network takes it for no digit."];
    if (digits.length > 1) {
      const lines = linesOf(digits), unsure = digits.filter(({rating}) => !isSure(rating)).length;
      const read = lines.map((line) => line.map(({rating}) => best(rating)));
      const marked = lines.map((line) =>
        line.map(({rating}) => `${best(rating)}${isSure(rating) ? "" : "?"}`).join(""));
      return [marked.join("\n"), `The network reads ${read.map((line) => line.join(" ")).join("; ")}${
        unsure ? `, and is not sure of ${unsure}` : ""}.`];
    }
    const {rating} = digits[0];
    const [first, second] = [...Array(NOTHING).keys()].sort((a, b) => rating[b] - rating[a]);
    const [one, two] = [first, second].map((digit) => probability(rating[digit]));
    const a = first === 8 ? "an" : "a";
    return isSure(rating) ? [`${first}`, `The network reads ${a} ${first}, ${one}.`]
      : [`${first} or ${second}? Not sure.`,
        `The network is not sure: ${first}, ${one}, or ${second}, ${two}.`];
  }

  // The answer: the verdict, what the network sees of each digit, and a bar for each answer.
  function answerIn(part) {
    const bars = Array.from({length: NOTHING + 1}, (_, answer) => {
      const item = document.createElement("li");
      const name = answer === NOTHING ? "none" : answer;
      item.innerHTML = `<b>${name}</b><span class="draw-bar" data-digit="${answer}"></span><i></i>`;
      part("bars").append(item);
      return item;
    });

    function explain(rating) {
      bars.forEach((item, answer) => {
        item.querySelector("span").style.setProperty("--share", rating?.[answer] ?? 0);
        item.querySelector("i").textContent = rating ? probability(rating[answer]) : "";
        item.classList.toggle("draw-first",
          !!rating && answer === (isNone(rating) ? NOTHING : best(rating)));
      });
    }

    function display(digits, on) {
      part("verdict").textContent = digits ? verdict(digits, on)[0] : "\u00a0";
      part("found").replaceChildren(...(digits ?? []).map(({frame, rating}, i) => {
        const item = document.createElement("li"), button = document.createElement("button");
        const name = isNone(rating) ? "none" : `${best(rating)}${isSure(rating) ? "" : "?"}`;
        button.type = "button";
        button.ariaPressed = i === digits.length - 1;
        button.ariaLabel = isNone(rating) ? "No digit"
          : `Digit ${i + 1}: ${best(rating)}${isSure(rating) ? "" : ", not sure"}`;
        button.append(picture(frame), name);
        button.addEventListener("click", () => {
          for (const other of part("found").querySelectorAll("button"))
            other.ariaPressed = other === button;
          explain(rating);
        });
        item.append(button);
        return item;
      }));
      explain(digits?.at(-1)?.rating);
    }

    // an answer is there to be heard; it can be seen already
    function say(text, seen = true) {
      if (part("said").textContent !== text) part("said").textContent = text;
      part("said").classList.toggle("draw-heard", !seen);
    }
    return {display, say, said: () => part("said").textContent};
  }

  let last; // where somebody wrote last

  function setUp(root) {
    root.innerHTML = PARTS;
    const part = (name) => root.querySelector(`.draw-${name}`);
    const paper = paperOn(part("canvas"), changed), answer = answerIn(part);
    const chooser = root.querySelector("input");
    let next = 0, asked = 0, found = [];

    async function read(final) {
      const number = ++asked, on = paper.now();
      if (paper.isEmpty()) {
        answer.display(null, on);
        return answer.say("The paper is empty.", false);
      }
      try {
        await digitlib.ready((share) => {
          if (number === asked) answer.say(`Loading the network, 4.4 MB, once: ${share} %`);
        });
        if (number !== asked) return; // there is something newer on the paper
        if (on.photo) answer.say("Reading…");
        const digits = await digitsOn(on);
        if (number !== asked) return;
        found = digits;
        paper.redraw(found);
        answer.display(digits, on);
        if (final) answer.say(verdict(digits, on)[1], false);
        else if (answer.said().startsWith("Loading")) answer.say("");
      } catch (error) {
        answer.say(`The network cannot run in this browser (${error.message}). Write again to retry.`);
      }
    }

    // once a frame while writing is enough
    function changed(final) {
      last = root;
      found = [];
      const see = () => {
        redraw();
        read(final);
      };
      cancelAnimationFrame(next);
      if (final) see();
      else next = requestAnimationFrame(see);
    }

    function redraw() {
      paper.redraw(found);
      root.classList.toggle("draw-empty", paper.isEmpty());
      root.querySelector("[data-do=undo]").disabled = paper.untouched();
      root.querySelector("[data-do=clear]").disabled = paper.isEmpty();
    }

    async function take(file) {
      answer.say("Opening the photo…");
      try {
        paper.show({photo: await photoOf(file)});
      } catch {
        answer.say(`${file.name || "This"} is no picture that this browser can open; take a JPEG or PNG.`);
      }
    }

    for (const [digit, image] of digitlib.examples.entries()) {
      const button = Object.assign(document.createElement("button"), {type: "button"});
      button.setAttribute("aria-label", `Example of ${digit === 8 ? "an" : "a"} ${digit}`);
      button.append(picture(bytes(image)));
      button.addEventListener("click", () => paper.show({example: bytes(image)}));
      part("examples").append(button);
    }
    part("buttons").addEventListener("click", ({target}) => {
      const button = target.closest("[data-do]");
      if (!button) return;
      if (button.dataset.do === "photo") return chooser.click();
      if (button.dataset.do === "undo") paper.undo();
      else paper.show({strokes: []});
      if (button.disabled) part("examples").firstChild.focus({preventScroll: true});
    });
    chooser.addEventListener("change", () => {
      if (chooser.files[0]) take(chooser.files[0]);
      chooser.value = ""; // the same photo may be chosen again
    });
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) take(file);
    });
    document.addEventListener("paste", (event) => {
      const file = event.clipboardData.files[0];
      if (file?.type.startsWith("image/") && (last ?? root) === root) take(file);
    });
    document.addEventListener("keydown", (event) => {
      const here = root.contains(document.activeElement) || (last === root
        && document.activeElement === document.body);
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && here && !paper.untouched()) {
        event.preventDefault();
        paper.undo();
      }
    });
    part("pad").addEventListener("pointerenter", () => digitlib.ready().catch(() => {}), {once: true});
    addEventListener("resize", redraw);

    // a digit of another page: draw/index.html#image=…
    function open() {
      const [, text] = /^#image=([\w+/=-]+)$/.exec(location.hash) ?? [];
      try {
        const image = text && bytes(text);
        if (image?.length === SIDE * SIDE) paper.show({example: image});
      } catch {
        answer.say("The address holds no image.");
      }
    }
    redraw();
    if ("open" in root.dataset) {
      open();
      addEventListener("hashchange", open);
    }
  }

  for (const root of document.querySelectorAll(".draw-a-digit")) setUp(root);
})();
