// Other conditions: each pixel of a digit changes by at most so much, against the network or by chance.
(() => {
  "use strict";
  const {argmax, bytes, net, recorded, random, probability} = window.digitlib;
  const {element, status, live, choice, slider, large, bars, pad, digits} = window.digitlib.show;
  const STEPS = 20;

  live("worst", async (root) => {
    const {network, read} = await recorded(await digits());
    let image = bytes(digitlib.examples[7]), size = 0, way = "any";
    const paper = element("div"), seen = element("div", {className: "live-seen"});
    const list = element("ol"), said = status();
    const toward = element("select", {}, element("option", {value: "any", textContent: "any other digit"}),
      ...Array.from({length: 10}, (_, k) => element("option", {value: k, textContent: k})));
    toward.addEventListener("change", () => {
      way = toward.value;
      show();
    });
    const target = element("label", {}, "Toward ", toward);
    root.append(element("div", {className: "live-two"},
      element("div", {}, paper, seen),
      element("div", {},
        choice("How it changes", [[true, "against the network"], [false, "by chance"]], (against) => {
          target.hidden = !against;
          way = against ? toward.value : "chance";
          show();
        }),
        target,
        slider("A pixel changes by at most", {min: 0, max: 0.3, step: 0.01, value: 0, told: (v) => v.toFixed(2)}, (v) => {
          size = v;
          show();
        }), list, said)));
    const set = bars(list, "Probability of each digit");

    // as many steps against the gradient of the loss as the chapter takes, or signs by chance
    function changed(plain, answer) {
      const x = Float64Array.from(plain), next = random(1);
      const move = (by) => {
        for (let i = 0; i < x.length; i++)
          x[i] = Math.max(0, plain[i] - size, Math.min(1, plain[i] + size, x[i] + by(i)));
      };
      if (way === "chance") move(() => (next() < 0.5 ? -size : size));
      else {
        const [label, sign] = way === "any" ? [answer, 1] : [Number(way), -1];
        for (let step = 0; step < STEPS; step++) {
          const [outputs, back] = network.run(x, 1), [, start] = net.crossEntropy(outputs, [label]);
          const slope = back(start(), true);
          move((i) => ((sign * 2.5 * size) / STEPS) * Math.sign(slope[i]));
        }
      }
      return x;
    }
    function show() {
      seen.replaceChildren();
      set(null);
      said.textContent = "Write a digit.";
      if (!image) return;
      const plain = Float64Array.from(image, (v) => v / 255), before = read(image);
      const bytesNow = Uint8Array.from(changed(plain, argmax(before)), (v) => Math.round(255 * v)), now = read(bytesNow);
      seen.append(large(bytesNow, "The changed digit in 28 by 28 pixels"));
      set(now);
      said.textContent = `Untouched it is read as ${argmax(before)}, ${probability(Math.max(...before))}; changed as ${argmax(now)}, ${probability(Math.max(...now))}.`;
    }
    pad(paper, (drawn) => {
      image = drawn;
      show();
    })({example: image});
  });
})();
