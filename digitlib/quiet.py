"""Load TensorFlow and Keras quietly, and set them up for networks as small as ours.

TensorFlow 2.21 reports its CPU features below Python, before any log level is read, so neither
`TF_CPP_MIN_LOG_LEVEL` nor `logging` can keep those lines out of a notebook. They are informational.
What goes wrong in the import itself is a Python exception, and is not hidden.

One thread an operation: to split so little work among several costs more than it saves. On two
busy cores an epoch of recipe 1 takes half as long, and the weights are the same bit for bit. Only
the larger convolutions of the recipe accurate gain from a second thread. Set the two variables
yourself before the import to have it otherwise.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"  # another one may be the reader's default
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
_nowhere = os.open(os.devnull, os.O_WRONLY)
try:
    _stderr = os.dup(2)
except OSError:  # it is closed, as by `2>&-`
    _stderr = os.dup(_nowhere)
if sys.stderr:
    sys.stderr.flush()
os.dup2(_nowhere, 2)
try:
    import keras  # noqa: F401
    import tensorflow
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_nowhere)

# Several networks in one notebook retrace `predict`; TensorFlow warns as if that were a mistake.
tensorflow.get_logger().setLevel("ERROR")
