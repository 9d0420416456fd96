"""What LL-R rejects in its last epoch, as picture cards for the demo's report."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from largeloss.cli.gridrun import GridRunner
from largeloss.cli.prepare import TrainingData, make_loss, training_labels
from largeloss.cli.progress import Clock, Progressing
from largeloss.config import RunConfig
from largeloss.experiments.grid import Planned
from largeloss.losses import PartialLabelLoss
from largeloss.report import Card
from largeloss.training.engine import Step

NUM_CARDS = 12


class Doubting(Progressing):
    """Notes the entries that a rejecting loss left out in the last epoch."""

    def __init__(self, title: str, clock: Clock, criterion: PartialLabelLoss) -> None:
        super().__init__(title, clock)
        self.criterion = criterion
        self.rejected: dict[int, list[int]] = {}
        """Row → classes."""

    def batches(self, epoch: int, epochs: int, steps: Iterable[Step], total: int) -> Iterator[Step]:
        for step in super().batches(epoch, epochs, steps, total):
            if epoch == epochs - 1:
                self.criterion.set_epoch(epoch)
                doubted = self.criterion.doubts(step.logits, step.batch.labels, step.batch.rows)
                assert doubted is not None
                batch, columns = np.nonzero(doubted.cpu().numpy())
                rows = step.batch.rows.numpy()
                for position, column in zip(batch, columns, strict=True):
                    self.rejected.setdefault(int(rows[position]), []).append(int(column))
            yield step


class DoubtingRunner(GridRunner):
    """A grid whose first LL-R run is watched."""

    def __init__(
        self, make: Callable[[str], RunConfig], grid: Sequence[Planned], out: Path
    ) -> None:
        super().__init__(make, grid, out)
        self.watched: Doubting | None = None
        self.seen: TrainingData | None = None

    def listener(self, planned: Planned, config: RunConfig) -> Progressing:
        """Watches the first LL-R run, shows all."""
        if planned.variant.method != "ll-r" or self.watched is not None:
            return super().listener(planned, config)
        self.seen = self.data(planned)
        criterion, _ = make_loss(config.method, training_labels(self.seen, "ll-r"))
        self.watched = Doubting(f"{planned.folder:<16}", self.clock, criterion)
        return self.watched

    @property
    def cards_title(self) -> str:
        """What was rejected in all, and how rightly."""
        if self.watched is None or self.seen is None:
            return ""
        truth = self.seen.given.labels.to_dense()
        right = [
            bool(truth[row, column] == 1)
            for row, columns in self.watched.rejected.items()
            for column in columns
        ]
        if not right:
            return "Training pictures: LL-R rejected nothing in its last epoch"
        return (
            f"Training pictures: LL-R rejected {len(right)} blank entries in its last epoch, and "
            f"{100 * np.mean(right):.0f} % of them were missing tags"
        )

    def cards(self) -> tuple[Card, ...]:
        """Pictures with rejected entries, the first ones by row: not chosen by whether rightly."""
        if self.watched is None or self.seen is None:
            return ()
        known, truth = self.seen.known.labels, self.seen.given.labels.to_dense()
        names = known.classes
        found = []
        for row in sorted(self.watched.rejected)[:NUM_CARDS]:
            given = np.flatnonzero(known.lookup(np.array([row]))[0] == 1)
            pixels = self.seen.given.source.read([row], [False])[0].permute(1, 2, 0).numpy()
            found.append(
                Card(
                    pixels,
                    tuple(names[column] for column in given),
                    tuple(names[column] for column in sorted(self.watched.rejected[row])),
                    tuple(names[column] for column in np.flatnonzero(truth[row] == 1)),
                )
            )
        return tuple(found)
