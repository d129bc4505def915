// The matrices in each <div class="clickable">: a cell, a row, or a column chosen shows its images,
// and what they are to precision and recall; a threshold takes unsure answers out.
(() => {
  "use strict";
  const {bytes, forAddress, unzipped, picture, percent, probability, interval, sum} = window.digitlib;
  const DIGITS = [...Array(10).keys()], ANY = -1;
  const THRESHOLDS = [
    0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999];

  // Data

  // What is asked of some networks' answers: one network, a threshold, and a cell of its matrix. A
  // row or a column, where the other digit is ANY, is chosen for its mistakes.
  class Choice {
    network = 0;
    threshold = 0;
    label = ANY;
    answer = ANY;

    constructor(data) {
      this.data = data;
      this.labels = [...data.labels].map(Number);
      this.answersOf = data.networks.map(({answers}) => [...answers].map(Number));
    }
    get answers() {
      return this.answersOf[this.network];
    }
    get isRight() {
      return this.label === this.answer;
    }
    confidence(i) {
      return this.data.networks[this.network].confidences[i];
    }
    isAnswered(i) {
      return this.confidence(i) >= THRESHOLDS[this.threshold] * this.data.steps;
    }
    // images in the chosen cell, row, or column, refused or not
    images() {
      const fits = (chosen, digit) => chosen === ANY || chosen === digit;
      const isCell = this.label !== ANY && this.answer !== ANY;
      return [...this.labels.keys()].filter((i) => {
        const [label, answer] = [this.labels[i], this.answers[i]];
        return fits(this.label, label) && fits(this.answer, answer) && (isCell || label !== answer);
      });
    }
    // the confusion matrix of the images that are answered
    counts() {
      const counts = DIGITS.map(() => DIGITS.map(() => 0));
      this.labels.forEach((label, i) => {
        if (this.isAnswered(i)) counts[label][this.answers[i]]++;
      });
      return counts;
    }
  }

  function commonestMistake(counts) {
    const [label, answer] = DIGITS.flatMap((i) => DIGITS.map((j) => [i, j]))
      .filter(([i, j]) => i !== j)
      .reduce((best, pair) => (counts[pair[0]][pair[1]] > counts[best[0]][best[1]] ? pair : best));
    return {label, answer};
  }

  const inRow = (counts, k) => sum(counts[k]);
  const inColumn = (counts, k) => sum(counts.map((row) => row[k]));

  // Words

  const number = (value) => value.toLocaleString("en-US");
  const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

  // a share with its 95% interval
  function share(part, whole, places = 1) {
    if (!whole) return "undefined, 0 of 0";
    const [low, high] = interval(part, whole);
    return `${percent(part / whole, places)} (95% interval ${percent(low, places)} to ${percent(high, places)})`;
  }

  const nameOf = ({label, answer}) =>
    label === ANY ? `Read as ${answer} by mistake`
      : answer === ANY ? `Label ${label}, missed` : `Label ${label}, read as ${answer}`;

  function rowStory(counts, k, here) {
    const all = inRow(counts, k), right = counts[k][k];
    return `<span class="clickable-row">Row ${k}</span> off the diagonal: the <b>false
      negatives</b> for the ${k}, ${plural(all - right, "image")} read as another digit${here}. The
      network found ${number(right)} of ${number(all)}: <b>recall ${share(right, all)}</b>.`;
  }

  function columnStory(counts, k, here) {
    const all = inColumn(counts, k), right = counts[k][k];
    return `<span class="clickable-column">Column ${k}</span> off the diagonal: the <b>false
      positives</b> for the ${k}, ${plural(all - right, "image")} of other digits${here}. Of
      ${plural(all, "image")} read as ${k}, ${number(right)} are right: <b>precision
      ${share(right, all)}</b>.`;
  }

  function story(choice, counts) {
    const {label, answer, isRight} = choice;
    const isMistake = label !== ANY && answer !== ANY && !isRight;
    const here = isMistake ? `, ${number(counts[label][answer])} of them here` : "";
    const lines = [
      isRight && `These are the <b>true positives</b> for the ${label}.`,
      label !== ANY && rowStory(counts, label, here),
      answer !== ANY && columnStory(counts, answer, here),
      choice.threshold && "Refused images are not counted.",
    ];
    return lines.filter(Boolean).map((line) => `<p>${line}</p>`).join("");
  }

  function effect({labels, answers}, counts) {
    const n = labels.length, answered = sum(counts.flat());
    const right = sum(DIGITS.map((k) => counts[k][k])), wrong = answered - right;
    const mistakes = labels.filter((label, i) => label !== answers[i]).length;
    const refused = answered === n ? "" : ` Refused: ${plural(mistakes - wrong, "mistake")},
      and ${plural(n - mistakes - right, "right answer")}.`;
    return `${number(answered)} of ${number(n)} images answered, ${plural(wrong, "mistake")}:
      ${share(wrong, answered, 2)}.${refused}`.replace(/\s+/g, " ");
  }

  // Pictures

  // an image with the digits that it is most like, and its label
  function card(choice, i) {
    const {data, labels, answers} = choice;
    const ten = data.networks[choice.network].probabilities[i];
    const first = [...DIGITS].sort((a, b) => ten[b] - ten[a]).filter((digit, place) =>
      place === 0 || digit === labels[i] || (place < 3 && ten[digit] >= 0.0005));
    const said = first.map((digit) => `${digit} with ${probability(ten[digit])}`).join(", ");
    const canvas = picture(bytes(data.images[i]));
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label",
      `Test image ${i}, label ${labels[i]}, read as ${answers[i]}: ${said}`);
    const bars = first.map((digit) =>
      `<span style="--share: ${ten[digit]}"><b>${digit}</b> ${probability(ten[digit])}</span>`);
    const notes = [data.doubted.includes(i) && "rejected label",
      !choice.isAnswered(i) && "refused"].filter(Boolean);
    const frame = frameOf(data.images[i]);
    frame.append(canvas);
    frame.insertAdjacentHTML("beforeend", `<span class="clickable-bars" aria-hidden="true">${
      bars.join("")}</span>${notes.map((note) => `<small>${note}</small>`).join("")}`);
    const item = document.createElement("li");
    item.classList.toggle("clickable-refused", !choice.isAnswered(i));
    item.append(frame);
    return item;
  }

  // in the book, whose pages say where its root is, an image opens in "Write digits"
  function frameOf(image) {
    const site = document.documentElement.dataset.content_root;
    if (site === undefined) return document.createElement("span");
    const href = `${site}draw/index.html#image=${forAddress(image)}`;
    return Object.assign(document.createElement("a"), {href});
  }

  function showImages(part, choice, counts) {
    const {isRight} = choice, all = choice.images(), refused = all.filter((i) => !choice.isAnswered(i));
    part("h3").textContent =
      `${nameOf(choice)}: ${plural(all.length - refused.length, "image")}${
        refused.length ? `, ${number(refused.length)} refused` : ""}`;
    part(".clickable-chosen div").innerHTML = story(choice, counts);
    const shown = all.filter((i) => i in choice.data.images)
      .sort((a, b) => (choice.confidence(a) - choice.confidence(b)) * (isRight ? 1 : -1))
      .slice(0, isRight ? choice.data.least_sure : Infinity);
    part(".clickable-chosen .clickable-quiet").textContent = !shown.length ? "No image is here."
      : isRight && all.length > shown.length ? `The ${shown.length} least confident, refused or not:`
        : `The ${isRight ? "least" : "most"} confident first:`;
    part("ul").replaceChildren(...shown.map((i) => card(choice, i)));
  }

  // The table

  const digitsOf = ({dataset: {label, answer}}) => ({label: Number(label), answer: Number(answer)});
  const buttonOf = (table, {label, answer}) =>
    table.querySelector(`button[data-label="${label}"][data-answer="${answer}"]`);

  function putButtons(table) {
    for (const label of [ANY, ...DIGITS])
      for (const answer of [ANY, ...DIGITS]) {
        if (label === ANY && answer === ANY) continue;
        const cell = table.rows[label + 1].cells[answer + 1];
        const button = Object.assign(document.createElement("button"), {type: "button"});
        Object.assign(button.dataset, {label, answer});
        button.textContent = cell.textContent;
        cell.replaceChildren(button);
      }
  }

  // mistakes in a cell, a row, or a column; right answers on the diagonal
  function countAt(counts, {label, answer}) {
    if (label === ANY) return inColumn(counts, answer) - counts[answer][answer];
    if (answer === ANY) return inRow(counts, label) - counts[label][label];
    return counts[label][answer];
  }

  function showTable(table, choice, counts) {
    const most = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));
    for (const button of table.querySelectorAll("button")) {
      const digits = digitsOf(button), {label, answer} = digits;
      const isHead = label === ANY || answer === ANY, count = countAt(counts, digits);
      const on = choice.label === label && choice.answer === answer;
      button.tabIndex = on ? 0 : -1;
      button.setAttribute("aria-pressed", on);
      button.setAttribute("aria-label", `${nameOf(digits)}: ${number(count)}`);
      if (!isHead) button.textContent = count;
      const cell = button.parentElement;
      cell.classList.toggle("clickable-none", !isHead && count === 0);
      cell.classList.toggle("clickable-right", label === answer);
      cell.classList.toggle("clickable-row", label !== ANY && label === choice.label);
      cell.classList.toggle("clickable-column", answer !== ANY && answer === choice.answer);
      cell.style.setProperty("--heat", isHead || label === answer ? 0 : count / most);
    }
    const text = (part, whole) => (whole ? percent(part / whole) : "–");
    for (const k of DIGITS) {
      table.tBodies[0].rows[k].cells[11].textContent = text(counts[k][k], inRow(counts, k));
      table.tFoot.rows[0].cells[k + 1].textContent = text(counts[k][k], inColumn(counts, k));
    }
  }

  // `choose` is told which digits a click or an arrow key asks for
  function listen(table, choose) {
    table.addEventListener("click", ({target}) => {
      const button = target.closest("button");
      if (button) choose(digitsOf(button));
    });
    const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
    table.addEventListener("keydown", (event) => {
      if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const {label, answer} = digitsOf(event.target), [down, right] = steps[event.key];
      const next = buttonOf(table, {label: label + down, answer: answer + right});
      if (!next) return;
      choose(digitsOf(next));
      next.focus();
    });
  }

  // The page

  const CONTROLS = `
    <fieldset class="clickable-networks"><legend>Network</legend></fieldset>
    <div class="clickable-threshold">
      <span>Threshold: <b></b></span>
      <span class="clickable-quiet">Images read with less confidence are refused.</span>
      <input type="range" min="0" max="${THRESHOLDS.length - 1}" value="0" aria-label="Threshold">
    </div>
    <output class="clickable-effect"></output>
    <p class="clickable-quiet">Rows: labels. Columns: answers. Choose a cell or a digit at the edge, or
      move with the arrow keys.</p>`;
  const CHOSEN = `<h3></h3><div></div><p class="clickable-quiet"></p><ul></ul>`;

  const division = (name, content) =>
    Object.assign(document.createElement("div"), {className: name, innerHTML: content});

  function networkChoice(group, name, isFirst) {
    const choice = document.createElement("label");
    choice.innerHTML = `<input type="radio" name="${group}" ${isFirst ? "checked" : ""}> `;
    choice.append(name);
    return choice;
  }

  async function start(root) {
    root.dataset.started = "";
    const choice = new Choice(await unzipped(root.querySelector(".clickable-data").textContent).json());
    const tables = [...root.querySelectorAll("table")];
    const part = (name) => root.querySelector(name);
    tables[0].before(division("clickable-controls", CONTROLS));
    tables.at(-1).after(division("clickable-chosen", CHOSEN));

    function choose(change) {
      Object.assign(choice, change);
      const counts = choice.counts();
      for (const [k, table] of tables.entries()) table.hidden = k !== choice.network;
      showTable(tables[choice.network], choice, counts);
      const threshold = THRESHOLDS[choice.threshold];
      const below = threshold ? `${+(100 * threshold).toFixed(3)}%` : "none";
      part(".clickable-threshold b").textContent = below;
      part("input[type=range]").setAttribute("aria-valuetext", below);
      const said = effect(choice, counts); // said aloud when it changes, so it is not set to what it is
      if (part("output").textContent !== said) part("output").textContent = said;
      showImages(part, choice, counts);
    }

    const group = `clickable-${Math.random()}`;
    for (const [network, table] of tables.entries()) {
      const radio = networkChoice(group, table.caption.textContent, network === 0);
      radio.addEventListener("change", () => choose({network}));
      part(".clickable-networks").append(radio);
      putButtons(table);
      listen(table, choose);
    }
    part(".clickable-networks").hidden = tables.length < 2;
    part("input[type=range]").addEventListener("input", ({target}) =>
      choose({threshold: Number(target.value)}));
    // in JupyterLab they would move from cell to cell of the notebook
    root.addEventListener("keydown", (event) => event.key.startsWith("Arrow") && event.stopPropagation());
    root.classList.add("clickable-live");
    choose(commonestMistake(choice.counts()));
  }

  for (const root of document.querySelectorAll(".clickable:not([data-started])")) start(root);
})();
