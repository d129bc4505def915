// Shipping: a center of mass computed half a pixel too far.
(() => {
  "use strict";
  const {SIDE, argmax, bytes, even, probability, recorded} = window.digitlib;
  const {element, status, live, large, bars, pad, digits} = window.digitlib.show;

  // the digit placed again, by a center half a pixel too far right and down; and how far it went
  function misplaced(image) {
    const total = image.reduce((sum, v) => sum + v, 0);
    const moved = [(i) => Math.floor(i / SIDE), (i) => i % SIDE].map((place) =>
      even(SIDE / 2 - image.reduce((sum, v, i) => sum + v * (place(i) + 0.5), 0) / total));
    const [down, right] = moved, at = (v) => (v + SIDE) % SIDE;
    return [image.map((_, i) => image[at(Math.floor(i / SIDE) - down) * SIDE + at((i % SIDE) - right)]), moved];
  }

  live("half", async (root) => {
    const {read} = await recorded(await digits());
    let image;
    const paper = element("div"), seen = element("div", {className: "live-seen live-cross"}), list = element("ol"), said = status();
    const wrong = element("input", {type: "checkbox"});
    wrong.addEventListener("change", show);
    root.append(element("div", {className: "live-two"}, paper, element("div", {},
      element("label", {className: "live-check"}, wrong, " the center half a pixel too far"), seen)), list, said);
    const set = bars(list, "Probability of each digit");

    function show() {
      seen.replaceChildren();
      if (!image) {
        set(null);
        said.textContent = "Write a digit.";
        return;
      }
      const [other, [down, right]] = misplaced(image), now = wrong.checked ? other : image, p = read(now);
      seen.append(large(now));
      set(p);
      const answer = argmax(p), whole = (wrong.checked ? read(image) : p)[answer];
      const way = [down < 0 && "up", down > 0 && "down", right < 0 && "to the left", right > 0 && "to the right"].filter(Boolean);
      said.textContent = `${!wrong.checked ? "It is where it should be." : way.length ? `Moved one pixel ${way.join(" and one ")}.` : "Not moved: half a pixel more rounds to the same place this time."} Read as ${answer}, ${probability(p[answer])}${wrong.checked && way.length ? `; where it should be, the ${answer} has ${probability(whole)}` : ""}.`;
    }
    pad(paper, (drawn) => {
      image = drawn;
      show();
    })({example: bytes(digitlib.examples[7])});
  });
})();
