"""How is a network read that somebody else's Keras has written?

A file names the classes of its network and the arguments of each. Other versions of Keras know
other arguments, and in some of them a class named with care is code that runs, whatever
`safe_mode` says. So we read the names ourselves, let through what networks are made of, and hand
Keras only what it knows.
"""

import importlib
import inspect
import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py

from digitlib import recipes
from digitlib.quiet import keras

MODULES = (
    *("keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"),
    "keras.src.ops.numpy",  # what x / 255 is made of; in no public place, but named in files
)
KINDS = (keras.Operation, keras.Initializer, keras.Regularizer, keras.constraints.Constraint)
CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")  # bring their own
OPENERS = ("StringLookup", "IntegerLookup", "TextVectorization")  # read the file they name
CURE = "build the network of Keras's own layers, and save it again"
DATA = ("__keras_tensor__", "__tensor__", "__numpy__", "__tuple__", "__slice__", "__ellipsis__")


class Refused(ValueError):
    """A network that is not read, and why."""


class Stored:
    """A file's content.

    `config` is the network as Keras describes it, None if the file holds weights alone; `version`
    is that of the Keras that wrote it, None if it does not say.
    """

    def __init__(self, raw):
        self.raw, self.suffix = raw, ".keras"
        if raw.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                self.config = json.loads(archive.read("config.json"))
                self.version = json.loads(archive.read("metadata.json")).get("keras_version")
            return
        with h5py.File(io.BytesIO(raw)) as file:
            config, self.version = (file.attrs.get(n) for n in ("model_config", "keras_version"))
            self.config = json.loads(config) if config else None
            old = "layer_names" in file.attrs or "model_weights" in file
            self.suffix = ".h5" if old else ".weights.h5"
            self.layers = len(file.get("layers", ()))  # those without weights as well
            arrays = []
            file.visititems(lambda name, one: arrays.append((name, one)))
            self.shapes = sorted(
                one.shape
                for name, one in arrays
                if isinstance(one, h5py.Dataset)
                and one.dtype.kind == "f"
                and not name.startswith(("optimizer", "metrics"))
            )

    def network(self, names):
        """The network with its weights.

        Weights alone are given to the first of the recipes of these names that has such.
        """
        if self.config is None:
            model = self._recipe(names)
        else:
            model = keras.saving.deserialize_keras_object(known(self.config))
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / f"model{self.suffix}"  # Keras goes by the suffix
            part.write_bytes(self.raw)
            model.load_weights(part)
        return model

    def _recipe(self, names):
        for name in names:
            model = recipes.get(name).build()
            shapes = sorted(tuple(weight.shape) for weight in model.weights)
            if shapes == self.shapes and self.layers in (0, len(model.layers)):
                return model
        raise Refused(
            "holds weights alone, and they fit no recipe; load them where the network was made, "
            "and save the whole of it as .keras"
        )


def known(part):
    """A stored network, or a part of it, in words that this Keras knows.

    Raises
    ------
    Refused
        If it names a class that is not one of Keras's own layers or what these are made of, or
        one of the few layers that hold code or open files.
    """
    if isinstance(part, list):
        return [known(one) for one in part]
    if not isinstance(part, dict):
        return part
    name, home, kind = part.get("class_name"), None, None
    if name == "Functional":  # no public name
        name = part["class_name"] = "Model"
    if name in ("DTypePolicy", "Policy"):
        return part["config"]["name"]
    if name in CODE:
        raise Refused(f"holds {name}, which is code, and code from files is not run; {CURE}")
    if name is not None and name not in DATA:
        home, kind = _home(name, part.get("module"))
        if not kind or name in OPENERS:
            name = part.get("config") if name == "function" else name
            raise Refused(f"holds {name}, which is none of Keras's own layers for images; {CURE}")
    part = {key: known(value) for key, value in part.items() if key != "compile_config"}
    if kind:
        part |= {"module": home, "registered_name": None}
        part["config"] = _arguments(name, kind, part["config"])
    if "input_shape" in (build := part.get("build_config") or {}):
        part["build_config"] = {"input_shape": _any_batch(build["input_shape"])}
    return part


def _home(name, module):
    """Where Keras has the class of that name, if it is one that networks are made of."""
    for home in sorted(MODULES, key=lambda one: one != module):
        kind = getattr(importlib.import_module(home), str(name), None)
        if isinstance(kind, type) and issubclass(kind, KINDS):
            return home, kind
    return None, None


def _arguments(name, kind, config):
    """A class's stored arguments, without those that it does not know and that change nothing."""
    if name == "Sequential" and isinstance(config, list):  # before Keras 2.3
        config = {"name": "sequential", "layers": config}
    config = dict(config)
    for key in ("batch_shape", "batch_input_shape", "build_input_shape"):
        if key in config:
            config[key] = _any_batch(config[key])
    if "batch_input_shape" in config:  # before Keras 3
        shape = config.pop("batch_input_shape")
        config |= {"batch_shape": shape} if name == "InputLayer" else {"input_shape": shape[1:]}
    if name == "BatchNormalization" and isinstance(config["axis"], list):  # before Keras 3
        (config["axis"],) = config["axis"]
    if issubclass(kind, keras.Model):
        return config
    arguments = {n for base in kind.__mro__ for n in inspect.signature(base.__init__).parameters}
    new = [key for key in config if key not in arguments | {"input_shape"}]
    off = [key for key in new if config[key] is None or config[key] is False]
    if issubclass(kind, keras.Initializer):  # the weights come from the file
        off = new
    details = tuple(f"{key}_" for key in off)  # renorm_momentum without renorm
    return {
        key: value
        for key, value in config.items()
        if not (key in off or (key in new and key.startswith(details)))
    }


def _any_batch(shape):
    """A shape for batches of any size, whatever size the network was made for."""
    plain = isinstance(shape, list) and shape and not isinstance(shape[0], (list, dict))
    return [None, *shape[1:]] if plain else shape
