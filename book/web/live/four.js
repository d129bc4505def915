// Evaluating: 4 or 9, the reader against the network.
(() => {
  "use strict";
  const {percent, picture, random, shuffled, recorded, interval} = window.digitlib;
  const {element, status, live, typed, finish, large, digits} = window.digitlib.show;
  const MANY = 20;

  live("four", async (root) => {
    const {images, labels, learn} = await digits(), {read} = await recorded({images, labels, learn});
    const both = [...labels.keys()].filter((i) => i >= learn && [4, 9].includes(labels[i]));
    let round = 0, asked, yours;
    const seen = element("div", {className: "live-seen"}), said = status(), missed = element("ol", {className: "live-missed"});
    const buttons = [4, 9].map((digit) => {
      const one = element("button", {type: "button", textContent: digit, className: "live-main"});
      one.addEventListener("click", () => answer(digit));
      return one;
    });
    const again = element("button", {type: "button", textContent: "Twenty others"});
    again.addEventListener("click", begin);
    root.append(seen, element("div", {className: "live-row"}, ...buttons, again), said, missed);

    const told = (right) => {
      const [low, high] = interval(right, MANY);
      return `${right} of ${MANY} (95% interval ${percent(low, 0)} to ${percent(high, 0)})`;
    };
    function show() {
      const i = asked[yours.length], over = i === undefined;
      finish(buttons, over, again);
      if (!over) {
        seen.replaceChildren(large(images.subarray(784 * i, 784 * (i + 1)), "A 4 or a 9"));
        said.textContent = `Digit ${yours.length + 1} of ${MANY}: a 4 or a 9?`;
        return;
      }
      const you = asked.filter((one, k) => labels[one] === yours[k]).length;
      const network = asked.filter((one) => {
        const p = read(images.subarray(784 * one, 784 * (one + 1)));
        return labels[one] === (p[4] > p[9] ? 4 : 9);
      }).length;
      const [yourLow, yourHigh] = interval(you, MANY), [low, high] = interval(network, MANY);
      said.textContent = `You: ${told(you)}. The small network, made to choose between the two as well: ${told(network)}. ${yourLow > high || low > yourHigh
        ? "The intervals do not meet, so this is more than luck." : "The intervals overlap: twenty digits are too few to show a small difference."}${you < MANY ? " Those that you misread, with their labels:" : ""}`;
      missed.replaceChildren(...asked.filter((one, k) => labels[one] !== yours[k]).map((one) =>
        element("li", {}, picture(images.subarray(784 * one, 784 * (one + 1))), `${labels[one]}`)));
    }
    function answer(digit) {
      yours.push(digit);
      show();
    }
    function begin() {
      const order = shuffled(both.length, random(++round));
      asked = [...order].slice(0, MANY).map((k) => both[k]);
      yours = [];
      missed.replaceChildren();
      show();
    }
    typed(root, (digit) => {
      if ([4, 9].includes(digit) && !buttons[0].disabled) answer(digit);
    });
    begin();
  });
})();
