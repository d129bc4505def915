// Evaluating: other test sets, of the same number of digits, and what a network of one true share
// would read of them.
(() => {
  "use strict";
  const {random, percent, interval} = window.digitlib;
  const {element, status, say, live, draws, histogram} = window.digitlib.show;

  live("another", (root) => {
    const {right, n} = digitlib.data.evaluated, share = right / n, next = random(5), drawn = [];
    const [low, high] = interval(right, n), spread = Math.sqrt((share * (1 - share)) / n);
    const canvas = element("canvas", {className: "live-plot"}), said = status();
    canvas.setAttribute("role", "img");
    root.append(draws(["Draw another test set", "100 more", "Forget them"],
      {draw, forget: () => drawn.splice(0), show}), canvas, said);

    function draw() {
      let count = 0;
      for (let i = 0; i < n; i++) count += next() < share;
      drawn.push(count / n);
    }
    function show() {
      histogram(canvas, {values: drawn, left: share - 4.5 * spread, right: share + 4.5 * spread,
        step: Math.max(1 / n, spread / 4), band: [low, high], line: share,
        marks: [low, share, high].map((at) => ({at, text: percent(at)}))});
      const inside = drawn.filter((v) => {
        const [from, to] = interval(v * n, n);
        return from <= share && share <= to;
      }).length;
      say(said, drawn.length
        ? `${drawn.length.toLocaleString("en-US")} test ${drawn.length === 1 ? "set" : "sets"} of ${n.toLocaleString("en-US")} digits; the last gave ${percent(drawn.at(-1), 2)}. Put a 95% interval around each: ${inside.toLocaleString("en-US")} of ${drawn.length.toLocaleString("en-US")} contain the true share.`
        : "Suppose the true share were exactly what was measured (orange). What would other test sets give?");
      canvas.setAttribute("aria-label", `${drawn.length} accuracies around ${percent(share, 2)}`);
    }
    addEventListener("resize", show);
    show();
  });
})();
