// Questions and guesses. Choices, <details class="choice">, one after the other, are a question: without
// this script each opens to what is to be said of it. Beside <details class="guess">, a hint, the
// reader's guess is taken before what follows is shown. Both are kept on the device, and sent nowhere.
(() => {
  "use strict";
  const KEPT = "learning-to-read-digits";
  const nameOf = (path) => path.split("/").at(-1).replace(/\.html$/, "");
  const page = nameOf(location.pathname);

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // {page: {asked, right: [name], guesses: {name: text}}}; some browsers keep it no longer than the page
  let here = {};
  function kept() {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) ?? here;
    } catch {
      return here;
    }
  }
  function keep(change) {
    const all = kept();
    here = all;
    all[page] = {asked: 0, right: [], guesses: {}, ...all[page]};
    change(all[page]);
    try {
      localStorage.setItem(KEPT, JSON.stringify(all));
    } catch {
      // then it is asked again on the next page
    }
    mark(all);
  }

  // in the contents, how many questions of a chapter were answered; at a promise, whether its own was
  function mark(all) {
    for (const link of document.querySelectorAll(".bd-sidebar-primary a.internal")) {
      const {asked, right} = all[link.getAttribute("href") === "#" ? page : nameOf(link.pathname)] ?? {};
      link.querySelector(".asked")?.remove();
      if (asked) link.append(element("span", {className: "asked", textContent: ` ${right.length}/${asked}`, title: "questions answered"}));
    }
    for (const link of document.querySelectorAll("a[href^='#ask-']"))
      link.classList.toggle("asked-right", !!all[page]?.right.includes(link.hash.slice(5)));
  }

  function question(choices) {
    const group = element("div", {className: "ask", id: choices[0].id}), text = choices[0].previousElementSibling;
    const name = choices[0].id.replace("ask-", "");
    choices[0].removeAttribute("id");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Question");
    text.before(group);
    group.append(text, ...choices);
    for (const choice of choices)
      choice.addEventListener("toggle", () => {
        if (!choice.open) return;
        for (const other of choices) if (other !== choice) other.open = false;
        choice.classList.add("chosen");
        if (choice.classList.contains("right")) keep(({right}) => {
          if (!right.includes(name)) right.push(name);
        });
      });
  }

  // all that follows up to the next heading, question, or guess; or after the next heading
  function coveredBy(hint) {
    const after = (one) => {
      const all = [];
      for (let next = one; next && !next.matches("section, .ask, details.guess, .run-stamp"); next = next.nextElementSibling) all.push(next);
      return all;
    };
    const rest = after(hint.nextElementSibling);
    return rest.length ? rest : after(hint.closest("section").nextElementSibling?.querySelector(":scope > :is(h2, h3)")?.nextElementSibling);
  }

  // Curves of numbers from 0 to 100, each [class, text], over marks
  function chart(marks, curves) {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": true})) drawn.setAttribute(name, value);
    for (const [name, text] of curves) {
      const line = document.createElementNS(drawn.namespaceURI, "polyline");
      line.setAttribute("points", text.split(", ").map((value, i) => `${(100 * (i + 0.5)) / marks.length},${100 - Number.parseFloat(value)}`).join(" "));
      line.setAttribute("class", name);
      drawn.append(line);
    }
    return element("div", {className: "guess-chart"}, drawn, element("div", {}, ...marks.map((text) => element("span", {textContent: text}))));
  }

  function guess(hint) {
    const {guess: name, ask = "", choices, curve, unit = "", result} = hint.dataset, marks = curve?.split("|");
    const said = element("p", {className: "guess-said"}), form = element("form", {className: "guess-form"}, ask), hidden = coveredBy(hint);
    said.setAttribute("role", "status");

    function show(text) {
      const hadFocus = form.contains(document.activeElement);
      form.remove();
      for (const one of hidden) one.hidden = false;
      dispatchEvent(new Event("resize")); // what draws to its size has one now
      said.textContent = [text && `You guessed ${text}.`, result && `It is ${result}.`].filter(Boolean).join(" ");
      if (curve) said.append(chart(marks, [["measured", result], ...(text ? [["guessed", text]] : [])]), text ? "Dashed: your guess." : "");
      if (hadFocus) Object.assign(said, {tabIndex: -1}).focus({preventScroll: true});
    }
    function take(text) {
      keep(({guesses}) => {
        guesses[name] = text;
      });
      show(text);
    }
    const button = (text, act) => {
      const one = element("button", {type: "button", textContent: text});
      one.addEventListener("click", act);
      return one;
    };
    if (curve) {
      const sliders = marks.map((mark) => {
        const slider = element("input", {type: "range", min: 0, max: 100, value: 50});
        slider.setAttribute("aria-label", `${ask} ${mark}`.trim());
        return slider;
      });
      const values = () => sliders.map((one) => one.value + unit).join(", ");
      const curveOf = () => chart(marks, [["guessed", values()]]);
      const sketch = element("div", {className: "guess-sketch"}, curveOf(), element("div", {}, ...sliders));
      sketch.addEventListener("input", () => sketch.firstChild.replaceWith(curveOf()));
      form.append(sketch, button("Guess", () => take(values())));
    } else if (choices) form.append(...choices.split("|").map((text) => button(text, () => take(text))));
    else {
      const input = element("input", {type: "number", step: "any", required: true});
      input.setAttribute("aria-label", `Your guess${ask && `, ${ask}`} ${unit.trim()}`.trim());
      form.append(input, unit, element("button", {textContent: "Guess"}));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        take(`${input.value}${unit}`);
      });
    }
    form.append(button("Show without a guess", () => show("")));
    hint.before(form, said);
    const before = kept()[page]?.guesses[name];
    if (before !== undefined) return show(before);
    for (const one of hidden) {
      one.hidden = "onbeforematch" in one ? "until-found" : true; // by a search or a link
      one.addEventListener("beforematch", () => show(""));
    }
    const asked = () => {
      const aim = document.getElementById(location.hash.slice(1));
      if (aim && hidden.some((one) => one.contains(aim))) show("");
    };
    addEventListener("hashchange", asked);
    asked();
  }

  addEventListener("DOMContentLoaded", () => {
    const first = [...document.querySelectorAll("details.choice")].filter((one) => !one.previousElementSibling?.matches("details.choice"));
    for (const one of first) {
      const choices = [one];
      while (choices.at(-1).nextElementSibling?.matches("details.choice")) choices.push(choices.at(-1).nextElementSibling);
      question(choices);
    }
    for (const hint of document.querySelectorAll("details.guess")) guess(hint);
    if (first.length) keep((mine) => {
      mine.asked = first.length;
      mine.right = mine.right.filter((name) => document.getElementById(`ask-${name}`)); // an older edition had others
    });
    else mark(kept());
  });
})();
