// "Train it here": in each <div class="live" data-live="train">, a training that a chapter recorded,
// to be looked at step by step, and one that the reader starts, stops, spoils, and teaches. With
// data-open, on a page of its own, it has all parts, and its state is in the address.
(() => {
  "use strict";
  const {Learner, argmax, bytes, interval, picture, percent, recorded} = window.digitlib;
  const {element, say: put, live, plot, tiles, bars, matrix, pad, grays, digits: load} = window.digitlib.show;
  const BUDGET = 12; // milliseconds of work a frame
  const SLOWLY = 40; // steps at the start, one a frame
  const LONG = 16; // milliseconds of drawing, from which every other frame is without
  const MISREAD = 12;
  const END = 20_000; // steps, of which an address can keep as many
  const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
  const isHigh = ({rate, optimizer}) => rate >= {adam: 0.1, sgd: 1}[optimizer];
  const trapOf = (settings) => (settings.trap === "none" && isHigh(settings) ? "rate" : settings.trap);
  const number = (value) => value.toLocaleString("en-US");

  const CHOICES = {
    network: ["Network", {dense: "dense: every unit sees all pixels", convolution: "convolution: 8 windows of 5×5 pixels"}],
    units: ["Hidden units", [4, 8, 16, 32, 64, 128]],
    optimizer: ["Optimizer", {adam: "Adam", sgd: "plain steps (SGD)"}],
    batch: ["Batch", [1, 8, 32, 128]],
    dropout: ["Dropout", [0, 0.2, 0.5]],
  };
  const START = {network: "dense", units: 32, optimizer: "adam", rate: 0.003, batch: 32, dropout: 0, seed: 1, trap: "none"};
  // what each button does to the settings, and what is to be seen
  const TRAPS = {
    rate: "A rate too large", zeros: "All weights zero", labels: "Shuffled labels",
    pixels: "Shuffled pixels", bytes: "Pixels left at 0–255",
  };
  const WATCH = {
    none: "Each of these tries to spoil the training, and starts it again. Guess first what you will see.",
    rate: "At this rate a step goes farther than its gradient, the slope of the loss, holds: beyond the lowest place and up on the other side. Watch the loss jump, and units die.",
    labels: "Each digit that it learns from has been given the label of another. Watch the loss and the accuracy: what can still be learned, and what cannot?",
    pixels: "The pixels of all images, and of yours, are shuffled in the same way. You could not read them. Can a dense network? A convolution?",
    zeros: "All weights start at 0. Then no unit is above 0 and none is moved; only the last layer's biases learn how frequent each digit is.",
    bytes: "The pixels are not divided by 255: each number is 255 times as large, and so are the first sums. Watch the first losses.",
  };

  // what was to be seen, once it has been
  const SEEN = {
    none: "", rate: "Units die when a long step leaves their sums below 0 for every digit: then their slope is 0, and later steps hardly ever bring them back.",
    labels: "It can learn some labels by heart, and the loss falls slowly; the held-out digits have nothing to do with it. Their accuracy wanders, beyond its band as well: the band is about other digits, not about further training.",
    pixels: "A dense network does not know which pixels are neighbors, so it loses nothing. The convolution, which looks at neighbors, does.",
    zeros: "All units stay alike: nothing ever tells one from another. That is why weights start at random.",
    bytes: "The first sums are far too large, and steps of this length cannot repair them: it reads far fewer digits than without. Fewer units die at a smaller rate: try it.",
  };

  const PARTS = `
    <div class="live-row train-buttons">
      <button type="button" data-do="play" class="live-main">Play</button>
      <button type="button" data-do="step">One step</button>
      <button type="button" data-do="epoch">One epoch</button>
      <button type="button" data-do="again">Start again</button>
      <button type="button" data-do="recorded">The recording</button>
    </div>
    <div class="train-where">
      <label class="train-replay"><span></span><input type="range" min="0"></label>
      <p class="train-time"></p>
    </div>
    <div class="live-row train-traps" role="group" aria-label="Spoil it"></div>
    <p class="train-trap"></p>
    <p class="train-said" role="status"></p>
    <div class="train-parts">
      <section>
        <h3>The weights of each unit</h3>
        <canvas class="train-tiles" role="img"></canvas>
        <p class="train-legend"><span class="train-kind"></span> <span class="live-more">orange</span> where ink counts for it, <span class="live-less">purple</span> where ink counts against it. <span class="train-dead"></span></p>
        <div class="train-unit">
          <canvas role="img"></canvas>
          <div><label>Unit <input type="number" min="1" value="1"></label><p></p><ol></ol></div>
        </div>
      </section>
      <section>
        <h3>Your digit</h3>
        <div class="train-pad"></div>
        <ol class="train-read"></ol>
        <p>What the network makes of it, at this step of its training.</p>
        <fieldset class="train-teach train-more"><legend>Teach it: this is a…</legend>
          <div class="live-row"></div>
          <label>counting as <select><option value="1">9 digits</option><option value="10" selected>90 digits</option><option value="100">900 digits</option></select></label>
          <p class="train-taught"></p>
        </fieldset>
      </section>
      <div class="train-curves"><section><h3>Loss of each batch</h3><canvas class="train-loss" role="img"></canvas>
        <p>How far the answers to one handful of digits are from their labels. It jumps, since each handful is another; the dark line is the mean of the last twenty.</p></section>
      <section><h3>Held-out accuracy</h3><p class="train-accuracy"></p><canvas class="train-right" role="img"></canvas>
        <p>Of the digits that it never learns from, the share that it reads right. The band is the 95% interval: with so few digits, a share can be off by that much.</p></section></div>
      <section class="train-more"><h3>Confusion matrix</h3><table></table><p>Rows: labels. Columns: answers. Held-out digits only.</p></section>
      <section class="train-more"><h3>Misread now</h3><ol class="train-misread"></ol><p class="train-forgot">Held-out digits it gets wrong: label → answer.</p></section>
    </div>
    <details class="train-more"><summary>Settings</summary>
      <p>A change starts again, with a new network.</p>
      <div class="train-choices"></div>
    </details>
    <details class="train-more"><summary>Is the gradient right?</summary>
      <p>Twenty weights are moved, one at a time, by a hundred-thousandth up and down, and the loss of the last batch is measured both times. The gradient, computed without any such trial, should say the same.</p>
      <div class="live-row"><button type="button" data-do="check">Check the gradient</button></div>
      <p class="train-checked" role="status"></p>
      <table></table>
    </details>`;

  // the mean of the last twenty losses at each step, and the highest loss; what is known is kept
  function meansOf() {
    let points = [], total = 0, high = 0, of;
    return (training) => {
      const {losses} = training;
      if (of !== training || losses.length < points.length) [points, total, high, of] = [[], 0, 0, training];
      for (let i = points.length; i < losses.length; i++) {
        total += losses[i][1] - (i >= 20 ? losses[i - 20][1] : 0);
        high = Math.max(high, losses[i][1]);
        points.push([losses[i][0], total / Math.min(20, i + 1)]);
      }
      return {points, high};
    };
  }
  const axis = (right) => [{at: 0, text: "step 0"}, {at: right, text: number(right)}];

  // What is seen of a training; the reader's digit is `image`, or null.
  function viewIn(root, images) {
    const parts = new Map();
    function part(name) {
      if (!parts.has(name)) parts.set(name, root.querySelector(`.train-${name}`));
      return parts.get(name);
    }
    const setRead = bars(part("read"), "Probability of each digit");
    const setVotes = bars(root.querySelector(".train-unit ol"), "Weight of the unit in each digit");
    const setMatrix = matrix(root.querySelector("table"), "Confusion matrix");
    const unitInput = root.querySelector(".train-unit input");
    const canvas = part("tiles"), means = meansOf();
    let chosen = 0, shown;

    const columns = (units) => Math.ceil(Math.sqrt(units));
    unitInput.addEventListener("input", () => {
      chosen = Math.min(shown.units, Math.max(1, Math.floor(unitInput.value))) - 1;
      weights(shown, shown.image);
    });
    canvas.addEventListener("click", ({offsetX, offsetY}) => {
      const [right, down] = [offsetX, offsetY].map((v) => Math.max(0, v)); // on the border they are below
      const across = columns(shown.units), size = canvas.clientWidth / across; // it has no more rows
      chosen = Math.min(shown.units - 1, Math.floor(down / size) * across + Math.floor(right / size));
      unitInput.value = chosen + 1;
      weights(shown, shown.image);
    });

    function weights({network, units}, image) {
      const {value} = network.parameters[0], dead = shown.deadNow;
      chosen = Math.min(chosen, units - 1);
      unitInput.max = units;
      if (Number(unitInput.value) > units) unitInput.value = units;
      tiles(canvas, {weights: value, units, columns: columns(units), chosen, dead});
      const one = value.filter((_, i) => i % units === chosen);
      const large = root.querySelector(".train-unit canvas");
      large.setAttribute("aria-label", `Weights of unit ${chosen + 1}`);
      tiles(large, {weights: one, units: 1, columns: 1});
      const isDense = network.layers.at(-1).inputs === units, words = root.querySelector(".train-unit p");
      root.querySelector(".train-unit ol").hidden = !isDense;
      part("kind").textContent = isDense ? "One picture for each unit; click one. It shows the weights of its pixels,"
        : "One picture for each window of 5×5 pixels, which slides over the digit. It shows its weights,";
      if (isDense) {
        const votes = network.parameters[2].value.subarray(chosen * 10, chosen * 10 + 10);
        const most = Math.max(...votes.map(Math.abs)) || 1;
        setVotes([...votes].map((v) => v / most), [...votes].map((v) => v.toFixed(2)));
      }
      const [hidden] = image ? network.layers[0].run(shown.input(image), 1) : [];
      const own = hidden?.filter((_, i) => i % units === chosen);
      words.textContent = !image ? "Write a digit to see what this unit makes of it."
        : isDense ? `On your digit its sum is ${own[0].toFixed(2)}${own[0] > 0 ? ", which it passes on, times these weights:" : ": not above 0, so it passes on 0."}`
          : `On your digit its largest sum is ${Math.max(...own).toFixed(2)}, of ${own.length} places.`;
    }

    // drawn at each frame
    function draw(training, image) {
      shown = training;
      shown.image = image;
      training.input ??= (picture784) => Float64Array.from(picture784, (v) => v / 255);
      const {losses, steps} = training, right = Math.max(steps, 20);
      shown.deadNow ??= [];
      weights(training, image);
      const mean20 = means(training), high = Math.max(mean20.high, 2.6);
      const marks = high < 4 ? [0, 1, 2] : [0, high / 2, high];
      plot(part("loss"), {right, low: 0, high, across: axis(right),
        up: marks.map((at) => ({at, text: at < 10 ? `${+at.toFixed(1)}` : number(Math.round(at))})),
        curves: [{points: losses, color: "border", wide: 1}, {points: mean20.points, color: "primary", wide: 2}]});
      setRead(image && training.read(image));
    }

    // drawn after each examination
    function examine(training, before) {
      const {last, examined, heldOut, steps} = training;
      if (!last) return;
      const n = heldOut.labels.length, [low, high] = interval(last.right, n), right = Math.max(steps, 20);
      training.deadNow = training.dead;
      part("dead").textContent = training.deadNow.includes(true)
        ? `Crossed out: ${training.deadNow.filter(Boolean).length} of ${training.units} units are dead. None of the held-out digits brings them above 0. A digit cannot move the weights of a unit that it leaves at 0.` : "";
      part("accuracy").innerHTML = `<b>${percent(last.right / n)}</b> of ${number(n)}, 95% interval ${percent(low)} to ${percent(high)}`;
      const points = examined.map(({step, right: r}) => [step, r / n]);
      const band = [0, 1].map((side) => points.map(([step, share]) => [step, interval(share * n, n)[side]]));
      plot(part("right"), {right, low: 0, high: 1, across: axis(right),
        up: [0, 0.5, 1].map((at) => ({at, text: percent(at, 0)})),
        band, curves: [{points, color: "primary", wide: 2}]});
      part("right").setAttribute("aria-label", `Held-out accuracy, ${percent(last.right / n)} at step ${steps}`);
      const counts = new Array(100).fill(0);
      for (const [i, {answer}] of last.answers.entries()) counts[10 * heldOut.labels[i] + answer]++;
      setMatrix(counts);
      const wrong = [...heldOut.labels.keys()].filter((i) => last.answers[i].answer !== heldOut.labels[i]);
      const lost = before ? wrong.filter((i) => before.answers[i].answer === heldOut.labels[i]) : [];
      const first = [...lost, ...wrong.filter((i) => !lost.includes(i)).sort((a, b) => (last.answers[b].p ?? 0) - (last.answers[a].p ?? 0))];
      part("misread").replaceChildren(...first.slice(0, MISREAD).map((i) => element("li", {className: lost.includes(i) ? "train-lost" : ""},
        picture(images.subarray((images.length / 784 - n + i) * 784, (images.length / 784 - n + i + 1) * 784)),
        `${heldOut.labels[i]} → ${last.answers[i].answer}`)));
      const mostOf = (some) => {
        if (!some.length) return "";
        const counts = Array.from({length: 10}, (_, digit) => some.filter((i) => heldOut.labels[i] === digit).length);
        return `, most often the ${argmax(counts)} (${Math.max(...counts)})`;
      };
      const gained = before && last.answers.filter(({answer}, i) => answer === heldOut.labels[i] && before.answers[i].answer !== heldOut.labels[i]).length;
      part("forgot").textContent = before
        ? `Since you taught it, ${number(lost.length)} held-out digits that it had read are misread (framed)${mostOf(lost)}, and ${number(gained)} are read that it had misread. Before, it read ${percent(before.right / n)}. (It also went on learning from all others, so not all of this is due to your digit.)`
        : "Held-out digits it gets wrong: label → answer.";
      part("tiles").setAttribute("aria-label", `Weights of ${training.units} units after ${number(steps)} steps`);
      const loss = training.losses.at(-1)?.[1];
      part("loss").setAttribute("aria-label", loss === undefined ? "No batch yet" : `Loss of each batch, ${loss.toFixed(2)} at step ${steps}`);
    }
    return {draw, examine};
  }

  // The settings in an address, what is not understood left out
  function settingsOf(text) {
    const given = new URLSearchParams(text), settings = {...START};
    for (const [name, [, choices]] of Object.entries(CHOICES)) {
      const value = given.get(name), known = Array.isArray(choices) ? choices.map(String) : Object.keys(choices);
      if (known.includes(value)) settings[name] = Array.isArray(choices) ? Number(value) : value;
    }
    if (["labels", "pixels", "zeros", "bytes"].includes(given.get("trap"))) settings.trap = given.get("trap");
    if (RATES.includes(Number(given.get("rate")))) settings.rate = Number(given.get("rate"));
    if (/^\d{1,6}$/.test(given.get("seed") ?? "")) settings.seed = Number(given.get("seed"));
    const steps = Math.min(END, Math.max(0, Math.floor(given.get("steps")) || 0));
    const taught = given.getAll("taught").flatMap((one) => {
      const [, label, step, times, image] = /^(\d)\.(\d{1,5})\.(1|10|100)\.([\w-]{262})$/.exec(one) ?? [];
      return image ? [{label: Number(label), step: Number(step), times: Number(times), image: grays(bytes(image))}] : [];
    });
    return {settings, steps, taught, isGiven: given.size > 0};
  }
  // a drawing in four shades, as an address keeps it
  const shadesOf = (image) => Uint8Array.from({length: 196}, (_, i) =>
    [0, 1, 2, 3].reduce((all, k) => (all << 2) | Math.round(image[4 * i + k] / 85), 0));
  const addressOf = ({settings, steps, taught}) => new URLSearchParams([
    ...Object.entries(settings), ["steps", steps],
    ...taught.map(({label, step, times, image}) => ["taught",
      `${label}.${step}.${times}.${digitlib.forAddress(btoa(String.fromCharCode(...shadesOf(image))))}`]),
  ]);

  async function start(root) {
    const digits = await load(), replay = await recorded(digits);
    root.innerHTML = PARTS;
    root.classList.add("train");
    const part = (name) => root.querySelector(`.train-${name}`);
    const button = (name) => root.querySelector(`[data-do=${name}]`);
    const view = viewIn(root, digits.images), slider = root.querySelector(".train-replay input");
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let settings = START, learner, image = null, before = null; // as it read before it was taught
    let playing = false, until = Infinity, seen = true, timer = 0, shown = replay, waiting = []; // to be taught

    const say = (text) => put(part("said"), text);

    // how far the reader's own training is, for whoever looks from outside
    function tell() {
      root.dataset.steps = learner.steps;
      if (learner.last) root.dataset.accuracy = learner.last.right / learner.heldOut.labels.length;
      const isLive = shown === learner;
      part("time").textContent = isLive
        ? `Your own network: step ${number(learner.steps)}, epoch ${learner.epochs.toFixed(1)}, ${learner.units} units, ${number(learner.x.length)} digits to learn from` : "";
      slider.previousElementSibling.textContent = `The recorded training of this book, ${replay.units} units, at step ${number(replay.steps)}`;
      slider.setAttribute("aria-valuetext", `step ${replay.steps}`);
      part("where").classList.toggle("train-live", isLive);
      for (const one of root.querySelectorAll("[data-teach]")) one.disabled = !image || !isLive;
      root.querySelector(".train-teach legend").textContent = isLive ? "Teach it: this is a…" : "Teach it (after Play): this is a…";
      button("recorded").disabled = !isLive;
      part("trap").textContent = `${WATCH[trapOf(settings)]}${trapOf(settings) === "none" ? "" : " Press it again to undo it."}${isLive && learner.steps > 150 ? ` ${SEEN[trapOf(settings)]}` : ""}`;
      slider.disabled = isLive;
    }
    function draw(news) {
      if (news) view.examine(shown, shown === learner ? before : null);
      view.draw(shown, image);
      tell();
    }
    function anew() {
      learner = new Learner(digits, settings);
      before = null;
      sayTaught();
      learner.examineNow();
    }
    function show(what) {
      if (shown === what) return;
      shown = what;
      draw(true);
    }

    function work() {
      const end = performance.now() + BUDGET;
      let news = false;
      do {
        teachWaiting();
        news = learner.work() || news;
        if (learner.steps >= until && learner.last?.step !== learner.steps) {
          learner.examineNow();
          news = true;
        }
        if (learner.steps >= until) pause();
      } while (playing && (learner.steps > SLOWLY || still.matches) && performance.now() < end);
      return news;
    }
    let drawn = 0, told = false, took = 0, works = false;
    function frame() {
      if (!playing || !seen) return;
      const now = performance.now();
      works = took < LONG || !works; // else a press would have to wait for both
      if (works) told = work() || told;
      // without motion, one picture a second
      if ((took < LONG || !works) && (!still.matches || now - drawn > 1000 || !playing)) {
        const start = performance.now();
        draw(told);
        told = false;
        drawn = now;
        took = performance.now() - start;
      }
      next();
    }
    // after what a press has changed is seen
    const later = (act) => requestAnimationFrame(() => setTimeout(act));
    function next() {
      cancelAnimationFrame(timer);
      timer = requestAnimationFrame(frame);
    }
    function play(steps = Infinity) {
      show(learner);
      if (isOver()) return;
      until = Math.min(END, learner.steps + steps);
      playing = true;
      button("play").textContent = "Pause";
      say("");
      next();
    }
    function stop() {
      playing = false;
      button("play").textContent = "Play";
    }
    function pause() {
      if (!playing) return;
      stop();
      settle();
    }
    // what is shown when it has stopped
    function settle() {
      learner.examineNow();
      draw(true);
      say(`Step ${number(learner.steps)}: ${percent(learner.last.right / learner.heldOut.labels.length)} of the held-out digits are read.`);
      keep();
    }
    // on its own page the address has all that is needed to see the same again
    function keep() {
      if ("open" in root.dataset)
        history.replaceState(null, "", `${location.pathname}${location.search}#${addressOf({...learner, taught: [...learner.taught, ...waiting]})}`);
    }

    // what the address has it taught at this step
    function teachWaiting() {
      if (!waiting.length || waiting[0].step > learner.steps) return;
      const {image: one, label, times} = waiting.shift();
      teach(one, label, times);
    }
    function isOver() {
      if (learner.steps < END) return false;
      say(`It ends after ${number(END)} steps; "Start again" begins another.`);
      return true;
    }
    function teach(one, label, times) {
      learner.examineNow();
      before = learner.last;
      learner.teach(one, label, times);
      sayTaught();
    }
    function sayTaught() {
      part("taught").textContent = learner.taught.length
        ? `Taught: ${learner.taught.map((t) => t.label).join(", ")}. It learns from ${number(learner.x.length)} digits now.`
        : "It is added to the digits to learn from, moved by a pixel to each side: nine pictures. Then it trains for an epoch. Make it count more, and see what is forgotten, and what comes back with more training.";
    }

    button("play").addEventListener("click", () => {
      if (!playing) return play();
      stop();
      const paused = learner;
      later(() => {
        if (!playing && learner === paused) settle();
      });
    });
    button("step").addEventListener("click", () => {
      stop();
      shown = learner;
      if (isOver()) return draw(true);
      teachWaiting();
      learner.step();
      draw(false);
      say(`Step ${learner.steps}, loss ${learner.losses.at(-1)[1].toFixed(2)}.`);
      later(() => {
        if (shown !== learner || playing) return;
        learner.examineNow();
        draw(true);
        keep();
      });
    });
    button("epoch").addEventListener("click", () => play(Math.ceil(learner.x.length / settings.batch)));
    button("again").addEventListener("click", () => restart());
    button("recorded").addEventListener("click", () => {
      pause();
      show(replay);
      slider.focus({preventScroll: true}); // the button is disabled now
      say("");
    });
    slider.max = replay.stops.length - 1;
    slider.value = slider.max;
    slider.addEventListener("input", () => {
      replay.go(Number(slider.value));
      draw(true);
    });
    function restart() {
      stop();
      waiting = [];
      anew();
      shown = learner;
      draw(true);
      say("A new network, not trained yet.");
      keep();
    }

    for (const [name, [title, choices]] of Object.entries(CHOICES)) {
      const entries = Array.isArray(choices) ? choices.map((v) => [v, v]) : Object.entries(choices);
      const select = element("select", {}, ...entries.map(([value, text]) => element("option", {value, textContent: text})));
      select.dataset.setting = name;
      part("choices").append(element("label", {}, `${title} `, select));
      select.addEventListener("change", () => change(name, Array.isArray(choices) ? Number(select.value) : select.value));
    }
    const rate = element("input", {type: "range", min: 0, max: RATES.length - 1});
    const rateText = element("span");
    const seed = element("input", {type: "number", min: 0, max: 999_999});
    part("choices").append(element("label", {}, rateText, rate), element("label", {}, "Seed ", seed));
    rate.addEventListener("input", () => change("rate", RATES[rate.value]));
    seed.addEventListener("change", () => change("seed", Math.min(999_999, Math.max(0, Math.floor(seed.value) || 0))));
    function change(name, value) {
      settings = {...settings, [name]: value};
      showSettings();
      stop();
      later(restart);
    }
    function showSettings() {
      for (const select of root.querySelectorAll("[data-setting]")) select.value = settings[select.dataset.setting];
      rate.value = RATES.indexOf(settings.rate);
      rateText.textContent = `Learning rate ${settings.rate} `;
      rate.setAttribute("aria-valuetext", settings.rate);
      seed.value = settings.seed;
      root.querySelector("[data-setting=units]").disabled = settings.network !== "dense";
      for (const one of root.querySelectorAll("[data-trap]")) one.ariaPressed = one.dataset.trap === trapOf(settings);
    }
    for (const [trap, text] of Object.entries(TRAPS)) {
      const one = element("button", {type: "button", textContent: text});
      one.dataset.trap = trap;
      one.addEventListener("click", () => {
        const off = one.ariaPressed === "true", {rate: usual} = START;
        const rateNow = trap === "rate" && !off ? {adam: 0.1, sgd: 3}[settings.optimizer] : isHigh(settings) ? usual : settings.rate;
        settings = {...settings, rate: rateNow, trap: off || trap === "rate" ? "none" : trap};
        showSettings();
        stop();
        later(() => {
          restart();
          play();
        });
      });
      part("traps").append(one);
    }

    pad(part("pad"), (drawnImage) => {
      image = drawnImage && grays(shadesOf(drawnImage));
      draw(false);
    });
    for (let label = 0; label < 10; label++) {
      const one = element("button", {type: "button", textContent: label, disabled: true});
      one.dataset.teach = label;
      one.setAttribute("aria-label", `Teach it: this is a ${label}`);
      one.addEventListener("click", () => {
        teach(image, label, Number(root.querySelector(".train-teach select").value));
        if (!playing) play(Math.ceil(learner.x.length / settings.batch));
      });
      root.querySelector(".train-teach .live-row").append(one);
    }
    button("check").addEventListener("click", () => {
      pause();
      if (!learner.batch) learner.step();
      const rows = learner.checked(), worst = Math.max(...rows.map(({by, measured}) => Math.abs(by - measured)));
      const agree = rows.every(({by, measured}) => Math.abs(by - measured) < 1e-6 + 1e-4 * Math.abs(by));
      const table = element("table"), head = table.createTHead().insertRow();
      for (const title of ["layer", "gradient", "measured"]) head.append(element("th", {scope: "col", textContent: title}));
      const body = table.createTBody();
      for (const {layer, by, measured} of rows) {
        const row = body.insertRow();
        for (const text of [layer === 0 ? "first" : "last", by.toFixed(7), measured.toFixed(7)]) row.insertCell().textContent = text;
      }
      part("checked").nextElementSibling.replaceWith(table);
      part("checked").textContent = `Largest difference: ${worst.toExponential(1)}. ${agree ? "They agree: the gradient is right." : "They differ: something is wrong."}`;
      show(learner);
      draw(true);
      keep();
    });

    new IntersectionObserver((entries) => {
      seen = entries.at(-1).isIntersecting;
      if (seen && playing) next();
    }).observe(root);
    still.addEventListener("change", () => {
      if (still.matches && playing) {
        pause();
        say("Paused, because your system asks for less motion. Play goes on with one picture per second.");
      }
    });
    addEventListener("resize", () => draw(true));

    function open() {
      const given = settingsOf("open" in root.dataset ? location.hash.slice(1) : "");
      ({settings} = given);
      showSettings();
      anew();
      waiting = given.taught.sort((a, b) => a.step - b.step);
      shown = given.isGiven ? learner : replay;
      draw(true);
      if (given.steps) play(given.steps);
    }
    open();
    if ("open" in root.dataset) addEventListener("hashchange", () => { // elsewhere it leads to a heading
      stop(); // without keeping its address in place of the new one
      open();
    });
  }

  live("train", start);
})();
