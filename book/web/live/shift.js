// Normalizing: what becomes of ten bars when the digit is not as in training.
(() => {
  "use strict";
  const {SIDE, argmax, bytes, net, recorded, probability} = window.digitlib;
  const {element, status, live, slider, large, bars, digits} = window.digitlib.show;

  live("shift", async (root) => {
    const {network} = await recorded(await digits());
    let digit = 7, right = 0, down = 0, invert = false, scale = 255;
    const seen = element("div", {className: "live-seen live-move"}), list = element("ol"), said = status();
    const across = slider("Right", {min: -8, max: 8, value: 0}, (v) => {
      right = v;
      show();
    });
    const up = slider("Down", {min: -8, max: 8, value: 0}, (v) => {
      down = v;
      show();
    });
    const box = (text, change) => {
      const input = element("input", {type: "checkbox"});
      input.addEventListener("change", () => change(input.checked));
      return element("label", {className: "live-check"}, input, ` ${text}`);
    };
    const example = element("select", {}, ...Array.from({length: 10}, (_, k) => element("option", {value: k, textContent: k})));
    example.value = digit;
    example.addEventListener("change", () => {
      digit = Number(example.value);
      show();
    });
    root.append(element("div", {className: "live-two"},
      element("div", {}, seen, element("label", {}, "Digit ", example), across, up,
        box("inverted", (on) => {
          invert = on;
          show();
        }),
        box("left at 0–255", (on) => {
          scale = on ? 1 : 255;
          show();
        })),
      element("div", {}, list, said)));
    const set = bars(list, "Probability of each digit");

    function show() {
      const image = bytes(digitlib.examples[digit]), moved = image.map((_, i) => {
        const x = (i % SIDE) - right, y = Math.floor(i / SIDE) - down;
        const ink = x >= 0 && x < SIDE && y >= 0 && y < SIDE ? image[y * SIDE + x] : 0;
        return invert ? 255 - ink : ink;
      });
      seen.replaceChildren(large(moved));
      const p = [...net.softmax(network.run(Float64Array.from(moved, (v) => v / scale), 1)[0])];
      set(p);
      const answer = argmax(p);
      said.textContent = `Read as ${answer}, ${probability(p[answer])}${answer === digit ? "." : `; it is ${digit === 8 ? "an" : "a"} ${digit}.`}${scale === 1 ? " The picture looks the same: the numbers behind it are 255 times as large." : ""}`;
    }
    let from;
    seen.addEventListener("pointerdown", (event) => {
      seen.setPointerCapture(event.pointerId);
      from = [event.clientX, event.clientY, right, down];
    });
    seen.addEventListener("pointermove", ({clientX, clientY}) => {
      if (!from) return;
      const pixel = seen.clientWidth / SIDE, near = (v) => Math.max(-8, Math.min(8, Math.round(v)));
      right = near(from[2] + (clientX - from[0]) / pixel);
      down = near(from[3] + (clientY - from[1]) / pixel);
      across.set(right);
      up.set(down);
      show();
    });
    for (const end of ["pointerup", "pointercancel"])
      seen.addEventListener(end, () => {
        from = null;
      });
    show();
  });
})();
