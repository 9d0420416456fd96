"""What a loss saves in its ``state_dict()`` beside parameters: the epoch, and what it remembers."""

from typing import TYPE_CHECKING, Any

from largeloss.errors import CheckpointError

if TYPE_CHECKING:
    from largeloss.losses.base import PartialLabelLoss

PARTS = {"edits": "label edits", "auto": "counts for delta_rel='auto'", "priors": "class priors"}
"""Attributes that a method may have, each with ``state`` and ``restore``; in words."""


def saved(loss: "PartialLabelLoss") -> dict[str, Any]:
    """Loadable weights-only."""
    parts = {name: getattr(loss, name) for name in PARTS}
    remembered = {name: part.state() for name, part in parts.items() if part is not None}
    epoch = -1 if loss.epoch is None else loss.epoch
    return {"method": _method(loss), "epoch": epoch, **remembered}


def restore(loss: "PartialLabelLoss", state: dict[str, Any]) -> None:
    """Takes up what :func:`saved` gave.

    Raises:
        CheckpointError: it is of another method, or what it remembers is of other settings; nothing
            is taken up.
    """
    found, method = state.get("method", _method(loss)), _method(loss)  # earlier versions: no name
    if found != method:
        raise CheckpointError(
            f"The checkpoint is of a loss of the method {found}, and not of {method}. Load it into "
            "the method that it was saved of, or leave its loss out."
        )
    for name, words in PARTS.items():
        has = getattr(loss, name) is not None
        if has != (name in state):
            raise CheckpointError(
                f"The checkpoint has {'no ' if has else ''}{words}: it is of another method, or of "
                "other settings."
            )
    for name in PARTS.keys() & state.keys():
        getattr(loss, name).restore(state[name])
    loss.epoch = None if state["epoch"] < 0 else int(state["epoch"])


def _method(loss: "PartialLabelLoss") -> str:
    return getattr(loss, "name", type(loss).__name__)
