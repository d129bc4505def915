// Building: ten sums, and what softmax and sigmoid make of them.
(() => {
  "use strict";
  const {net} = window.digitlib;
  const {element, status, live, choice, slider, bars} = window.digitlib.show;
  const START = [-2, -1, 1, 3, -4, 1, -3, 0, 4, 0.5]; // of an 8 that could be a 3

  live("logits", (root) => {
    const logits = [...START];
    let top = "softmax", temperature = 1;
    const list = element("ol"), said = status();
    const sliders = logits.map((value, digit) =>
      slider(`Sum for ${digit}`, {min: -6, max: 6, step: 0.5, value, told: (v) => v.toFixed(1)}, (v) => {
        logits[digit] = v;
        show();
      }));
    root.append(choice("Last layer", [["softmax", "softmax"], ["sigmoid", "sigmoid"]], (name) => {
      top = name;
      show();
    }),
      slider("Temperature", {min: 0.2, max: 5, step: 0.1, value: 1, told: (v) => v.toFixed(1)}, (v) => {
        temperature = v;
        show();
      }),
      element("div", {className: "live-two"}, element("div", {className: "live-sliders"}, ...sliders),
        element("div", {}, list, said)));
    const set = bars(list, "Output for each digit");
    function show() {
      const z = Float64Array.from(logits, (v) => v / temperature);
      const p = top === "softmax" ? [...net.softmax(z)] : [...net.sigmoid().run(z)[0]];
      set(p);
      said.textContent = `The outputs add up to ${p.reduce((a, b) => a + b).toFixed(2)}. ${top === "softmax"
        ? "Raise one sum, and the other outputs fall." : "Raise one sum, and the other outputs stay."} Whatever the temperature, the largest sum gives the largest output.`;
    }
    show();
  });
})();
