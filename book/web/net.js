// A network that learns. Each operation gives its value and the function that carries a gradient
// back: from what a change of the value does to the loss, to what a change of its input does.
(() => {
  "use strict";

  // What is learned: numbers, and what a change of each does to the loss
  const parameter = (size, start = () => 0) =>
    ({value: new Float64Array(size).map(start), gradient: new Float64Array(size)});

  // into[i …] += factor × from[j …], n numbers, four at a time, which is faster
  function add(into, i, factor, from, j, n) {
    const end = i + n, away = j - i;
    for (; i + 3 < end; i += 4) {
      into[i] += factor * from[i + away];
      into[i + 1] += factor * from[i + away + 1];
      into[i + 2] += factor * from[i + away + 2];
      into[i + 3] += factor * from[i + away + 3];
    }
    for (; i < end; i++) into[i] += factor * from[i + away];
  }
  function dot(a, i, b, j, n) {
    let even = 0, odd = 0, k = 1;
    for (; k < n; k += 2) {
      even += a[i + k - 1] * b[j + k - 1];
      odd += a[i + k] * b[j + k];
    }
    return even + odd + (k === n ? a[i + k - 1] * b[j + k - 1] : 0);
  }

  // Layers. `run(x, n, learning)` takes n images and gives [y, back]; `back(gradient, needed)` adds to
  // the gradients of the layer's parameters, and gives that of x, where it is needed.

  // A weighted sum for each unit, at each of some places. links[i] says where input i goes: row r of
  // the weights at place p, r, p, …. The weights start as in Keras (Glorot and Bengio 2010).
  function linear(links, rows, places, units, sums, next) {
    const inputs = links.length, limit = Math.sqrt(6 / sums);
    const weights = parameter(rows * units, () => limit * (2 * next() - 1));
    const biases = parameter(units);
    function run(x, n) {
      const size = places * units, y = new Float64Array(n * size);
      for (let at = 0; at < y.length; at += units) y.set(biases.value, at);
      for (let image = 0; image < n; image++)
        for (let i = 0; i < inputs; i++) {
          const v = x[image * inputs + i];
          if (v === 0) continue; // most pixels are blank
          const link = links[i];
          for (let l = 0; l < link.length; l += 2)
            add(y, image * size + link[l + 1] * units, v, weights.value, link[l] * units, units);
        }
      function back(gradient, needed) {
        for (let at = 0; at < y.length; at += units)
          add(biases.gradient, 0, 1, gradient, at, units);
        const before = needed && new Float64Array(x.length);
        for (let image = 0; image < n; image++)
          for (let i = 0; i < inputs; i++) {
            const v = x[image * inputs + i];
            if (v === 0 && !needed) continue;
            const link = links[i];
            for (let l = 0; l < link.length; l += 2) {
              const row = link[l] * units, at = image * size + link[l + 1] * units;
              if (v !== 0) add(weights.gradient, row, v, gradient, at, units);
              if (needed) before[image * inputs + i] += dot(weights.value, row, gradient, at, units);
            }
          }
        return before;
      }
      return [y, back];
    }
    return {inputs, outputs: places * units, parameters: [weights, biases], run};
  }

  // each unit sees every input
  const dense = (inputs, units, next) =>
    linear(Array.from({length: inputs}, (_, i) => Int32Array.of(i, 0)), inputs, 1, units,
      inputs + units, next);

  // each unit looks through a window of size × size pixels, moved by `stride` over the image
  function convolution(side, units, size, stride, next) {
    const across = Math.floor((side - size) / stride) + 1;
    const links = Array.from({length: side * side}, () => []);
    for (let place = 0; place < across * across; place++)
      for (let row = 0; row < size * size; row++) {
        const y = stride * Math.floor(place / across) + Math.floor(row / size);
        links[y * side + stride * (place % across) + (row % size)].push(row, place);
      }
    return linear(links, size * size, across * across, units, size * size * (1 + units), next);
  }

  // a function of each number, and its slope, which its value tells
  const each = (f, slope) => ({parameters: [], run(x) {
    const y = Float64Array.from(x);
    for (let i = 0; i < y.length; i++) y[i] = f(x[i]);
    return [y, (gradient) => {
      for (let i = 0; i < y.length; i++) gradient[i] *= slope(y[i]);
      return gradient;
    }];
  }});
  const relu = () => each((v) => Math.max(0, v), (y) => (y > 0 ? 1 : 0));
  const sigmoid = () => each((v) => 1 / (1 + Math.exp(-v)), (y) => y * (1 - y));

  // while it learns, a share of the numbers is left out, and the others make up for it
  const dropout = (share, next) => ({parameters: [], run(x, _, learning) {
    if (!learning) return [x, (gradient) => gradient];
    const factor = x.map(() => (next() < share ? 0 : 1 / (1 - share)));
    return [x.map((v, i) => v * factor[i]), (gradient) => gradient.map((g, i) => g * factor[i])];
  }});

  // one layer after the other
  const network = (...layers) => ({
    layers,
    parameters: layers.flatMap((layer) => layer.parameters),
    run(x, n, learning) {
      const backs = [];
      for (const layer of layers) {
        const [y, back] = layer.run(x, n, learning);
        backs.unshift(back);
        x = y;
      }
      return [x, (gradient, needed) => backs.reduce(
        (g, back, i) => back(g, needed || i < backs.length - 1), gradient)];
    },
  });

  // of ten numbers, the logarithm of the sum of their exponentials, be they ever so large
  function logSum(outputs, image) {
    const ten = outputs.subarray(10 * image, 10 * image + 10), most = Math.max(...ten);
    return most + Math.log(ten.reduce((total, v) => total + Math.exp(v - most), 0));
  }
  // ten numbers of any size for each image to ten probabilities
  function softmax(outputs) {
    const all = Array.from({length: outputs.length / 10}, (_, image) => logSum(outputs, image));
    return outputs.map((v, i) => Math.exp(v - all[(i / 10) | 0]));
  }
  // the mean of -log(probability of the label), where the probabilities are the softmax of outputs
  function crossEntropy(outputs, labels) {
    const n = labels.length;
    const loss = labels.reduce((sum, label, i) => sum + logSum(outputs, i) - outputs[10 * i + label], 0) / n;
    const back = () => softmax(outputs).map((v, i) => (v - (labels[(i / 10) | 0] === i % 10)) / n);
    return [loss, back];
  }

  // Optimizers: from the gradients to the next weights

  const sgd = (rate) => (parameters) => {
    for (const {value, gradient} of parameters) add(value, 0, -rate, gradient, 0, value.length);
  };

  // Kingma and Ba 2015, with the constants of Keras
  function adam(rate) {
    const KEEP = 0.9, KEEP_SQUARES = 0.999, SMALL = 1e-7, kept = new Map();
    let steps = 0;
    return (parameters) => {
      steps++;
      const length = rate * Math.sqrt(1 - KEEP_SQUARES ** steps) / (1 - KEEP ** steps);
      for (const {value, gradient} of parameters) {
        if (!kept.has(gradient)) kept.set(gradient, [0, 0].map(() => new Float64Array(value.length)));
        const [mean, square] = kept.get(gradient);
        for (let i = 0; i < value.length; i++) {
          const g = gradient[i];
          if (g === 0 && mean[i] === 0) continue; // of pixels that were always blank
          mean[i] += (1 - KEEP) * (g - mean[i]);
          square[i] += (1 - KEEP_SQUARES) * (g * g - square[i]);
          value[i] -= (length * mean[i]) / (Math.sqrt(square[i]) + SMALL);
        }
      }
    };
  }

  // one step: the loss of a batch, and the weights moved against its gradient
  function step({run, parameters}, optimizer, x, labels, learning = true) {
    const [outputs, back] = run(x, labels.length, learning);
    const [loss, start] = crossEntropy(outputs, labels);
    for (const {gradient} of parameters) gradient.fill(0);
    back(start());
    optimizer(parameters);
    return loss;
  }

  // Is the gradient right? Some weights are moved a little to both sides, and the loss is measured:
  // [{layer, by: what the gradient says, measured}]
  function check(network, x, labels, next, count = 20) {
    step(network, () => {}, x, labels, false);
    return Array.from({length: count}, (_, k) => {
      const one = network.parameters[k % network.parameters.length], {value, gradient} = one;
      let i = Math.floor(next() * value.length); // of a weight that matters, not of a blank pixel
      for (let k = 0; k < 99 && !gradient[i]; k++) i = Math.floor(next() * value.length);
      const before = value[i], little = 1e-5;
      const [up, down] = [before + little, before - little].map((moved) => {
        value[i] = moved;
        return crossEntropy(network.run(x, labels.length)[0], labels)[0];
      });
      value[i] = before;
      return {layer: network.layers.findIndex((layer) => layer.parameters.includes(one)),
        by: gradient[i], measured: (up - down) / (2 * little)};
    });
  }

  window.digitlib = Object.assign(window.digitlib ?? {}, {net: {dense, convolution, relu, sigmoid,
    dropout, network, softmax, crossEntropy, sgd, adam, step, check}});
})();
