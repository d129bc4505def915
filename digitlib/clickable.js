// Makes the tables in `root` clickable: a cell, a row, or a column chosen shows its images, and what
// they are to precision and recall; a threshold takes unsure answers out.
async function clickable(root) {
  "use strict";
  const SIDE = 28, DIGITS = [...Array(10).keys()], ANY = -1;
  const THRESHOLDS = [
    0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999];
  const PARTS = `
    <fieldset class="clickable-networks"><legend>Network</legend></fieldset>
    <div class="clickable-threshold">
      <span>Threshold: <b></b></span>
      <span class="clickable-quiet">Images read with less confidence are refused.</span>
      <input type="range" min="0" max="${THRESHOLDS.length - 1}" value="0" aria-label="Threshold">
    </div>
    <output class="clickable-effect"></output>
    <p class="clickable-quiet">Rows: labels. Columns: answers. Choose a cell or a digit at the edge, or
      move with the arrow keys.</p>`;
  root.dataset.started = "";

  // The data

  const packed = root.querySelector(".clickable-data");
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes(packed.textContent)]).stream();
  const data = await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).json();
  const labels = [...data.labels].map(Number), n = labels.length;
  for (const network of data.networks) network.answers = [...network.answers].map(Number);

  // a row or a column, where the other digit is any, is chosen for its mistakes
  const chosen = {network: 0, label: ANY, answer: ANY, threshold: 0};

  function indices(test) {
    const {answers} = data.networks[chosen.network];
    return [...labels.keys()].filter((i) => test(labels[i], answers[i]));
  }
  const isChosen = (label, answer) =>
    chosen.label === ANY ? answer === chosen.answer && label !== answer
      : chosen.answer === ANY ? label === chosen.label && label !== answer
        : label === chosen.label && answer === chosen.answer;
  const isAnswered = (i) =>
    data.networks[chosen.network].confidences[i] >= THRESHOLDS[chosen.threshold] * data.steps;

  function counted() {
    const {answers} = data.networks[chosen.network];
    const counts = DIGITS.map(() => DIGITS.map(() => 0));
    labels.forEach((label, i) => isAnswered(i) && counts[label][answers[i]]++);
    return counts;
  }

  // Words

  const number = (value) => value.toLocaleString("en-US");
  const percent = (share, places = 1) => `${(100 * share).toFixed(places)}%`;
  const probability = (p) => (p > 0.9995 ? "> 99.9%" : p < 0.0005 ? "< 0.1%" : percent(p));
  const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;
  const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);

  // a share with its 95% interval (Wilson 1927)
  function share(part, whole, places = 1) {
    if (!whole) return "undefined, 0 of 0";
    const z = 1.959964, p = part / whole, scale = 1 + z ** 2 / whole;
    const middle = (p + z ** 2 / (2 * whole)) / scale;
    const half = (z * Math.sqrt((p * (1 - p)) / whole + z ** 2 / (4 * whole ** 2))) / scale;
    const [low, high] = [Math.max(0, middle - half), Math.min(1, middle + half)];
    return `${percent(p, places)} (95% interval ${percent(low, places)} to ${percent(high, places)})`;
  }

  function story(counts) {
    const {label, answer} = chosen;
    const here = label === ANY || answer === ANY ? 0 : counts[label][answer];
    const row = (k) => {
      const all = sum(counts[k]), missed = all - counts[k][k];
      const some = label !== answer && answer !== ANY ? `, ${number(here)} of them here` : "";
      return `<span class="clickable-row">Row ${k}</span> off the diagonal: the <b>false
        negatives</b> for the ${k}, ${plural(missed, "image")} read as another digit${some}. The
        network found ${number(counts[k][k])} of ${number(all)}: <b>recall
        ${share(counts[k][k], all)}</b>.`;
    };
    const column = (k) => {
      const all = sum(counts.map((line) => line[k])), wrong = all - counts[k][k];
      const some = label !== answer && label !== ANY ? `, ${number(here)} of them here` : "";
      return `<span class="clickable-column">Column ${k}</span> off the diagonal: the <b>false
        positives</b> for the ${k}, ${plural(wrong, "image")} of other digits${some}. Of
        ${plural(all, "image")} read as ${k}, ${number(counts[k][k])} are right: <b>precision
        ${share(counts[k][k], all)}</b>.`;
    };
    const lines = [];
    if (label === answer) lines.push(`These are the <b>true positives</b> for the ${label}.`);
    if (label !== ANY) lines.push(row(label));
    if (answer !== ANY) lines.push(column(answer));
    if (chosen.threshold) lines.push("Refused images are not counted.");
    return lines.map((line) => `<p>${line}</p>`).join("");
  }

  const nameOf = (label, answer) =>
    label === ANY ? `Read as ${answer} by mistake`
      : answer === ANY ? `Label ${label}, missed` : `Label ${label}, read as ${answer}`;

  function effect(counts) {
    const answered = sum(counts.flat()), right = sum(DIGITS.map((k) => counts[k][k]));
    const {answers} = data.networks[chosen.network];
    const wrong = answered - right, all = sum(labels.map((label, i) => label !== answers[i]));
    const refused = answered === n ? ""
      : ` Refused: ${plural(all - wrong, "mistake")}, and ${plural(n - all - right, "right answer")}.`;
    return `${number(answered)} of ${number(n)} images answered, ${plural(wrong, "mistake")}:
      ${share(wrong, answered, 2)}.${refused}`.replace(/\s+/g, " ");
  }

  // Pictures

  function card(i) {
    const {confidences, probabilities, answers} = data.networks[chosen.network];
    const ten = probabilities[i];
    const first = [...DIGITS].sort((a, b) => ten[b] - ten[a]).filter((digit, place) =>
      place === 0 || digit === labels[i] || (place < 3 && ten[digit] >= 0.0005));
    const said = first.map((digit) => `${digit} with ${probability(ten[digit])}`).join(", ");
    // in the book the image opens in "Draw a digit"
    const site = document.documentElement.dataset.content_root;
    const frame = document.createElement(site === undefined ? "span" : "a");
    const letters = {"+": "-", "/": "_", "=": ""}; // those that an address would not keep
    if (site !== undefined) frame.href =
      `${site}draw/index.html#image=${data.images[i].replace(/[+/=]/g, (one) => letters[one])}`;
    const canvas = Object.assign(document.createElement("canvas"), {width: SIDE, height: SIDE});
    const pixels = new ImageData(SIDE, SIDE);
    bytes(data.images[i]).forEach((ink, k) => (pixels.data[4 * k + 3] = ink));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label",
      `Test image ${i}, label ${labels[i]}, read as ${answers[i]}: ${said}`);
    const bars = first.map((digit) =>
      `<span style="--share: ${ten[digit]}"><b>${digit}</b> ${probability(ten[digit])}</span>`);
    const notes = [data.doubted.includes(i) && "rejected label",
      !isAnswered(i) && "refused"].filter(Boolean);
    frame.append(canvas);
    frame.insertAdjacentHTML("beforeend", `<span class="clickable-bars" aria-hidden="true">${
      bars.join("")}</span>${notes.map((note) => `<small>${note}</small>`).join("")}`);
    const item = document.createElement("li");
    item.classList.toggle("clickable-refused", !isAnswered(i));
    item.append(frame);
    return {item, confidence: confidences[i]};
  }

  // The page

  const tables = [...root.querySelectorAll("table")];
  const head = document.createElement("div"), foot = document.createElement("div");
  head.className = "clickable-controls";
  head.innerHTML = PARTS;
  foot.className = "clickable-chosen";
  foot.innerHTML = `<h3></h3><div></div><p class="clickable-quiet"></p><ul></ul>`;
  tables[0].before(head);
  tables.at(-1).after(foot);
  const part = (name) => root.querySelector(name);

  const group = `clickable-${Math.random()}`;
  for (const [k, table] of tables.entries()) {
    const choice = document.createElement("label");
    choice.innerHTML = `<input type="radio" name="${group}" ${k ? "" : "checked"}> `;
    choice.append(table.caption.textContent);
    choice.firstChild.addEventListener("change", () => choose({network: k}));
    part(".clickable-networks").append(choice);
    for (const label of [ANY, ...DIGITS])
      for (const answer of [ANY, ...DIGITS]) {
        if (label === ANY && answer === ANY) continue;
        const cell = table.rows[label + 1].cells[answer + 1];
        const button = Object.assign(document.createElement("button"), {type: "button"});
        Object.assign(button.dataset, {label, answer});
        button.textContent = cell.textContent;
        cell.replaceChildren(button);
      }
    table.addEventListener("click", ({target}) => pick(target.closest("button")));
    table.addEventListener("keydown", (event) => {
      const [down, right] = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1],
        ArrowRight: [0, 1]}[event.key] ?? [];
      if (down === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const {label, answer} = digitsOf(event.target);
      const next = buttonOf(table, label + down, answer + right);
      if (next) pick(next).focus();
    });
  }
  part(".clickable-networks").hidden = tables.length < 2;
  // in JupyterLab they would move from cell to cell of the notebook
  root.addEventListener("keydown", (event) => event.key.startsWith("Arrow") && event.stopPropagation());
  part("input[type=range]").addEventListener("input", ({target}) =>
    choose({threshold: Number(target.value)}));

  function buttonOf(table, label, answer) {
    return table.querySelector(`button[data-label="${label}"][data-answer="${answer}"]`);
  }
  const digitsOf = ({dataset: {label, answer}}) => ({label: Number(label), answer: Number(answer)});
  function pick(button) {
    if (button) choose(digitsOf(button));
    return button;
  }

  function choose(change) {
    Object.assign(chosen, change);
    const counts = counted();
    tables.forEach((table, k) => (table.hidden = k !== chosen.network));
    show(tables[chosen.network], counts);
    const threshold = THRESHOLDS[chosen.threshold];
    const below = threshold ? `${+(100 * threshold).toFixed(3)}%` : "none";
    part(".clickable-threshold b").textContent = below;
    part("input[type=range]").setAttribute("aria-valuetext", below);
    const said = effect(counts); // said aloud when it changes, so it is not set to what it is
    if (part("output").textContent !== said) part("output").textContent = said;

    const all = indices(isChosen), given = all.filter(isAnswered);
    const right = chosen.label === chosen.answer;
    const refused = all.length > given.length ? `, ${number(all.length - given.length)} refused` : "";
    part("h3").textContent =
      `${nameOf(chosen.label, chosen.answer)}: ${plural(given.length, "image")}${refused}`;
    part(".clickable-chosen div").innerHTML = story(counts);
    const cards = all.filter((i) => i in data.images).map(card)
      .sort((a, b) => (right ? a.confidence - b.confidence : b.confidence - a.confidence))
      .slice(0, right ? data.least_sure : Infinity);
    part(".clickable-chosen .clickable-quiet").textContent = !cards.length ? "No image is here."
      : right && all.length > cards.length ? `The ${cards.length} least confident, refused or not:`
        : `The ${right ? "least" : "most"} confident first:`;
    part("ul").replaceChildren(...cards.map(({item}) => item));
  }

  function show(table, counts) {
    const most = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));
    const text = (part, whole) => (whole ? percent(part / whole) : "–");
    for (const button of table.querySelectorAll("button")) {
      const {label, answer} = digitsOf(button);
      const isHead = label === ANY || answer === ANY;
      const count = isHead ? null : counts[label][answer];
      const on = chosen.label === label && chosen.answer === answer;
      button.tabIndex = on ? 0 : -1;
      button.setAttribute("aria-pressed", on);
      const missed = label === ANY ? sum(counts.map((row) => row[answer])) - counts[answer][answer]
        : answer === ANY ? sum(counts[label]) - counts[label][label] : count;
      button.setAttribute("aria-label", `${nameOf(label, answer)}: ${number(missed)}`);
      if (!isHead) button.textContent = count;
      const cell = button.parentElement;
      cell.classList.toggle("clickable-none", count === 0);
      cell.classList.toggle("clickable-right", label === answer);
      cell.classList.toggle("clickable-row", label !== ANY && label === chosen.label);
      cell.classList.toggle("clickable-column", answer !== ANY && answer === chosen.answer);
      cell.style.setProperty("--heat", isHead || label === answer ? 0 : count / most);
    }
    for (const k of DIGITS) {
      table.tBodies[0].rows[k].cells[11].textContent = text(counts[k][k], sum(counts[k]));
      table.tFoot.rows[0].cells[k + 1].textContent =
        text(counts[k][k], sum(counts.map((row) => row[k])));
    }
  }

  // the commonest mistake of the first network, to begin with
  const counts = counted();
  const [label, answer] = DIGITS.flatMap((i) => DIGITS.map((j) => [i, j]))
    .filter(([i, j]) => i !== j)
    .reduce((best, pair) => (counts[pair[0]][pair[1]] > counts[best[0]][best[1]] ? pair : best));
  root.classList.add("clickable-live");
  choose({label, answer});
}

for (const root of document.querySelectorAll(".clickable:not([data-started])")) clickable(root);
