"""largeloss: multi-label image classifiers from incomplete labels."""

__version__ = "0.1.0"
