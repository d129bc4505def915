// The live parts of a page: what one needs is loaded when it comes near.
(() => {
  "use strict";
  const DRAW = `${document.documentElement.dataset.content_root}draw/`;
  const COMMON = ["digit", "pixels", "pen", "examples", "random", "net", "show", "replay"];
  const DIGITS = "data/digits", REPLAY = "data/replay"; // which chapters keep
  const NEEDS = {
    train: [DIGITS, REPLAY, "learner", "train"], pixels: [DIGITS], shift: [DIGITS, REPLAY],
    units: [DIGITS, REPLAY], logits: [], step: [DIGITS, REPLAY], another: ["data/evaluated"],
    patience: ["data/curves"], four: [DIGITS, REPLAY], pairs: ["data/pairs"], runs: ["data/pairs"],
    window: [], layers: ["reader"], judge: ["data/judged"], turn: ["reader"],
    threshold: ["data/thresholds"], worst: [DIGITS, REPLAY], suspect: ["data/suspects", "live/judge"],
    cover: [DIGITS, REPLAY],
    place: [DIGITS, REPLAY, "ink", "handwriting", "photo", "reader"],
    bits: [DIGITS, REPLAY], half: [DIGITS, REPLAY],
    write: ["ink", "handwriting", "photo", "reader", "draw"],
  };
  const scriptsOf = (name) => [...COMMON, ...NEEDS[name], ...(NEEDS[name].some((one) => /^(live\/.*|train|draw)$/.test(one)) ? [] : [`live/${name}`])];
  const loaded = new Map(); // each script once, one after the other
  let last = Promise.resolve();

  function load(name) {
    if (!loaded.has(name)) {
      last = last.catch(() => {}).then(() => new Promise((resolve, reject) => {
        document.head.append(Object.assign(document.createElement("script"), {
          src: `${DRAW}${name}.js`,
          onload: resolve,
          onerror: () => reject(new Error(`${name}.js could not be loaded`)),
        }));
      }));
      loaded.set(name, last);
    }
    return loaded.get(name);
  }

  addEventListener("DOMContentLoaded", () => {
    const roots = document.querySelectorAll("[data-live]");
    const near = new IntersectionObserver((entries) => {
      for (const {isIntersecting, target} of entries)
        if (isIntersecting) {
          near.unobserve(target);
          Promise.all(scriptsOf(target.dataset.live).map(load)).catch(({message}) => {
            target.append(`This part could not be loaded (${message}); load the page again.`);
          });
        }
    }, {rootMargin: "800px"});
    for (const root of roots) near.observe(root);
  });
})();
