// The packaged network in the reader's browser. `digitlib.ready(tell)` loads what it needs, LiteRT.js
// and the network, and tells the percentage that has come, in tens. `digitlib.read(frame)` promises eleven
// probabilities for 784 bytes: of the ten digits, and of no digit. `digitlib.look(frame)` promises the
// maps of each layer, {side, channels, at}, whose numbers go by row, column, channel.
(() => {
  "use strict";
  const digitlib = window.digitlib;
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  const BYTES = 4.4e6; // of both scripts

  let come = 0; // bytes
  let tellShare;

  function run(url) {
    return new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), {
        src: url,
        onload: () => resolve(script.remove()),
        onerror: () => reject(new Error(`${url} could not be loaded`)),
      });
      document.head.append(script);
    });
  }

  async function runText(parts) {
    const url = URL.createObjectURL(new Blob(parts, {type: "text/javascript"}));
    await run(url);
    URL.revokeObjectURL(url);
  }

  // a page opened from a folder may load scripts and may not fetch; any other sees them come
  async function load(name) {
    if (!here.startsWith("http")) return run(here + name);
    const response = await fetch(here + name).catch(() => null);
    if (!response?.ok) throw new Error(`${here}${name} could not be loaded`);
    const reader = response.body.getReader(), parts = [];
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return runText(parts);
      parts.push(value);
      come += value.length;
      tellShare?.(Math.min(90, 10 * Math.floor((10 * come) / BYTES))); // in tens, since it is read out
    }
  }

  async function taken(name) {
    const packed = digitlib.files[name];
    delete digitlib.files[name];
    return new Uint8Array(await digitlib.unzipped(packed).arrayBuffer());
  }

  async function start() {
    come = 0;
    await Promise.all([load("litert.js"), load("network.js")]);
    const [glue, wasm, network] = await Promise.all(["glue", "wasm", "network"].map(taken));
    await runText([glue]);
    digitlib.wasm = wasm; // where the runtime looks for it
    await digitlib.litert.loadLiteRt("");
    delete digitlib.wasm;
    return digitlib.litert.loadAndCompile(network, {accelerator: "wasm"});
  }

  let network, failed;
  digitlib.ready = (tell) => {
    if (tell) tellShare = tell;
    network ??= start().catch((error) => {
      failed = true;
      throw error;
    });
    return network;
  };
  // after a failure nothing is loaded again until somebody asks for it
  digitlib.retry = () => {
    if (failed) network = failed = undefined;
  };

  // A function (ask, then, loads = true): once the network is loaded, `then` is handed what `ask()`
  // promises, unless more was asked meanwhile, be it nothing. `tell` is told how the loading goes.
  digitlib.asking = (tell) => {
    let asked = 0;
    return async (ask, then, loads = true) => {
      const number = ++asked, isLast = () => number === asked;
      if (!ask) return;
      try {
        if (loads) await digitlib.ready((share) => isLast() && tell(`is loading, 4.4 MB, once: ${share}%`));
        const answer = isLast() && (await ask());
        if (isLast()) then(answer);
      } catch (error) {
        if (!isLast()) return;
        tell(`cannot run in this browser (${error.message}); write again to retry`);
        asked++; // what still comes is not told
      }
    };
  };

  // what it gives for 784 bytes, {name: Tensor}, handed to `take`; one image at a time
  let last = Promise.resolve();
  function ask(frame, take) {
    const answer = last.then(async () => {
      const model = await digitlib.ready();
      const image = new digitlib.litert.Tensor(Float32Array.from(frame, (byte) => byte / 255), [1, 28, 28]);
      try {
        const outputs = await model.run({image});
        const taken = take(outputs);
        for (const output of Object.values(outputs)) output.delete();
        return taken;
      } finally {
        image.delete();
      }
    });
    last = answer.catch(() => {});
    return answer;
  }
  const valuesOf = (tensor) => tensor.toTypedArray().slice();
  digitlib.read = (frame) => ask(frame, ({output_0: ratings}) => valuesOf(ratings));
  digitlib.look = (frame) => ask(frame, ({output_0: _, ...maps}) =>
    Object.entries(maps).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, tensor]) => {
      const [, side, , channels] = tensor.type.layout.dimensions;
      return {side, channels, at: valuesOf(tensor)};
    }));
})();
