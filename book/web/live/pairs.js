// Comparing: Anna and Ben each train a network once, and compare.
(() => {
  "use strict";
  const {random} = window.digitlib;
  const {element, status, live, draws} = window.digitlib.show;

  live("pairs", (root) => {
    const {first, second, accuracies, p} = digitlib.data.pairs, next = random(3), counts = [0, 0, 0];
    const said = status(), list = element("ol", {className: "live-tally"});
    const rows = [`Anna's network (${first}) is significantly better`, "no significant difference", `Ben's network (${second}) is significantly better`].map((text) => {
      const bar = element("span", {className: "live-bar"}), count = element("b");
      list.append(element("li", {}, text, bar, count));
      return {bar, count};
    });
    let last;
    root.append(draws(["Take one network of each", "A hundred times", "Start again"], {draw, forget, show}), said, list);
    function draw() {
      const i = Math.floor(next() * accuracies[0].length), j = Math.floor(next() * accuracies[1].length);
      const [a, b] = [accuracies[0][i], accuracies[1][j]], kind = p[i][j] >= 0.05 ? 1 : a > b ? 0 : 2;
      counts[kind]++;
      last = `Anna ${(100 * a).toFixed(2)}%, Ben ${(100 * b).toFixed(2)}%, p = ${p[i][j].toFixed(3)}: ${[`${first} wins`, "no difference shown", `${second} wins`][kind]}.`;
    }
    function show() {
      const all = counts.reduce((a, b) => a + b);
      rows.forEach(({bar, count}, k) => {
        bar.style.setProperty("--share", all ? counts[k] / all : 0);
        count.textContent = all ? `${counts[k]} (${Math.round((100 * counts[k]) / all)}%)` : "";
      });
      said.textContent = last ? `${last} ${all} ${all === 1 ? "comparison" : "comparisons"} so far.` : "Who will be right?";
    }
    function forget() {
      counts.fill(0);
      last = undefined;
    }
    show();
  });
})();
