"""The helpers of *Learning to Read Digits*: the chapters show the ideas, this hides the plumbing.

Importing the package itself is cheap: TensorFlow is loaded by the modules that need it.
"""

__version__ = "0.1.0"
