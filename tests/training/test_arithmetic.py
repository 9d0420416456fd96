"""What is switched on while a model is trained, and off again."""

import os
from typing import Any

import pytest
import torch

from largeloss.training.determinism import prepare_gpu, repeatable


def deterministic():
    return torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("gpu", [False, True])
def test_sums_have_an_order_on_a_gpu_while_it_lasts(monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    with repeatable():
        assert deterministic() is gpu
        assert torch.is_deterministic_algorithms_warn_only_enabled() is gpu
    assert not deterministic()
    assert memory.fill_uninitialized_memory is filled


@pytest.mark.parametrize("gpu", [False, True])
def test_cublas_is_told_before_anything_is_computed(monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    prepare_gpu()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    prepare_gpu()
    assert ("CUBLAS_WORKSPACE_CONFIG" in os.environ) is gpu


def test_tiny_numbers_are_zero_while_it_lasts():
    tiny = torch.full((64,), 1e-39)
    with repeatable():
        assert not (tiny * 0.5).any()
    assert (tiny * 0.5).all()
