// Convolutions: a window over one's own digit, nine weights, and the map that comes out.
(() => {
  "use strict";
  const {SIDE, bytes} = window.digitlib;
  const {element, live, pointed, choice, slider, large, tiles, pad} = window.digitlib.show;
  const OUT = 26;
  const KERNELS = {
    "left to right": [-1, 0, 1, -1, 0, 1, -1, 0, 1], "top to bottom": [-1, -1, -1, 0, 0, 0, 1, 1, 1],
    blur: Array(9).fill(0.11), outline: [-1, -1, -1, -1, 8, -1, -1, -1, -1], "all zero": Array(9).fill(0),
  };

  live("window", (root) => {
    let image = bytes(digitlib.examples[7]), kernel = [...KERNELS["left to right"]], y = 8, x = 10;
    const paper = element("div"), seen = element("div", {className: "live-seen live-window"}), map = element("canvas", {className: "live-large"});
    const said = element("p", {className: "live-said"});
    map.setAttribute("role", "img");
    map.setAttribute("aria-label", "The map: a sum for each place of the window");
    const inputs = kernel.map((v, i) => {
      const input = element("input", {type: "number", step: 1, min: -9, max: 9, value: v});
      input.setAttribute("aria-label", `Weight in row ${1 + Math.floor(i / 3)}, column ${1 + (i % 3)}`);
      input.addEventListener("input", () => {
        kernel[i] = Number(input.value) || 0;
        show();
      });
      return input;
    });
    const row = slider("Window, row", {min: 0, max: OUT - 1, value: y, told: (v) => v + 1}, (v) => {
      y = v;
      show();
    });
    const column = slider("Window, column", {min: 0, max: OUT - 1, value: x, told: (v) => v + 1}, (v) => {
      x = v;
      show();
    });
    root.append(element("div", {className: "live-two"}, paper, element("div", {},
      choice("Nine weights", Object.keys(KERNELS).map((name) => [name, name]), (name) => {
        kernel = [...KERNELS[name]];
        for (const [i, input] of inputs.entries()) input.value = kernel[i];
        show();
      }), element("div", {className: "live-kernel"}, ...inputs))),
    element("div", {className: "live-two"}, element("div", {}, seen, row, column), element("div", {}, map, said)));

    const sumAt = (top, left) => kernel.reduce((sum, w, i) => sum + (w * image[(top + Math.floor(i / 3)) * SIDE + left + (i % 3)]) / 255, 0);
    function show() {
      seen.replaceChildren(large(image, "The digit, with the window on it"));
      seen.style.setProperty("--x", x / SIDE);
      seen.style.setProperty("--y", y / SIDE);
      row.set(y);
      column.set(x);
      const sums = Float64Array.from({length: OUT * OUT}, (_, i) => sumAt(Math.floor(i / OUT), i % OUT));
      tiles(map, {weights: sums, units: 1, columns: 1});
      const terms = kernel.map((w, i) => [w, image[(y + Math.floor(i / 3)) * SIDE + x + (i % 3)] / 255]).filter(([w, v]) => w && v);
      const spell = (v) => `${v}`.replace("-", "−");
      said.textContent = `At row ${y + 1}, column ${x + 1}: ${terms.map(([w, v]) => `${spell(w)} × ${v.toFixed(2)}`).join(" + ") || (kernel.some((w) => w) ? "no ink under a weight" : "all nine weights are 0")}${terms.length ? ` = ${spell(sumAt(y, x).toFixed(2))}` : ", so 0"}.`;
    }
    pointed(seen, (right, down) => {
      [y, x] = [down, right].map((share) => Math.max(0, Math.min(OUT - 1, Math.floor(share * SIDE) - 1)));
      show();
    });
    pad(paper, (drawn) => {
      image = drawn ?? new Uint8Array(SIDE * SIDE);
      show();
    })({example: image});
  });
})();
