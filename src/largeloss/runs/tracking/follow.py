"""When trackers are told what of a run; whatever becomes of them, training goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.runs.settings import saved_settings
from largeloss.runs.tracking.content import Results, epochs
from largeloss.runs.tracking.sent import Sent
from largeloss.runs.tracking.trackers import TRACKERS, Tracker, check_trackers
from largeloss.training.listener import Listener
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start
from largeloss.watch import if_interrupted


@contextmanager
def tracked(
    settings: RunConfig, folder: Path, listener: Listener, group: str | None = None
) -> Iterator[Listener]:
    """Trackers follow the run that is trained within it, told of by the listener that it gives.

    At its end a finished run's results, weights and report are sent. A tracker that fails is
    remarked on, and left out from then on.

    Args:
        settings: ``training.track`` says which.
        folder: The run folder.
        listener: Is told what else there is to tell.
        group: What the run belongs to, such as a comparison.

    Raises:
        ConfigError: a tracker's package is not installed.
        Interrupted: a signal came while results were sent; the run is finished.
    """
    names = settings.training.track or ()
    check_trackers(names)
    if names:
        start()
    if not names or distributed.rank() != 0:
        yield listener
        return
    followers = [
        Follower(TRACKERS[name](folder, group), folder, listener.remark)
        for name in dict.fromkeys(names)
    ]
    try:
        yield TrackedListener(listener, followers)
    except BaseException:
        for follower in followers:
            follower.leave()
        raise
    with if_interrupted(
        f"The run in {folder} is finished and kept; --resume sends what trackers have not got."
    ):
        for follower in followers:
            follower.finish()
            if follower.where:
                listener.message(follower.where)


class TrackedListener(Listener):
    """Tells another listener everything, and trackers of epochs."""

    def __init__(self, inner: Listener, followers: "list[Follower]") -> None:
        self.title, self._inner, self._followers = inner.title, inner, followers

    def message(self, text: str) -> None:
        self._inner.message(text)

    def remark(self, text: str) -> None:
        self._inner.remark(text)

    def begin(self) -> None:
        self._inner.begin()
        for follower in self._followers:
            follower.catch_up()

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        self._inner.begin_epoch(epoch, epochs, steps)

    def step(self) -> None:
        self._inner.step()

    def end_epoch(self, record: dict[str, Any]) -> None:
        self._inner.end_epoch(record)
        for follower in self._followers:
            follower.catch_up()

    def stopped_early(self, why: str, left: int) -> None:
        self._inner.stopped_early(why, left)

    def skipped(self, epochs: int) -> None:
        self._inner.skipped(epochs)

    def head(self, epochs: int) -> Listener:
        return self._inner.head(epochs)  # trackers have the epochs of the run's own metrics alone

    def close(self) -> None:
        self._inner.close()


class Follower:
    """Sends one tracker what it has not got yet of a run folder; after a failure, nothing more."""

    def __init__(self, tracker: Tracker, folder: Path, remark: Callable[[str], None]) -> None:
        self.where = ""
        self._tracker, self._folder, self._remark = tracker, folder, remark
        self._open = self._failed = False

    def catch_up(self) -> None:
        """Sends settings and epochs."""
        self._attempt(self._send_epochs)

    def finish(self) -> None:
        """Sends the rest of a finished run, and ends."""
        self._attempt(self._send_results)

    def leave(self) -> None:
        """The run was interrupted, or failed."""
        if self._open and not self._failed:
            self._open = False
            self._attempt(lambda: self._tracker.end(finished=False))

    def _attempt(self, send: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            send()
        except Exception as error:  # whatever a tracker, its server and the network come to
            self._failed = True
            self._remark(
                f"{self._tracker.name} has failed ({type(error).__name__}: {_line(error)}) and is "
                f"left out; the run goes on. What it lacks is sent by: largeloss train --resume "
                f"--out {self._folder} --track {self._tracker.name}"
            )
            if self._open:
                with suppress(Exception):
                    self._tracker.end(finished=False)

    def _send_epochs(self) -> Sent:
        sent = Sent.read(self._folder, self._tracker.name)
        if not self._open:
            known = sent.run
            sent.run = self._tracker.begin(known or self._tracker.new_id())
            self._open = True
            sent.write(self._folder, self._tracker.name)
            if known is None:
                self._tracker.settings(saved_settings(self._folder))
        for phase, epoch, values in epochs(self._folder):
            if epoch < sent.epochs.get(phase, 0):
                continue
            named = {f"{phase}/{name}" if phase else name: one for name, one in values.items()}
            self._tracker.epoch(named, epoch, sent.total)
            sent.epochs = sent.epochs | {phase: epoch + 1}
            sent.write(self._folder, self._tracker.name)
        return sent

    def _send_results(self) -> None:
        if Sent.read(self._folder, self._tracker.name).complete:
            return
        if not RunFolder(self._folder).finished:  # nothing was trained
            return
        sent = self._send_epochs()
        results = Results.of(self._folder)
        self._tracker.results(results, saved_settings(self._folder), sent.total)
        self.where = self._tracker.where
        self._open = False
        self._tracker.end(finished=True)
        sent.complete = True
        sent.write(self._folder, self._tracker.name)


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or ["no reason given"])[0]
