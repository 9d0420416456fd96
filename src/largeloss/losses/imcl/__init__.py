"""IMCL, interactive multi-label CNN learning: the one method of more than one file.

* ``interactive_learning.py``: the method;
* ``completion.py``: completed labels and extended features, by which images are compared;
* ``feature_memory.py``: the dictionary, features and labels of recent training images;
* ``pursuit.py``: matching pursuit, which writes an image as a mixture of a few of the dictionary;
* ``smoothness.py``: the two penalties, of labels and of features;
* ``balance.py``: how the penalties are weighted.
"""

from largeloss.losses.imcl.interactive_learning import InteractiveMultiLabelLearning

__all__ = ["InteractiveMultiLabelLearning"]
