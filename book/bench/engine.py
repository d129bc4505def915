"""How many images a second does a network learn from: in Keras, and in a page by book/web/net.js?

Both on one core, in batches of 32, after a start that does not count. The page's runs in Chromium.
"""

import base64
import sys

import measuring

IMAGES, SECONDS, SEEDS = 3000, 3, 5
NETWORKS = {
    "784-32-10": "N.dense(784, 32, r), N.relu(), N.dense(32, 10, r)",
    "784-128-10": "N.dense(784, 128, r), N.relu(), N.dense(128, 10, r)",
    "5×5 convolution": "N.convolution(28, 8, 5, 3, r), N.relu(), N.dense(512, 10, r)",
}
LEARN = """
([bytes, labels, networks, seed, seconds]) => {
  const N = digitlib.net, all = Float64Array.from(digitlib.bytes(bytes), (v) => v / 255);
  const found = {}, n = labels.length, BATCH = 32;
  for (const [name, layers] of Object.entries(networks)) {
    const make = new Function("N", "r", `return N.network(${layers})`);
    const network = make(N, digitlib.random(seed)), adam = N.adam(0.001);
    const x = new Float64Array(BATCH * 784), start = performance.now();
    let steps = 0, from;
    for (let at = 0; performance.now() - start < 1000 * (seconds + 1); at = (at + BATCH) % (n - BATCH)) {
      if (!from && performance.now() - start > 1000) from = [performance.now(), steps];
      x.set(all.subarray(784 * at, 784 * (at + BATCH)));
      N.step(network, adam, x, labels.slice(at, at + BATCH));
      steps++;
    }
    found[name] = 1000 * BATCH * (steps - from[1]) / (performance.now() - from[0]);
  }
  return found;
}
"""


def page(seed):
    """Images a second of each network in Chromium."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(measuring.ROOT / "tests"))
    from browsers import chromium

    digits = measuring.data.load()
    images = base64.b64encode(digits.x_train[:IMAGES].tobytes()).decode()
    labels = digits.y_train[:IMAGES].tolist()
    with sync_playwright() as playwright:
        tab = playwright.chromium.launch(executable_path=chromium()).new_page()
        for name in ("digit", "random", "net"):
            tab.add_script_tag(path=measuring.ROOT / "book" / "web" / f"{name}.js")
        return tab.evaluate(LEARN, [images, labels, NETWORKS, seed, SECONDS])


def plain(seed):
    """Images a second of the same networks in Keras, with one thread."""
    from digitlib.quiet import keras  # with one thread, unless one asks for more

    digits = measuring.data.load()
    x = digits.x_train[:IMAGES].astype("float32") / 255
    found = {}
    for name in NETWORKS:
        keras.utils.set_random_seed(seed)
        layers = keras.layers
        hidden = [layers.Flatten(), layers.Dense(int(name.split("-")[1]), "relu")] if "-" in name else [
            layers.Reshape((28, 28, 1)), layers.Conv2D(8, 5, 3, activation="relu"), layers.Flatten(),
        ]  # fmt: skip
        model = keras.Sequential([keras.Input((28, 28)), *hidden, layers.Dense(10, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, digits.y_train[:IMAGES], batch_size=32, verbose=0)
        watch, epochs = measuring.stopwatch(), 0
        while watch()[0] < SECONDS:
            model.fit(x, digits.y_train[:IMAGES], batch_size=32, verbose=0)
            epochs += 1
        found[name] = epochs * IMAGES / watch()[0]
    return found


if __name__ == "__main__":
    measuring.need_mnist()
    measuring.keep("engine", measuring.in_turn(SEEDS, plain=plain, page=page))
