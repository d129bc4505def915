// When to answer: what becomes of the images of each group under a threshold of one's own.
(() => {
  "use strict";
  const {percent} = window.digitlib;
  const {element, live, slider} = window.digitlib.show;
  const PARTS = ["read right", "refused", "misread"];

  live("threshold", (root) => {
    const {steps, goal, groups} = digitlib.data.thresholds, start = steps.findIndex((at) => at > 0.9);
    const rows = ["employees", "students", "strangers"].map((name) => {
      const {n, right, wrong, most} = groups[name];
      const bar = element("div", {className: "live-parts"}, ...PARTS.map(() => element("span")));
      const said = element("p", {className: "live-said"}); // the slider says its value
      bar.setAttribute("role", "img");
      root.append(element("div", {}, element("b", {textContent: name}), bar, said));
      return (place) => {
        const answered = right[place] + wrong[place], misread = wrong[place] / Math.max(answered, 1);
        const counts = [right[place], n - answered, wrong[place]];
        for (const [i, count] of counts.entries()) bar.children[i].style.setProperty("--share", count / n);
        bar.setAttribute("aria-label", counts.map((count, i) => `${percent(count / n)} ${PARTS[i]}`).join(", "));
        said.textContent = `${percent(1 - answered / n)} refused. Of the answers, ${percent(misread, 2)} are wrong; the margin allows for ${percent(most[place], 2)}, ${most[place] <= goal ? "within" : "above"} the goal of ${percent(goal, 0)}.`;
      };
    });
    const show = (place) => {
      for (const row of rows) row(place);
    };
    root.prepend(slider("Threshold", {min: 0, max: steps.length - 1, value: start,
      told: (place) => (place ? percent(steps[place], 2) : "none")}, show));
    root.append(element("p", {className: "live-key"},
      ...PARTS.flatMap((part) => [element("span"), ` ${part} `])));
    show(start);
  });
})();
