// Shipping: how many bits does a weight need?
(() => {
  "use strict";
  const {argmax, bytes, percent, recorded, interval} = window.digitlib;
  const {element, status, live, choice, tiles, bars, pad, digits} = window.digitlib.show;

  live("bits", async (root) => {
    const {images, labels, learn} = await digits(), {network, units, read, last} = await recorded({images, labels, learn});
    const exact = network.parameters.map(({value}) => Float64Array.from(value)), n = labels.length - learn, SENT = 8; // bits
    const before = last.answers.map(({answer}) => answer); // with 32 bits, as the chapter recorded them
    const x = Float64Array.from(images.subarray(784 * learn), (v) => v / 255);
    let image;
    const canvas = element("canvas", {className: "live-weights"}), list = element("ol"), said = status(), paper = element("div");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "The weights of the sixteen units");
    root.append(choice("Bits a weight", [SENT, 6, 4, 3, 2, 1].map((b) => [b, b === SENT ? `${b}, as sent` : b]), round),
      said, element("div", {className: "live-two"}, canvas, element("div", {}, paper, list)));
    const set = bars(list, "Probability of each digit");
    function show() {
      set(image && read(image));
    }
    // each layer's weights to as many values as the bits can tell apart, evenly from the lowest on
    function round(b) {
      const size = exact.reduce((sum, one) => sum + one.length, 0);
      exact.forEach((values, k) => {
        const low = Math.min(...values), step = (Math.max(...values) - low) / (2 ** b - 1) || 1;
        network.parameters[k].value.set(b === SENT ? values : values.map((v) => low + step * Math.round((v - low) / step)));
      });
      const [outputs] = network.run(x, n);
      let right = 0, changed = 0;
      for (let i = 0; i < n; i++) {
        const ten = outputs.subarray(10 * i, 10 * i + 10);
        const answer = argmax(ten);
        right += answer === labels[learn + i];
        changed += answer !== before[i];
      }
      const [low, high] = interval(right, n);
      said.textContent = `${((size * b) / 8 / 1000).toFixed(1)} kB: ${percent(right / n)} of ${n.toLocaleString("en-US")} held-out digits read (95% interval ${percent(low)} to ${percent(high)}). ${changed} ${changed === 1 ? "answer is" : "answers are"} not those of 32 bits, in which the chapter trained it (${((4 * size) / 1000).toFixed(1)} kB).`;
      tiles(canvas, {weights: network.parameters[0].value, units, columns: 4});
      show();
    }
    pad(paper, (drawn) => {
      image = drawn;
      show();
    })({example: bytes(digitlib.examples[9])});
    round(SENT);
  });
})();
