"""IMCL, interactive multi-label CNN learning: the one method of more than one file.

* ``interactive_learning.py``: the method;
* ``versions.py``: where the authors' run differs from the paper;
* ``smoothness.py``: the two penalties, of labels and of features, and their gradients' ratio;
* ``feature_memory.py``: the dictionary, features and labels of recent training images;
* ``pursuit.py``: matching pursuit, which writes an image as a mixture of a few of the dictionary.
"""

from largeloss.losses.imcl.interactive_learning import InteractiveMultiLabelLearning

__all__ = ["InteractiveMultiLabelLearning"]
