// Training: where would early stopping have stopped, with another patience?
(() => {
  "use strict";
  const {percent} = window.digitlib;
  const {element, status, say, live, choice, slider, plot} = window.digitlib.show;

  live("patience", (root) => {
    const {curves} = digitlib.data;
    let [{losses, accuracies}] = curves, patience = 3;
    const canvas = element("canvas", {className: "live-plot"}), said = status();
    canvas.setAttribute("role", "img");
    root.append(choice("Run", curves.map((one) => [one, one.name]), (one) => {
      ({losses, accuracies} = one);
      show();
    }), slider("Patience", {min: 1, max: 10, value: patience, told: (v) => `${v} ${v === 1 ? "epoch" : "epochs"}`}, (v) => {
      patience = v;
      show();
    }), canvas, said);

    const best = (some) => some.indexOf(Math.min(...some));
    function show() {
      const all = losses.length, high = 1.1 * Math.max(...losses);
      const stop = losses.findIndex((_, i) => i - best(losses.slice(0, i + 1)) >= patience);
      const seen = losses.slice(0, stop < 0 ? all : stop + 1), kept = best(seen), points = losses.map((loss, i) => [i, loss]);
      const upright = (i, color) => ({points: [[i, 0], [i, high]], color, wide: 2});
      plot(canvas, {right: all - 1, low: 0, high, across: [{at: 0, text: "epoch 1"}, {at: all - 1, text: all}],
        up: [0, high / 2.2, high / 1.1].map((at) => ({at, text: at.toFixed(2)})),
        curves: [{points, color: "gray", wide: 1}, {points: points.slice(0, seen.length), color: "blue", wide: 2},
          upright(kept, "orange"), ...(stop < 0 ? [] : [upright(stop, "gray")])]});
      const text = stop < 0 ? `It never has to wait ${patience} epochs, so all ${all} are trained.`
        : `It stops after epoch ${stop + 1} (gray).`;
      const later = losses[best(losses)] < losses[kept]
        ? `Had it gone on, epoch ${best(losses) + 1} would have brought ${losses[best(losses)].toFixed(3)}.`
        : `No later epoch of the ${all} has a lower loss${stop < 0 || stop === all - 1 ? "" : `, and ${all - stop - 1} ${all - stop === 2 ? "is" : "are"} spared`}.`;
      say(said, `${text} It keeps epoch ${kept + 1} (orange): validation loss ${losses[kept].toFixed(3)}, accuracy ${percent(accuracies[kept])}. ${later}`);
      canvas.setAttribute("aria-label", `Validation loss of ${all} epochs; kept is epoch ${kept + 1}`);
    }
    addEventListener("resize", show);
    show();
  });
})();
