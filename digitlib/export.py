"""How does a trained network leave Python?

As a LiteRT file (.tflite), which runs on phones, on microcontrollers, and in browsers.
"""

import io
import tempfile
import textwrap
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from digitlib import files, models, training
from digitlib.quiet import keras, silence, tensorflow

WEIGHTS = ("float32", "float16", "int8")
EXAMPLES = 200  # images by which int8 learns how large the numbers get


def litert(model, weights="float32", examples=None, maps=False):
    """A network as the bytes of a LiteRT file that reads one image at a time.

    Parameters
    ----------
    model : keras.Model
        Reads images of 28×28 pixels and gives ten numbers. The file reads them on the 0–1 scale,
        in the network's own shape, whatever the network's scale; layers of 16 or 64 bits become
        layers of 32, and distortions, which are for training alone, are left out.
    weights : "float32", "float16" or "int8"
        float16 halves the file, and calculates with 32 bits all the same; int8 calculates with
        whole numbers from -128 to 127, between floats that go in and come out.
    examples : array of shape (n, 28, 28), uint8
        Training images, needed by int8, which takes the first 200.
    maps : bool
        The file gives the answer as output_0, and as output_1, output_2, … what comes out of each
        activation function before it, of a network that is not nested.

    Raises
    ------
    ValueError
        If there are no such weights, int8 has no examples, or the network cannot be converted.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"expected weights to be one of {', '.join(WEIGHTS)}; got {weights!r}")
    if weights == "int8":
        if examples is None or not len(examples):
            raise ValueError("int8 needs examples: training images of shape (n, 28, 28), uint8")
        examples = training.scale(examples[:EXAMPLES])
    if models.frame(model) is None:
        raise ValueError(f"expected a network that reads 28×28 pixels, not {model.input_shape}")
    failure = None
    heard = io.StringIO()  # Keras 3.8 prints what it has exported, asked or not
    with silence(), warnings.catch_warnings(action="ignore"), redirect_stdout(heard):
        try:
            return _converted(model, weights, examples, maps)
        except Exception as error:  # noqa: BLE001 (a layer can make Keras raise almost anything)
            failure = error
    reason = textwrap.shorten(str(failure).strip().partition("\n")[0], 160, placeholder=" …")
    raise ValueError(f"the network cannot be converted ({reason})") from failure


def _converted(model, weights, examples, maps):
    shape = (1, *models.frame(model))  # browsers want a batch of one, not any
    model = _plain(model, maps)
    signature = [keras.InputSpec(shape=shape, dtype="float32", name="image")]
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", input_signature=signature, verbose=False)
        converter = tensorflow.lite.TFLiteConverter.from_saved_model(folder)
        if weights != "float32":
            converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tensorflow.float16]
        if weights == "int8":
            images = examples.reshape(-1, *shape)
            converter.representative_dataset = lambda: ({"image": image} for image in images)
        return converter.convert()


def _activates(layer):
    function = getattr(layer, "activation", None)
    return isinstance(layer, keras.layers.ReLU) or function not in (None, keras.activations.linear)


def run(content, images):
    """What a LiteRT file gives for images of bytes, shape (n, 28, 28): floats of shape (n, 10).

    With an answer for what is no digit, (n, 11).

    Raises
    ------
    ValueError
        If it is no LiteRT file, or one that reads or gives something else.
    """
    images = training.scale(images)
    try:
        with silence(), warnings.catch_warnings(action="ignore"):
            runtime = _interpreter()(model_content=content, num_threads=1)
            runtime.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ValueError("expected a LiteRT file; its content is something else") from error
    source, targets = runtime.get_input_details()[0], runtime.get_output_details()
    fits = [one for one in targets if [*one["shape"]] in [[1, n] for n in models.ANSWERS]]
    if np.prod(source["shape"]) != 28 * 28 or not fits:
        raise ValueError("expected a network that reads one image and gives ten numbers, or eleven")
    target = min(fits, key=lambda one: one["name"])  # the first that the network was given
    outputs = np.empty((len(images), target["shape"][1]), "float32")
    for output, image in zip(outputs, images, strict=True):
        runtime.set_tensor(source["index"], image.reshape(source["shape"]))
        runtime.invoke()
        output[:] = runtime.get_tensor(target["index"])[0]
    return outputs


def save(content, path):
    """Write a LiteRT file, as .tflite, or as .js for a page to load; whole or not at all.

    Raises ValueError for another suffix, OSError if it cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".tflite", ".js"):
        raise ValueError(f"{path}: expected a name that ends in .tflite, or in .js for a page")
    files.write_whole(script("network", content) if suffix == ".js" else content, path)


def script(name, content):
    """Bytes as a script, which a page can load even where it may not fetch, as from a folder.

    It sets `digitlib.files[name]` to the gzipped bytes, in base64.
    """
    packed = files.packed(content)
    return f'((window.digitlib ??= {{}}).files ??= {{}}).{name} = "{packed}";\n'.encode()


def _plain(model, maps):
    """The same network without distortions, in 32 bits, that reads images on the 0–1 scale.

    If asked for, it gives its maps after its answer.
    """

    def plain(layer):
        if type(layer).__name__.startswith("Random"):  # they change images in training alone
            return keras.layers.Identity(name=layer.name)
        config = layer.get_config()
        return type(layer).from_config(config | ({"dtype": "float32"} if "dtype" in config else {}))

    twin = keras.models.clone_model(model, clone_function=plain, recursive=True)
    twin.set_weights(model.get_weights())
    for layer in models.layers(twin):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it calculates with copies of its weights
    if maps:
        inner = [layer.output for layer in twin.layers[:-1] if _activates(layer)]
        twin = keras.Model(twin.inputs, [*twin.outputs, *inner])
    if not models.reads_bytes(model):
        return twin
    image = keras.Input(models.frame(model))
    pixels = keras.ops.cast(keras.layers.Rescaling(255.0)(image), model.inputs[0].dtype)
    return keras.Model(image, twin(pixels))


def _interpreter():
    """The class that runs LiteRT files: of its own package, or of TensorFlow, which gives it up."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        try:
            return tensorflow.lite.Interpreter
        except AttributeError as error:
            raise ModuleNotFoundError(
                "this TensorFlow has no runtime for LiteRT files: pip install ai-edge-litert"
            ) from error
    return Interpreter
