// Evaluating: other test sets, of the same number of digits, and what a network of one true share
// would read of them.
(() => {
  "use strict";
  const {random, percent} = window.digitlib;
  const {element, live, draws, sharp, interval} = window.digitlib.show;

  live("another", (root) => {
    const {right, n} = digitlib.data.evaluated, share = right / n, next = random(5), drawn = [];
    const [low, high] = interval(right, n), spread = Math.sqrt((share * (1 - share)) / n);
    const canvas = element("canvas", {className: "live-plot"}), said = element("p", {className: "live-said"});
    canvas.setAttribute("role", "img");
    root.append(draws(["Draw another test set", "100 more", "Forget them"],
      {draw, forget: () => drawn.splice(0), show}), canvas, said);
    said.setAttribute("role", "status");

    function draw() {
      let count = 0;
      for (let i = 0; i < n; i++) count += next() < share;
      drawn.push(count / n);
    }
    function show() {
      const {context, width, height} = sharp(canvas), left = share - 4.5 * spread, step = Math.max(1 / n, spread / 4);
      const color = (name) => getComputedStyle(canvas).getPropertyValue(`--${name}`);
      const x = (v) => (width * (v - left)) / (9 * spread), bins = new Map();
      for (const v of drawn) {
        const bin = Math.floor((v - left) / step);
        bins.set(bin, (bins.get(bin) ?? 0) + 1);
      }
      const most = Math.max(8, ...bins.values()), foot = height - 40;
      context.fillStyle = color("pale-blue");
      context.fillRect(x(low), foot + 4, x(high) - x(low), 8);
      context.fillStyle = color("blue");
      for (const [bin, count] of bins)
        context.fillRect(x(left + bin * step) + 0.5, foot - (foot * count) / most, Math.max(1, x(left + step) - 1), (foot * count) / most);
      Object.assign(context, {fillStyle: color("orange"), font: "12px system-ui, sans-serif", textAlign: "center"});
      context.fillRect(x(share) - 1, 0, 2, foot + 12);
      context.fillStyle = color("muted");
      for (const v of [low, share, high]) context.fillText(percent(v, 1), x(v), height - 8);
      const inside = drawn.filter((v) => v >= low && v <= high).length;
      said.textContent = drawn.length
        ? `${drawn.length} test ${drawn.length === 1 ? "set" : "sets"} of ${n.toLocaleString("en-US")} digits; the last gave ${percent(drawn.at(-1), 2)}. ${inside} of ${drawn.length} lie in the 95% interval of the measured one.`
        : "Suppose the true share were exactly what was measured (orange). What would other test sets give?";
      canvas.setAttribute("aria-label", `${drawn.length} accuracies around ${percent(share, 2)}`);
    }
    addEventListener("resize", show);
    show();
  });
})();
