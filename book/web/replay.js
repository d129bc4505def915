// The training of a small network that a chapter recorded.
(() => {
  "use strict";
  const {net, sum} = window.digitlib;

  // A training that a chapter kept: what was seen at each of its stops
  async function recorded({images, labels, learn}) {
    const {steps, losses, shapes, scales, weights, answers} = digitlib.data.replay;
    const unpacked = async (text) => new Uint8Array(await digitlib.unzipped(text).arrayBuffer());
    const [changes, read] = await Promise.all([weights, answers].map(unpacked));
    const sizes = shapes.map((shape) => shape.reduce((a, b) => a * b)), all = sum(sizes);
    const units = shapes[0][1], heldOut = labels.subarray(learn), n = heldOut.length;
    const network = net.network(net.dense(sizes[0] / units, units, () => 0.5), net.relu(), net.dense(units, 10, () => 0.5));
    const rounded = steps.map(() => new Int8Array(all));
    for (const [k, now] of rounded.entries())
      for (let i = 0; i < all; i++) now[i] = (k ? rounded[k - 1][i] : 0) + changes[k * all + i];
    const examined = steps.map((step, k) => {
      const given = [...read.subarray(k * n, (k + 1) * n)].map((answer) => ({answer}));
      return {step, answers: given, right: given.filter(({answer}, i) => answer === heldOut[i]).length};
    });
    let stop = 0;
    function go(k) {
      stop = k;
      let at = 0;
      network.parameters.forEach(({value}, i) => {
        for (let j = 0; j < value.length; j++) value[j] = rounded[k][at + j] * scales[i];
        at += sizes[i];
      });
    }
    const x = Float64Array.from(images.subarray(learn * 784), (v) => v / 255);
    const seen = {
      network, units, stops: steps, go, heldOut: {labels: heldOut},
      get steps() { return steps[stop]; },
      get losses() { return losses.slice(0, steps[stop]).map((loss, i) => [i, loss]); },
      get examined() { return examined.slice(0, stop + 1); },
      get last() { return examined[stop]; },
      get dead() {
        const [hidden] = network.layers[0].run(x, n);
        return Array.from({length: units}, (_, u) => {
          for (let i = u; i < hidden.length; i += units) if (hidden[i] > 0) return false;
          return true;
        });
      },
      read: (image) => [...net.softmax(network.run(Float64Array.from(image, (v) => v / 255), 1)[0])],
    };
    go(steps.length - 1);
    return seen;
  }

  Object.assign(window.digitlib, {recorded});
})();
