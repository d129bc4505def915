// Digits are written, or a photo of some is given, and a network says what it reads: in each
// <div class="draw-a-digit">.
(() => {
  "use strict";
  const SURE = 0.8, NOTHING = 10; // as digitlib/cli/predict.py has it
  const WRITING = 1200; // milliseconds in which a page writes its digit
  const {SIDE, argmax, bytes, picture, probability, pen: {paperOn, inkOf}, photo: {photoOf, pixelsOf, chooses}} = window.digitlib;

  const best = (rating) => argmax(rating.slice(0, NOTHING));
  const isNone = (rating) => rating[NOTHING] > digitlib.handwriting.REFUSED;
  const isSure = (rating) => rating[best(rating)] >= SURE;

  const PARTS = `
    <p class="draw-verdict" aria-hidden="true">&nbsp;</p>
    <div class="draw-pad">
      <canvas class="draw-canvas" role="img"
        aria-label="Writing area, for mouse, pen, or finger. Without one, choose an example or a photo below."></canvas>
      <p class="draw-hint" aria-hidden="true"></p>
    </div>
    <div class="draw-buttons">
      <button type="button" data-do="undo" disabled>Undo</button>
      <button type="button" data-do="clear" disabled>Clear</button>
      <button type="button" data-do="photo">Photo…</button>
    </div>
    <div class="draw-answer">
      <ol class="draw-found" aria-label="Digits found"></ol>
      <p class="draw-seen">What the network sees: each digit in 28×28 pixels, cut out, shrunk, and centered as in its training.</p>
      <ol class="draw-bars" aria-label="Probability of each digit" start="0"></ol>
    </div>
    <div class="draw-examples" role="group" aria-label="Or take a handwritten example"></div>
    <p class="draw-said" role="status"></p>
    <p class="draw-note">What you write or show stays in this browser; nothing is sent anywhere.</p>`;

  // The digits on the paper: promises a list of {line, corners, frame, rating}. What is refused, if
  // it stands alone, is in it as well.
  async function digitsOn({strokes, example, photo, given}) {
    if (example)
      return [{line: 0, corners: [], frame: example, rating: await digitlib.read(example)}];
    if (photo) return digitlib.handwriting.find(pixelsOf(photo), rate);
    if (!strokes.length) return [];
    const [ink, back] = inkOf(strokes);
    const {digits, alone} = await digitlib.handwriting.read(ink,
      given ? (frames) => frames.map(() => given) : rate);
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
        unsure ? `, and is not sure of ${["", "one", "two", "three", "four", "five"][unsure] ?? unsure} of them` : ""}.`];
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
    const ask = digitlib.asking((text) => answer.say(`The network ${text}.`));
    let next = 0, found = [];

    function read(final) {
      const on = paper.now();
      if (paper.isEmpty()) {
        ask();
        answer.display(null, on);
        return answer.say("The paper is empty.", false);
      }
      ask(() => {
        if (on.photo) answer.say("Reading…");
        return digitsOn(on);
      }, (digits) => {
        found = digits;
        redraw();
        answer.display(digits, on);
        if (final) answer.say(verdict(digits, on)[1], false);
        else if (answer.said().startsWith("The network is loading")) answer.say("");
      }, !on.given);
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
      const moved = paper.redraw(found.map(({corners, rating}) => ({corners, sure: isSure(rating)})));
      const {given} = paper.now();
      root.classList.toggle("draw-empty", paper.isEmpty());
      root.classList.toggle("draw-given", !!given);
      part("hint").textContent = given ? "Now you: a digit. Or a letter: does it notice?"
        : "Write digits here, or drop a photo of some";
      root.querySelector("[data-do=undo]").disabled = paper.untouched();
      root.querySelector("[data-do=clear]").disabled = paper.isEmpty();
      return moved;
    }

    async function take(file) {
      answer.say("Opening the photo…");
      try {
        paper.show({photo: await photoOf(file)});
      } catch (error) {
        answer.say(error.message);
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
      if (button.dataset.do === "undo") paper.undo();
      if (button.dataset.do === "clear") paper.show({strokes: []});
      if (button.disabled) part("examples").firstChild.focus({preventScroll: true});
    });
    chooses(root.querySelector("[data-do=photo]"), take);
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) take(file);
      else answer.say("Drop a picture, as a file.");
    });
    document.addEventListener("paste", (event) => {
      const file = event.clipboardData.files[0];
      if (file?.type.startsWith("image/") && (last ?? root) === root) take(file);
    });
    document.addEventListener("keydown", (event) => {
      const here = root.contains(document.activeElement) || (last === root
        && !document.activeElement.matches("input, textarea, select"));
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && here && !paper.untouched()) {
        event.preventDefault();
        paper.undo();
      }
    });
    part("pad").addEventListener("pointerenter", () => digitlib.ready().catch(() => {}), {once: true});
    addEventListener("resize", () => { // also if only the bar of a phone's browser goes
      if (!redraw() || !found.length || !paper.now().strokes) return;
      found = []; // the boxes are where the ink was
      redraw();
      read(false);
    });

    // a digit of another page: draw/index.html#image=…
    function open() {
      const [, text] = /^#image=(.*)$/.exec(location.hash) ?? [];
      try {
        if (text === undefined) return;
        const image = bytes(text);
        if (image.length !== SIDE * SIDE) throw new Error("too short");
        paper.show({example: image});
      } catch {
        answer.say("The address holds no image.");
      }
    }
    // a digit that writes itself before anybody acts, in parts of the paper's height from its middle;
    // how the network rates it is known
    function perform({points, rating}) {
      const {width, height} = part("canvas").getBoundingClientRect(), start = performance.now();
      const stroke = points.map(([x, y]) => [width / 2 + height * x, height * (0.5 + y)]);
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const write = (now) => {
        const part = still ? 1 : Math.min(1, Math.max(0, now - start) / WRITING);
        const on = {strokes: [stroke.slice(0, Math.ceil(part * stroke.length) || 1)], given: rating};
        if (!paper.begin(on)) return;
        redraw();
        if (part < 1) requestAnimationFrame(write);
        else read(false);
      };
      requestAnimationFrame(write);
    }

    redraw();
    if (digitlib.seven && "first" in root.dataset) perform(digitlib.seven);
    if ("open" in root.dataset) {
      open();
      addEventListener("hashchange", open);
    }
  }

  for (const root of document.querySelectorAll(".draw-a-digit")) setUp(root);
  digitlib.show?.live("write", (root) => { // in a chapter
    root.classList.add("draw-a-digit");
    setUp(root);
  });
})();
