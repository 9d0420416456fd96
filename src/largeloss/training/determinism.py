"""Arithmetic while a model is trained: fast on a CPU, deterministic on a GPU."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch


def prepare_gpu() -> None:
    """Sets what cuBLAS needs before its first product, for :func:`repeatable` to work."""
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextmanager
def repeatable() -> Iterator[None]:
    """Tiny activations are zero: they would slow a CPU down many times. On a GPU, operations whose
    sums have no fixed order are done another way; torch warns where there is none.
    """
    torch.set_flush_denormal(True)
    before = torch.get_deterministic_debug_mode()
    settings = cast(Any, torch.utils.deterministic)  # mypy does not see its property
    filled = settings.fill_uninitialized_memory
    if torch.cuda.is_available() and not before:
        torch.set_deterministic_debug_mode("warn")
        settings.fill_uninitialized_memory = False  # nothing reads it
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_deterministic_debug_mode(before)
        settings.fill_uninitialized_memory = filled
