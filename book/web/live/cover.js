// Looking inside: a patch covers a part of a digit, and the answer may change.
(() => {
  "use strict";
  const {SIDE, argmax, bytes, recorded, probability} = window.digitlib;
  const {element, status, live, slider, large, bars, pad, digits} = window.digitlib.show;

  live("cover", async (root) => {
    const {read} = await recorded(await digits());
    let image = bytes(digitlib.examples[7]), size = 5, left = 8, top = 5;
    const paper = element("div"), seen = element("div", {className: "live-seen live-move"});
    const list = element("ol"), said = status();
    const across = slider("Patch, from the left", {min: 0, max: SIDE - 1, value: left}, (v) => {
      left = v;
      show();
    });
    const down = slider("Patch, from the top", {min: 0, max: SIDE - 1, value: top}, (v) => {
      top = v;
      show();
    });
    root.append(element("div", {className: "live-two"},
      element("div", {}, paper, slider("Side of the patch, in pixels", {min: 0, max: 14, value: size}, (v) => {
        size = v;
        show();
      }), across, down),
      element("div", {}, seen, list, said)));
    const set = bars(list, "Probability of each digit");

    function show() {
      seen.replaceChildren();
      set(null);
      said.textContent = "Write a digit.";
      if (!image) return;
      const within = (at, first) => at >= first && at < first + size;
      const covered = image.map((v, i) => (within(i % SIDE, left) && within(Math.floor(i / SIDE), top) ? 0 : v));
      const whole = read(image), p = read(covered), answer = argmax(whole), now = argmax(p);
      seen.append(large(covered, "The covered digit in 28 by 28 pixels"));
      set(p);
      said.textContent = `Whole, it is read as ${answer}, ${probability(whole[answer])}. Covered, ${answer} gets ${probability(p[answer])}${now === answer ? "." : `, and it is read as ${now}.`}`;
    }
    function move({clientX, clientY}) {
      const box = seen.getBoundingClientRect(), at = (v, from) => Math.max(0, Math.min(SIDE - 1, Math.round(((v - from) / box.width) * SIDE - size / 2)));
      left = at(clientX, box.left);
      top = at(clientY, box.top);
      across.set(left);
      down.set(top);
      show();
    }
    seen.addEventListener("pointerdown", (event) => {
      seen.setPointerCapture(event.pointerId);
      move(event);
    });
    seen.addEventListener("pointermove", (event) => {
      if (event.buttons) move(event);
    });
    pad(paper, (drawn) => {
      image = drawn;
      show();
    })({example: image});
  });
})();
