// A training in steps: a network, the digits it learns from, and those it is examined on. It does a
// little work whenever it is asked to, so that a page stays quick; the same settings give the same
// training.
(() => {
  "use strict";
  const {SIDE, argmax, net, random, shuffled} = window.digitlib;
  const PIXELS = SIDE * SIDE, OFTEN = 50, SLICE = 50; // steps between examinations; images at once
  const FILTERS = 8, WINDOW = 5, STRIDE = 3;
  const SHIFTS = [-1, 0, 1].flatMap((x) => [-1, 0, 1].map((y) => [x, y]));

  function built({network, units, dropout}, next, other) {
    const hidden = network === "dense" ? net.dense(PIXELS, units, next)
      : net.convolution(SIDE, FILTERS, WINDOW, STRIDE, next);
    const left = dropout ? [net.dropout(dropout, other)] : [];
    return net.network(hidden, net.relu(), ...left, net.dense(hidden.outputs, 10, next));
  }

  class Learner {
    steps = 0;
    losses = []; // [step, loss]
    examined = []; // {step, right}
    last = null; // the last of them in whole: {step, right, answers, active}
    taught = []; // {label, step, image, times}

    // settings: network, units, rate, optimizer, batch, dropout, seed, trap
    constructor(digits, settings) {
      const {images, labels, learn} = digits, {seed, trap} = settings;
      this.settings = settings;
      this.epochs = 0;
      this.next = random(seed + 1000);
      const chance = random(seed + 3000);
      this.places = trap === "pixels" ? shuffled(PIXELS, chance) : null;
      this.scale = trap === "bytes" ? 1 : 255;
      this.x = [];
      for (let i = 0; i < labels.length; i++)
        this.x.push(this.input(images.subarray(i * PIXELS, (i + 1) * PIXELS)));
      this.heldOut = {x: this.x.splice(learn), labels: labels.subarray(learn)};
      this.labels = [...labels.subarray(0, learn)];
      if (trap === "labels") {
        const order = shuffled(learn, chance), before = this.labels;
        this.labels = Array.from(order, (from) => before[from]);
      }
      this.network = built(settings, random(seed), random(seed + 2000));
      if (trap === "zeros") for (const {value} of this.network.parameters) value.fill(0);
      this.optimizer = net[settings.optimizer](settings.rate);
      this.order = shuffled(this.x.length, this.next);
      this.at = 0;
      this.begin();
    }

    begin() {
      this.examination = {answers: [], right: 0, active: new Uint8Array(this.hidden.outputs)};
    }

    get hidden() {
      return this.network.layers[0];
    }

    // 784 bytes as the network gets them
    input(image) {
      const {places, scale} = this;
      const x = new Float64Array(PIXELS); // by a loop, thirty times as fast as by a function
      for (let i = 0; i < PIXELS; i++) x[i] = image[places ? places[i] : i] / scale;
      return x;
    }

    // the probabilities of the ten digits for 784 bytes
    read(image) {
      return [...net.softmax(this.network.run(this.input(image), 1)[0])];
    }

    step() {
      if (this.examination.answers.length) this.begin(); // that was of a network that is no more
      const n = Math.min(this.settings.batch, this.x.length), x = new Float64Array(n * PIXELS), labels = [];
      for (let k = 0; k < n; k++) {
        if (this.at === this.order.length) {
          this.order = shuffled(this.x.length, this.next);
          this.at = 0;
        }
        const i = this.order[this.at++];
        x.set(this.x[i], k * PIXELS);
        labels.push(this.labels[i]);
      }
      this.losses.push([this.steps, net.step(this.network, this.optimizer, x, labels)]);
      this.steps++;
      this.epochs += n / this.x.length;
      this.batch = {x, labels};
    }

    // a part of an examination on what was held out; true when it is over
    examine() {
      const {x, labels} = this.heldOut, {answers, active} = this.examination;
      const from = answers.length, n = Math.min(SLICE, x.length - from), all = new Float64Array(n * PIXELS);
      for (let k = 0; k < n; k++) all.set(x[from + k], k * PIXELS);
      let y = all;
      for (const layer of this.network.layers) {
        [y] = layer.run(y, n);
        if (layer === this.hidden) for (const [i, v] of y.entries()) active[i % active.length] |= v > 0;
      }
      const p = net.softmax(y);
      for (let k = 0; k < n; k++) {
        const ten = p.subarray(10 * k, 10 * k + 10), answer = argmax(ten);
        answers.push({answer, p: ten[answer]});
        this.examination.right += answer === labels[from + k];
      }
      if (answers.length < x.length) return false;
      this.last = {step: this.steps, ...this.examination};
      this.examined.push({step: this.steps, right: this.last.right});
      this.begin();
      return true;
    }

    // a little work: a part of an examination where one is due, else a step; true if there is news
    work() {
      const due = this.steps % OFTEN === 0 && this.last?.step !== this.steps;
      if (due) return this.examine();
      this.step();
      return false;
    }

    // an examination as it stands, all at once
    examineNow() {
      if (this.last?.step !== this.steps) while (!this.examine());
    }

    // one more digit to learn from, moved by a pixel to each side, so many times each
    teach(image, label, times) {
      for (const [right, down] of SHIFTS) {
        const moved = this.input(image.map((_, i) => {
          const x = (i % SIDE) - right, y = Math.floor(i / SIDE) - down;
          return x >= 0 && x < SIDE && y >= 0 && y < SIDE ? image[y * SIDE + x] : 0;
        }));
        for (let k = 0; k < times; k++) {
          this.x.push(moved);
          this.labels.push(label);
        }
      }
      this.order = shuffled(this.x.length, this.next); // it comes up soon
      this.at = 0;
      this.taught.push({image, label, times, step: this.steps});
    }

    // hidden units that are above 0 for none of the held-out digits
    get dead() {
      const {active} = this.last ?? {}, {units} = this;
      if (!active) return [];
      return Array.from({length: units}, (_, u) => active.every((on, i) => i % units !== u || !on));
    }
    get units() {
      return this.settings.network === "dense" ? this.settings.units : FILTERS;
    }

    checked() {
      const {x, labels} = this.batch ?? {};
      return x ? net.check(this.network, x, labels, random(this.steps)) : [];
    }
  }

  Object.assign(window.digitlib, {Learner});
})();
