"""Load TensorFlow and Keras without the lines that TensorFlow writes while it starts.

TensorFlow 2.21 reports its CPU features below Python, before any log level is read, so neither
`TF_CPP_MIN_LOG_LEVEL` nor `logging` can keep those lines out of a notebook. They are informational.
What goes wrong in the import itself is a Python exception, and is not hidden.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.stderr.flush()
_stderr, _nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nowhere, 2)
try:
    import keras  # noqa: F401
    import tensorflow  # noqa: F401
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_nowhere)

# Several networks in one notebook retrace `predict`; TensorFlow warns as if that were a mistake.
tensorflow.get_logger().setLevel("ERROR")
