"""Every error that largeloss raises on purpose: what was found, what was needed, how to fix it.

::

    LargelossError                 base; never raised itself
    ├── InputError                 the caller's input is wrong        (command line: exit code 2)
    │   ├── LabelError             a label file, table or value
    │   ├── DataError              a folder, image or feature file
    │   ├── ConfigError            a setting, or settings that do not go together
    │   └── ScheduleError          a loss was used before ``set_epoch``
    └── RunError                   work had begun and failed          (command line: exit code 1)
        ├── Interrupted            a signal asked the run to stop     (exit code 128 + signal)
        ├── NonFiniteError         logits that are NaN or infinite
        └── CheckpointError        a checkpoint that cannot be read or does not fit

    CompleteLabelsWarning          labels that look as if 0 meant 'not annotated'
"""

import signal
from collections.abc import Iterable
from difflib import get_close_matches


class LargelossError(Exception):
    """Base of all errors that largeloss raises on purpose."""


class InputError(LargelossError, ValueError):
    """The caller's input is wrong; nothing was changed."""


class LabelError(InputError):
    """A label file, label table or label value is wrong."""


class DataError(InputError):
    """A folder, an image or a feature file is wrong or missing."""


class ConfigError(InputError):
    """A setting is wrong, or settings do not go together."""


class ScheduleError(InputError):
    """A loss with a schedule was used before ``set_epoch``."""


class RunError(LargelossError, RuntimeError):
    """Work had begun and could not go on."""


class Interrupted(RunError):
    """A signal asked to stop; the message says what is kept."""

    def __init__(
        self,
        number: int,
        kept: str = "The last step is saved; continue with --resume, in Python with resume=True "
        "(compare and reproduce: with the same command).",
    ) -> None:
        self.number = number
        super().__init__(f"Stopped by {signal.Signals(number).name}. {kept}")


class NonFiniteError(RunError):
    """Logits are NaN or infinite; the message names the step and the rows."""

    def __init__(self, message: str, rows: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.rows = rows


class CheckpointError(RunError):
    """A checkpoint cannot be read, or does not fit this run."""


class CompleteLabelsWarning(UserWarning):
    """A method for partial labels was given a batch without a single unobserved entry."""


def meant(name: str, known: Iterable[str]) -> str:
    """What may have been meant by an unknown name, as the end of a sentence.

    The nearest of the ``known`` names, whatever its case and dashes, or all of them.
    """
    names = {_letters(one): one for one in known}
    near = get_close_matches(_letters(name), names, n=1)
    return (
        f"did you mean {names[near[0]]!r}?" if near else f"there are {', '.join(names.values())}."
    )


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "-_. ")
