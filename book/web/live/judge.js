// Past 99.5%, and Wrong labels: digits to be judged before label and answer are seen.
(() => {
  "use strict";
  const {bytes, percent, probability} = window.digitlib;
  const {element, status, live, typed, finish, large} = window.digitlib.show;
  const NONE = "cannot tell";

  for (const [name, kept] of [["judge", "judged"], ["suspect", "suspects"]]) live(name, (root) => {
    const {images, labels, answers, confidences, rejected = []} = digitlib.data[kept], n = labels.length;
    const all = bytes(images);
    let yours = [];
    const seen = element("div", {className: "live-seen"}), said = status(), before = element("p", {className: "live-said"});
    const buttons = [...Array(10).keys(), NONE].map((answer) => {
      const one = element("button", {type: "button", textContent: answer});
      one.addEventListener("click", () => judge(answer));
      return one;
    });
    const again = element("button", {type: "button", textContent: "Start again"});
    again.addEventListener("click", () => {
      yours = [];
      show();
    });
    root.append(element("div", {className: "live-two"}, seen, element("div", {}, said,
      element("div", {className: "live-row"}, ...buttons), before, again)));

    function show() {
      const i = yours.length, over = i === n;
      finish(buttons, over, again);
      if (!over) seen.replaceChildren(large(all.subarray(784 * i, 784 * (i + 1)), "A digit of which one can doubt"));
      before.textContent = i ? `The last one: you ${yours[i - 1] === NONE ? "could not tell" : `say ${yours[i - 1]}`}, its label is ${labels[i - 1]}${rejected[i - 1] ? ", a label that people rejected" : ""}, the networks say ${answers[i - 1]}, ${probability(confidences[i - 1])}.` : "";
      const like = (some) => yours.filter((one, k) => one === some[k]).length;
      const [label, networks, none] = [like(labels), like(answers), yours.filter((one) => one === NONE).length];
      said.textContent = over
        ? `Of ${n}, you agree with the label on ${label} (${percent(label / n, 0)}), with the networks on ${networks} (${percent(networks / n, 0)}), and with neither on ${n - label - networks - none}; ${none} you could not tell.${rejected.length ? ` Of the labels, people rejected ${rejected.filter(Boolean).length}.` : ""} These digits were chosen because label and networks differ, so this is no score of how well you read.`
        : `Digit ${i + 1} of ${n}: what do you read?`;
    }
    function judge(answer) {
      yours.push(answer);
      show();
    }
    typed(root, (digit) => {
      if (yours.length < n) judge(digit);
    });
    show();
  });
})();
