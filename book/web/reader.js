// The network of chapter 8 in the reader's browser. `digitlib.read(frame)` promises ten
// probabilities for 784 bytes; its first call loads LiteRT.js and the network, 4.4 MB of scripts.
(() => {
  "use strict";
  const digitlib = window.digitlib;
  const here = document.currentScript.src.replace(/[^/]*$/, "");

  // a script, since a page opened from a folder may load those and may not fetch
  function load(url) {
    return new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), {
        src: url,
        onload: () => resolve(script.remove()),
        onerror: () => reject(new Error(`${url} could not be loaded`)),
      });
      document.head.append(script);
    });
  }

  async function taken(name) {
    const packed = digitlib.files[name];
    delete digitlib.files[name];
    return new Uint8Array(await digitlib.unzipped(packed).arrayBuffer());
  }

  async function start() {
    await Promise.all([load(`${here}litert.js`), load(`${here}network.js`)]);
    const [glue, wasm, network] = await Promise.all(["glue", "wasm", "network"].map(taken));
    const url = URL.createObjectURL(new Blob([glue], {type: "text/javascript"}));
    await load(url);
    URL.revokeObjectURL(url);
    digitlib.wasm = wasm; // where the runtime looks for it
    await digitlib.litert.loadLiteRt("");
    delete digitlib.wasm;
    return digitlib.litert.loadAndCompile(network, {accelerator: "wasm"});
  }

  let network, failed;
  const ready = () => (network ??= start().catch((error) => {
    failed = true;
    throw error;
  }));
  // after a failure nothing is loaded again until somebody asks for it
  digitlib.retry = () => {
    if (failed) network = failed = undefined;
  };

  let last = Promise.resolve();
  digitlib.read = (frame) => {
    const answer = last.then(async () => {
      const model = await ready();
      const image = Float32Array.from(frame, (byte) => byte / 255);
      const tensor = new digitlib.litert.Tensor(image, [1, 28, 28]);
      try {
        const [output] = await model.run(tensor);
        const probabilities = output.toTypedArray().slice();
        output.delete();
        return probabilities;
      } finally {
        tensor.delete();
      }
    });
    last = answer.catch(() => {}); // one image at a time
    return answer;
  };
})();
