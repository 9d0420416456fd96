"""Labels in OpenImages' shape: memory, a batch of rows, an edit of LL-Cp."""

from collections.abc import Iterator

import numpy as np
import torch
from measure import Line, interleaved, seconds

from largeloss.labels import LabelTable
from largeloss.losses.memory import EditMemory, Edits

NUM_IMAGES, NUM_CLASSES, NUM_ENTRIES = 3_400_000, 5_000, 15_300_000
BATCH = 1_024
EDITS = 4_096


def lines() -> Iterator[Line]:
    """Memory and lookup, then edits."""
    yield _table()
    yield from _edits()


def _table() -> Line:
    stream = np.random.default_rng(0)
    keys = np.unique(stream.integers(0, NUM_IMAGES * NUM_CLASSES, NUM_ENTRIES))
    rows, columns = np.divmod(keys, NUM_CLASSES)
    states = (stream.random(len(keys)) < 0.5).astype(np.int8)
    names = [f"{number:07x}" for number in range(NUM_IMAGES)]
    table = LabelTable.from_entries(
        rows, columns, states, images=names, classes=[f"c{n}" for n in range(NUM_CLASSES)]
    )
    held = table.offsets.nbytes + table.columns.nbytes + table.states.nbytes
    batch = np.sort(stream.choice(NUM_IMAGES, BATCH, replace=False))
    out = np.empty((BATCH, NUM_CLASSES), dtype=np.int8)
    starts, ends = table.offsets[batch], table.offsets[batch + 1]

    def plain() -> None:
        dense = np.full((BATCH, NUM_CLASSES), -1, dtype=np.int8)
        for place in range(BATCH):
            part = slice(starts[place], ends[place])
            dense[place, table.columns[part]] = table.states[part]

    ways = {
        "row by row": plain,
        "ours": lambda: table.lookup(batch),
        "filling alone": lambda: out.fill(-1),
    }
    sampled = interleaved(ways)
    nanoseconds = sampled["ours"].median / BATCH * 1e9
    return Line(
        "labels, 3.4 M × 5,000",
        f"{len(keys):,} entries, batch {BATCH}",
        f"{held / 1e6:.0f} MB, {nanoseconds:.0f} ns per row",
        "≤ 80 MB, ≤ 400 ns per row",
        held <= 80e6 and nanoseconds <= 400,
        seconds(sampled),
        "dense int8: 17 GB",
    )


def _edits() -> Iterator[Line]:
    torch.manual_seed(0)
    rows = torch.randint(NUM_IMAGES, (64,))
    chosen = torch.zeros(64, NUM_CLASSES, dtype=torch.bool)
    chosen.view(-1)[torch.randperm(chosen.numel())[:EDITS]] = True
    logits = torch.randn(64, NUM_CLASSES)
    memory = EditMemory()
    held: dict[int, set[int]] = {}
    batch, columns = (part.tolist() for part in chosen.nonzero(as_tuple=True))
    numbers = rows.tolist()

    def ours() -> None:
        memory.propose(rows, chosen, logits, 1)
        if len(memory._log) > 100:  # an epoch's end is measured by itself
            memory._log.clear()

    def sets() -> None:
        for place, column in zip(batch, columns, strict=True):
            held.setdefault(numbers[place], set()).add(column)

    sampled = interleaved({"dict of sets": sets, "ours": ours})
    each = sampled["ours"].median / EDITS * 1e9
    yield Line(
        "an LL-Cp edit, in the step",
        f"{EDITS} edits of 64×{NUM_CLASSES}",
        f"{each:.0f} ns",
        "≤ 10 ns",
        each <= 10,
        seconds(sampled),
    )
    number = 500_000
    log = Edits(
        torch.randint(NUM_IMAGES, (number,)),
        torch.randint(NUM_CLASSES, (number,), dtype=torch.int32),
        torch.ones(number, dtype=torch.int32),
        torch.rand(number),
        torch.ones(number, dtype=torch.int8),
    )

    def commit() -> None:
        fresh = EditMemory()
        fresh.restore(
            {f"committed.{name}": value[:0] for name, value in vars(log).items()}
            | {f"proposed.{name}": value for name, value in vars(log).items()}
        )
        fresh.commit()

    sampled = interleaved({"ours": commit}, rounds=5)
    each = sampled["ours"].median / number * 1e9
    yield Line(
        "an LL-Cp edit, at the epoch's end",
        f"{number:,} edits",
        f"{each:.0f} ns",
        "≤ 200 ns",
        each <= 200,
        seconds(sampled),
    )
