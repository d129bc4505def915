// Comparing: how many runs does it take to tell two recipes apart?
(() => {
  "use strict";
  const {percent, random} = window.digitlib;
  const {element, status, say, live, choice, slider, histogram} = window.digitlib.show;
  const STUDIES = 400;

  live("runs", (root) => {
    const {first, second, last, accuracies} = digitlib.data.pairs;
    let other = 1, runs = 1;
    const canvas = element("canvas", {className: "live-plot"}), said = status();
    canvas.setAttribute("role", "img");
    root.append(choice("Two recipes", [[1, `${first} − ${second}`], [2, `${first} − ${last}`]], (value) => {
      other = value;
      show();
    }), slider("Runs of each", {min: 1, max: 30, value: 1}, (value) => {
      runs = value;
      show();
    }), canvas, said);

    const mean = (some) => some.reduce((a, b) => a + b) / some.length;
    function show() {
      const next = random(7), mine = accuracies[0], theirs = accuracies[other];
      const one = (some) => some[Math.floor(next() * some.length)];
      const drawn = Array.from({length: STUDIES}, () => {
        let total = 0;
        for (let i = 0; i < runs; i++) total += one(mine) - one(theirs);
        return (100 * total) / runs;
      }).sort((a, b) => a - b);
      const middle = 100 * (mean(mine) - mean(theirs)), [low, high] = [0.025, 0.975].map((part) => drawn[Math.floor(part * STUDIES)]);
      const points = (v) => `${v > 0 ? "+" : v < 0 ? "−" : ""}${Math.abs(v).toFixed(2)}`;
      const most = 100 * Math.max(...[1, 2].map((k) => Math.max(...mine, ...accuracies[k]) - Math.min(...mine, ...accuracies[k])));
      histogram(canvas, {values: drawn, left: -most, right: most, step: most / 40, band: [low, high], line: 0,
        marks: [-most, 0, most].map((at) => ({at, text: at ? points(at) : "0"}))});
      const ahead = drawn.filter((v) => v > 0).length / STUDIES;
      say(said, `${STUDIES} studies with ${runs} ${runs === 1 ? "run" : "runs"} of each, on the same test images: ${first} is ahead in ${percent(ahead, 0)}. Of the differences, 95% lie between ${points(low)} and ${points(high)} points; the means of all recorded runs differ by ${points(middle)}.`);
      canvas.setAttribute("aria-label", `${STUDIES} differences of means, from ${points(drawn[0])} to ${points(drawn.at(-1))} points`);
    }
    addEventListener("resize", show);
    show();
  });
})();
