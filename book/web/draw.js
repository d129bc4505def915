// A canvas, what the network sees, and what it answers, in each <div class="draw-a-digit">.
(() => {
  "use strict";
  const SIZE = 280, PEN = 20; // pixels of the canvas
  const SURE = 0.9;
  const {SIDE, bytes, picture, probability} = window.digitlib;

  const PARTS = `
    <div class="draw-pad">
      <canvas class="draw-canvas" width="${SIZE}" height="${SIZE}" role="img"
        aria-label="Drawing area, for mouse, pen, or finger. Without one, choose an example below."></canvas>
      <p class="draw-hint" aria-hidden="true">Draw a digit here</p>
    </div>
    <div class="draw-answer">
      <p class="draw-verdict" aria-hidden="true">&nbsp;</p>
      <div class="draw-seen">
        <canvas class="draw-frame" width="${SIDE}" height="${SIDE}" role="img"
          aria-label="Nothing drawn yet"></canvas>
        <p>What the network sees: 28×28 pixels, cut out, shrunk, and centered as in its training.</p>
      </div>
      <ol class="draw-bars" aria-label="Probability of each digit" start="0"></ol>
    </div>
    <div class="draw-buttons">
      <button type="button" data-do="undo" disabled>Undo</button>
      <button type="button" data-do="clear" disabled>Clear</button>
    </div>
    <div class="draw-examples" role="group" aria-label="Or take a handwritten example"></div>
    <p class="draw-said" role="status"></p>
    <p class="draw-note">Your drawing stays in this browser; nothing is sent anywhere.</p>`;

  // The paper: what was drawn, and the pen. `changed(final)` is told of each point and of each end.
  function paperOn(canvas, changed) {
    const context = canvas.getContext("2d", {willReadFrequently: true});
    const items = []; // {points} of a stroke, or {image} of an example
    let stroke; // that is being drawn

    function redraw() {
      context.clearRect(0, 0, SIZE, SIZE);
      for (const {points, image} of items) {
        if (image) {
          context.imageSmoothingQuality = "high";
          context.drawImage(picture(image), 0, 0, SIZE, SIZE);
          continue;
        }
        context.lineWidth = PEN;
        context.lineCap = context.lineJoin = "round";
        context.beginPath();
        context.moveTo(...points[0]);
        for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
        context.stroke();
      }
    }

    // 784 bytes, or null if the paper is empty; an example is in its frame already
    function framed() {
      if (!items.length) return null;
      if (items.length === 1 && items[0].image) return items[0].image;
      const {data} = context.getImageData(0, 0, SIZE, SIZE);
      return digitlib.frame(Uint8Array.from({length: SIZE * SIZE}, (_, i) => data[4 * i + 3]),
        SIZE, SIZE);
    }

    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * SIZE) / box.width,
        ((event.clientY - box.top) * SIZE) / box.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (stroke || event.button > 0) return; // a second finger, a second button
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      if (items[0]?.image) items.length = 0; // a drawing takes an example's place
      stroke = {id: event.pointerId, points: [at(event)]};
      items.push(stroke);
      digitlib.retry();
      changed(false);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== stroke?.id) return;
      const events = event.getCoalescedEvents?.() ?? [];
      stroke.points.push(...(events.length ? events : [event]).map(at));
      changed(false);
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => {
        if (event.pointerId !== stroke?.id) return;
        stroke = null;
        changed(true);
      });

    function show(image) {
      items.splice(0, Infinity, {image});
      digitlib.retry();
      changed(true);
    }
    function undo() {
      items.pop();
      changed(true);
    }
    function clear() {
      items.length = 0;
      changed(true);
    }
    return {isEmpty: () => !items.length, redraw, framed, show, undo, clear};
  }

  // what to show, and what to say
  function verdict(probabilities) {
    if (!probabilities) return ["\u00a0", ""];
    const [first, second] = [...probabilities.keys()].sort(
      (a, b) => probabilities[b] - probabilities[a]);
    const [one, two] = [first, second].map((digit) => probability(probabilities[digit]));
    return probabilities[first] >= SURE
      ? [`${first}`, `The network reads a ${first}, ${one}.`]
      : [`${first} or ${second}? Not sure.`,
        `The network is not sure: ${first}, ${one}, or ${second}, ${two}.`];
  }

  // The answer: a bar for each digit, the verdict, what the network sees, and what is said.
  function answerIn(part) {
    const seen = part("frame").getContext("2d");
    const bars = Array.from({length: 10}, (_, digit) => {
      const item = document.createElement("li");
      item.innerHTML = `<b>${digit}</b><span class="draw-bar" data-digit="${digit}"></span><i></i>`;
      part("bars").append(item);
      return item;
    });

    function see(image) {
      seen.clearRect(0, 0, SIDE, SIDE);
      if (image) seen.drawImage(picture(image), 0, 0);
      part("frame").setAttribute("aria-label",
        image ? "The drawing in 28 by 28 pixels" : "Nothing drawn");
    }

    function display(probabilities) {
      bars.forEach((item, digit) => {
        const p = probabilities ? probabilities[digit] : 0;
        item.querySelector("span").style.setProperty("--share", p);
        item.querySelector("i").textContent = probabilities ? probability(p) : "";
        item.classList.toggle("draw-first", !!p && p === Math.max(...probabilities));
      });
      part("verdict").textContent = verdict(probabilities)[0];
    }

    // an answer is there to be heard; it can be seen already
    function say(text, seen = true) {
      part("said").textContent = text;
      part("said").classList.toggle("draw-heard", !seen);
    }
    return {see, display, say, said: () => part("said").textContent};
  }

  function setUp(root) {
    root.innerHTML = PARTS;
    const part = (name) => root.querySelector(`.draw-${name}`);
    const paper = paperOn(part("canvas"), changed), answer = answerIn(part);
    let next = 0, asked = 0;

    async function read(final) {
      const image = paper.framed();
      const number = ++asked;
      answer.see(image);
      if (!image) {
        answer.display(null);
        return answer.say("The paper is empty.", false);
      }
      if (!root.dataset.ready) answer.say("Loading the network, 4.4 MB, once…");
      try {
        const probabilities = await digitlib.read(image);
        root.dataset.ready = "yes";
        if (number !== asked) return; // there is a newer drawing
        answer.display(probabilities);
        if (final) answer.say(verdict(probabilities)[1], false);
        else if (answer.said().startsWith("Loading")) answer.say("");
      } catch (error) {
        answer.say(`The network cannot run in this browser (${error.message}). Draw again to retry.`);
      }
    }

    function redraw() {
      paper.redraw();
      root.classList.toggle("draw-empty", paper.isEmpty());
      for (const button of part("buttons").children) button.disabled = paper.isEmpty();
    }

    // once a frame while drawing is enough; the last reading is not to be overtaken by an earlier one
    function changed(final) {
      redraw();
      cancelAnimationFrame(next);
      if (final) read(true);
      else next = requestAnimationFrame(() => read(false));
    }

    for (const [digit, image] of digitlib.examples.entries()) {
      const button = Object.assign(document.createElement("button"), {type: "button"});
      button.setAttribute("aria-label", `Example of a ${digit}`);
      button.append(picture(bytes(image)));
      button.addEventListener("click", () => paper.show(bytes(image)));
      part("examples").append(button);
    }
    part("buttons").addEventListener("click", ({target}) => {
      if (!["undo", "clear"].includes(target.dataset.do)) return;
      paper[target.dataset.do]();
      if (target.disabled) part("examples").firstChild.focus(); // focus goes on, not away
    });
    root.addEventListener("keydown", (event) => {
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && !paper.isEmpty()) {
        event.preventDefault();
        paper.undo();
      }
    });

    // a digit of another page: draw/index.html#image=…
    function open() {
      const [, text] = /^#image=([\w+/=-]+)$/.exec(location.hash) ?? [];
      try {
        const image = text && bytes(text);
        if (image?.length === SIDE * SIDE) paper.show(image);
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
