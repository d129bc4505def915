// Building: a digit goes through the network; each unit can be looked at.
(() => {
  "use strict";
  const {bytes, net, recorded} = window.digitlib;
  const {element, status, live, tiles, bars, pad, digits} = window.digitlib.show;

  live("units", async (root) => {
    const {network, units} = await recorded(await digits());
    const {value} = network.parameters[0], biases = network.parameters[1].value;
    let image, chosen = 0;
    const paper = element("div"), list = element("ol"), said = status();
    const product = element("canvas", {className: "live-large"}), row = element("div", {className: "live-units"});
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", "Hidden units");
    product.setAttribute("role", "img");
    const buttons = Array.from({length: units}, (_, unit) => {
      const canvas = element("canvas"), bar = element("span", {className: "live-bar"});
      const one = element("button", {type: "button", ariaLabel: `Unit ${unit + 1}`}, canvas, bar);
      tiles(canvas, {weights: value.filter((_, i) => i % units === unit), units: 1, columns: 1});
      one.addEventListener("click", () => {
        chosen = unit;
        show();
      });
      row.append(one);
      return {one, bar};
    });
    root.append(element("div", {className: "live-two"}, paper,
      element("div", {}, product, said)), row, list);
    const set = bars(list, "Probability of each digit");

    function show() {
      const x = Float64Array.from(image ?? new Uint8Array(784), (v) => v / 255);
      const [sums] = network.layers[0].run(x, 1), most = Math.max(...sums, 1);
      buttons.forEach(({one, bar}, unit) => {
        bar.style.setProperty("--share", image ? Math.max(0, sums[unit]) / most : 0);
        one.ariaPressed = unit === chosen;
      });
      const own = value.filter((_, i) => i % units === chosen).map((w, i) => w * (image ? x[i] : 1));
      tiles(product, {weights: own, units: 1, columns: 1});
      product.setAttribute("aria-label", `Unit ${chosen + 1}: weight times ink, pixel by pixel`);
      const sum = sums[chosen];
      said.textContent = image
        ? `Unit ${chosen + 1}: weights times ink give ${(sum - biases[chosen]).toFixed(2)}, the bias ${biases[chosen].toFixed(2)}, together ${sum.toFixed(2)}. ReLU passes on ${Math.max(0, sum).toFixed(2)}.`
        : `Unit ${chosen + 1}: its weights. Write a digit to see them times its ink.`;
      set(image && [...net.softmax(network.run(x, 1)[0])]);
    }
    pad(paper, (drawn) => {
      image = drawn;
      show();
    })({example: bytes(digitlib.examples[3])});
  });
})();
