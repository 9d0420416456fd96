"""What an earlier call has listed, and this one will not: told before its file is replaced."""

from collections.abc import Collection, Iterable

from largeloss.losses import title_of
from largeloss.runs.result import Delta

Row = tuple[str, Delta | None, float]
"""Method, Delta and share of the training images."""


def remark_on_lost(file: str, before: Iterable[Row], now: Collection[Row]) -> str | None:
    """That rows of ``file``, of an earlier call, will not be in it any more; None without any."""
    lost = ", ".join(_in_words(row) for row in dict.fromkeys(before) if row not in now)
    if not lost:
        return None
    return (
        f"{file} will list the methods of this call alone, and no longer those of an earlier one: "
        f"{lost}. To have all of them in it, name all methods and shares in one call: finished "
        "runs are kept, and not trained again."
    )


def _in_words(row: Row) -> str:
    method, delta, share = row
    text = title_of(method)
    if delta is not None:
        text += f" Δ {delta}" if delta == "auto" else f" Δ {delta:g} %"
    return text if share == 1 else f"{text} on {100 * share:g} % of the images"
