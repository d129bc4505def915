// Loading: a digit as its numbers, and how far it is from the ten averages.
(() => {
  "use strict";
  const {SIDE, bytes, picture} = window.digitlib;
  const {element, status, live, pointed, slider, large, bars, pad, digits} = window.digitlib.show;

  live("pixels", async (root) => {
    const {images, labels, learn} = await digits(), counts = new Array(10).fill(0);
    const averages = counts.map(() => new Float64Array(SIDE * SIDE));
    for (let i = 0; i < learn; i++) {
      counts[labels[i]]++;
      for (let k = 0; k < SIDE * SIDE; k++) averages[labels[i]][k] += images[i * SIDE * SIDE + k];
    }
    averages.forEach((sum, digit) => {
      for (let k = 0; k < sum.length; k++) sum[k] /= counts[digit];
    });
    let image, y = 6, x = 10;
    const paper = element("div"), seen = element("div", {className: "live-seen"}), number = element("p", {className: "live-said"});
    const list = element("ol"), said = status();
    const row = slider("Row", {min: 0, max: SIDE - 1, value: y, told: (v) => v + 1}, (v) => point(v, x));
    const column = slider("Column", {min: 0, max: SIDE - 1, value: x, told: (v) => v + 1}, (v) => point(y, v));
    root.append(element("div", {className: "live-two"}, paper,
      element("div", {}, seen, number, row, column)),
    element("div", {className: "live-averages"}, ...averages.map((one) => picture(Uint8Array.from(one)))), list, said);
    for (const canvas of root.querySelectorAll(".live-averages canvas")) canvas.setAttribute("aria-hidden", true);
    const set = bars(list, "Distance from the average of each digit");

    function point(down, right) {
      [y, x] = [down, right];
      row.set(y);
      column.set(x);
      number.textContent = image ? `Row ${y + 1}, column ${x + 1}: ${image[y * SIDE + x]}` : "";
      seen.style.setProperty("--x", x / SIDE);
      seen.style.setProperty("--y", y / SIDE);
    }
    pointed(seen, (right, down) => {
      point(...[down, right].map((share) => Math.max(0, Math.min(SIDE - 1, Math.floor(share * SIDE)))));
    });
    const put = pad(paper, (drawn) => {
      image = drawn;
      seen.replaceChildren(...(image ? [large(image)] : []));
      point(y, x);
      if (!image) {
        set(null);
        said.textContent = "";
        return;
      }
      const far = averages.map((one) => Math.sqrt(one.reduce((sum, v, k) => sum + (v - image[k]) ** 2, 0)));
      const nearest = far.indexOf(Math.min(...far)), most = Math.max(...far);
      set(far.map((v) => v / most), far.map((v) => Math.round(v).toString()), nearest);
      said.textContent = `The average of the ${nearest} is nearest, so this recognizer answers ${nearest}.`;
    });
    put({example: bytes(digitlib.examples[7])});
  });
})();
