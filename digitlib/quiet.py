"""Load TensorFlow and Keras quietly, and set them up for networks as small as ours.

This is the one place that imports TensorFlow, whichever build of it. TensorFlow 2.21 reports its
CPU features below Python, before any log level is read, so neither `TF_CPP_MIN_LOG_LEVEL` nor
`logging` can keep those lines out of a notebook. They are informational. If the import fails, they
are shown.

One thread an operation: to split so little work among several costs more than it saves. On two
busy cores an epoch of recipe 1 takes half as long; with more threads, on some processors, the last
bits differ. Only the larger convolutions of the recipe accurate gain from a second thread. Set the
two variables yourself before the import to have it otherwise.

Whatever the reader's keras.json says, images have their color axis last, and numbers 32 bits.
"""

import contextlib
import gc
import importlib.util
import os
import sys
import tempfile
from pathlib import Path


@contextlib.contextmanager
def silence(*, show_failure=False):
    """Without what is written to stderr, even by C++; with `show_failure` it follows an exception.

    Where stderr is closed, as by `2>&-`, it leads nowhere from then on: otherwise the next file to
    be opened would get its number, and these lines.
    """
    if sys.stderr:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # it is closed, and the lowest number free
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(kept, said.read() if show_failure else b"")
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def lacks_avx(cpu="/proc/cpuinfo"):
    """Whether the processor is known to lack what most builds of TensorFlow need.

    Such a build says so and ends the process at once, so that it must not be silenced.
    """
    try:
        text = Path(cpu).read_text(encoding="utf-8", errors="replace")
    except OSError:  # only Linux has it
        return False
    return "\nflags" in text and "avx" not in text.split()


def _backend():
    """What Keras runs on, if it was imported before."""
    return sys.modules["keras"].config.backend() if "keras" in sys.modules else "tensorflow"


if importlib.util.find_spec("tensorflow") is None:
    raise ImportError(
        "digitlib needs TensorFlow: pip install tensorflow-cpu, or tensorflow for a GPU or a Mac"
    )
if _backend() != "tensorflow":
    raise ImportError(
        f"Keras was imported before digitlib and runs on {_backend()}, and digitlib needs it on "
        "TensorFlow: start Python again and import digitlib first"
    )
os.environ["KERAS_BACKEND"] = "tensorflow"  # another one may be the reader's default
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
_collects = gc.isenabled()
gc.disable()  # a tenth of the import would go into looking for garbage where there is none
try:
    with contextlib.nullcontext() if lacks_avx() else silence(show_failure=True):
        import keras
        import tensorflow
finally:
    if _collects:
        gc.enable()

keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
# Several networks in one notebook retrace `predict`; TensorFlow warns as if that were a mistake.
tensorflow.get_logger().setLevel("ERROR")
