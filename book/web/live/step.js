// Training: one weight, the loss of some digits as it changes, and a step against the slope.
(() => {
  "use strict";
  const {net, recorded} = window.digitlib;
  const {element, status, say, live, slider, plot, digits} = window.digitlib.show;
  const EARLY = 12, BATCH = 32, REACH = 3, POINTS = 61; // which of the recorded networks; the curve
  const RATES = [0.3, 1, 3, 10, 30, 100, 300];

  live("step", async (root) => {
    const pack = await digits(), {network, go, stops} = await recorded(pack);
    go(Math.min(EARLY, stops.length - 1));
    const x = Float64Array.from(pack.images.subarray(0, BATCH * 784), (v) => v / 255), labels = pack.labels.subarray(0, BATCH);
    const gradients = () => net.step(network, () => {}, x, labels, false);
    gradients();
    const {value, gradient} = network.parameters[2]; // from the units to the ten
    const at = gradient.reduce((best, g, i, all) => (Math.abs(g) > Math.abs(all[best]) ? i : best), 0);
    const start = value[at];
    const curve = Array.from({length: POINTS}, (_, i) => {
      value[at] = start + REACH * ((2 * i) / (POINTS - 1) - 1);
      return [(2 * REACH * i) / (POINTS - 1), gradients()];
    });
    const high = Math.max(...curve.map(([, loss]) => loss)) * 1.05, low = 0;
    let rate = 3, w = start, path = [];
    const canvas = element("canvas", {className: "live-plot"}), said = status();
    canvas.setAttribute("role", "img");
    const step = element("button", {type: "button", textContent: "Step", className: "live-main"});
    const back = element("button", {type: "button", textContent: "Back to the start"});
    root.append(canvas, slider("Length of the step", {min: 0, max: RATES.length - 1, value: 2, told: (v) => `${RATES[v]} × slope`}, (v) => {
      rate = RATES[v];
      show();
    }),
      element("div", {className: "live-row"}, step, back), said);

    const place = (v) => Math.max(0, Math.min(2 * REACH, v - start + REACH));
    function lossAt(v) {
      value[at] = v;
      return gradients();
    }
    function show() {
      const loss = lossAt(w), slope = gradient[at], aim = w - rate * slope, there = lossAt(aim);
      const tangent = [-0.7, 0.7].map((d) => [place(w + d), loss + slope * d]);
      const dot = (v, y) => [[place(v) - 0.02, y], [place(v) + 0.02, y]];
      plot(canvas, {right: 2 * REACH, low, high,
        across: [{at: 0, text: (start - REACH).toFixed(1)}, {at: 2 * REACH, text: `weight ${(start + REACH).toFixed(1)}`}],
        up: [0, 1, 2].filter((v) => v < high).map((v) => ({at: v, text: `${v}`})),
        curves: [{points: curve, color: "blue", wide: 2}, {points: tangent, color: "orange", wide: 2},
          {points: path.map(([v, y]) => [place(v), y]), color: "muted", wide: 1},
          {points: dot(w, loss), color: "orange", wide: 10}, {points: dot(aim, there), color: "violet", wide: 10}]});
      const outside = Math.abs(aim - start) > REACH ? ", outside the picture" : "";
      const words = `Weight ${w.toFixed(2)}, loss ${loss.toFixed(3)}, slope ${slope.toFixed(3).replace("-0.000", "0.000")}. A step leads to ${aim.toFixed(2)}${outside}: loss ${there.toFixed(3)}, ${there.toFixed(3) === loss.toFixed(3) ? "the same" : there < loss ? "lower" : "higher"}.`;
      say(said, words);
      canvas.setAttribute("aria-label", words);
      return [aim, loss, there];
    }
    step.addEventListener("click", () => {
      const [aim, loss, there] = show();
      path.push([w, loss], [aim, there]);
      w = aim;
      show();
    });
    back.addEventListener("click", () => {
      w = start;
      path = [];
      show();
    });
    addEventListener("resize", show);
    show();
  });
})();
