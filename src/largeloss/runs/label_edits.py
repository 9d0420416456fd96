"""The label edits of a run: corrections of its method, answers of its reviewers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from largeloss.data.folder.dataset_json import DESCRIPTION
from largeloss.data.folder.place import find_label_file
from largeloss.errors import ConfigError, LabelError, meant
from largeloss.labels import ABSENT, PRESENT, LabelEdits, read_edits
from largeloss.labels.answers import ANSWERS, Answer, Flag, standing_answers, standing_flags
from largeloss.labels.edit_fit import REVIEWERS, written_by
from largeloss.labels.edited_copies import Applied, apply_to_copy, check_target
from largeloss.labels.files.header import header_of
from largeloss.labels.files.raw import read_header
from largeloss.training.run_folder import RunFolder, is_run

_STATES = {"yes": PRESENT, "no": ABSENT}  # unsure is no edit


@dataclass(frozen=True)
class EditSource:
    """Label edits of a run, or of a file of edits, and where they belong."""

    edits: LabelEdits
    """Of the method first, then of people, in the order in which they were made."""
    flags: tuple[Flag, ...] = ()
    """Images that reviewers want looked at."""
    unsure: int = 0
    """Answers that change nothing."""
    label_file: Path | None = None
    """That the run was trained with; None for a file of edits, and for the digit scenes."""
    unlisted: str | None = None
    """As the run was told."""
    is_run: bool = False

    def by(self, authors: tuple[str, ...]) -> LabelEdits:
        """The edits of some authors, as of :func:`.written_by`.

        Raises:
            LabelError: one of them has made none.
        """
        chosen = np.zeros(len(self.edits), dtype=bool)
        for author in authors:
            own = written_by(self.edits, author)
            if not own.any():
                known = sorted(set(self.edits.author.tolist()))
                there_are = f"there are edits of {', '.join(known)}" if known else "there are none"
                raise LabelError(f"There are no edits of {author!r}; {there_are}.")
            chosen |= own
        return self.edits.select(chosen)

    def of_class(self, name: str, edits: LabelEdits) -> LabelEdits:
        """Those of ``edits`` on one class.

        Raises:
            LabelError: there are none.
        """
        if name not in edits.classes:
            raise LabelError(
                f"There are no edits of the class {name!r}; {meant(name, edits.classes)}"
            )
        return edits.select(edits.columns == edits.classes.index(name))


def read_source(source: Path) -> EditSource:
    """The edits of a run folder, or of a Parquet file of label edits.

    Raises:
        ConfigError: neither, or a data folder.
        LabelError, RunError: a file is damaged.
    """
    if not source.is_dir():
        if not source.exists():
            raise ConfigError(
                f"There is no {source}. Name a run folder, or a Parquet file of label edits."
            )
        return EditSource(read_edits(source))
    if not is_run(source):
        is_data = any((source / name).is_file() for name in (DESCRIPTION, "labels.csv"))
        raise ConfigError(
            f"{source} {'is a data folder' if is_data else 'holds no run'}. Label edits are in a "
            "run folder, or in a Parquet file."
        )
    folder = RunFolder(source)
    from largeloss.runs.data import check_there
    from largeloss.runs.settings import saved_settings  # brings torch, which files do without

    settings = saved_settings(source)
    parts = []
    if folder.corrections_file.is_file():
        folder.check(folder.corrections_file)
        parts.append(read_edits(folder.corrections_file))
    journal, answers, flags = source / ANSWERS, list[Answer](), list[Flag]()
    if journal.exists():
        answers, flags = standing_answers(journal), standing_flags(journal)
        parts.append(edits_of_answers(answers))
    data = settings.data
    if data.labels is None:
        check_there(settings)
    own = data.labels or (None if data.path is None else find_label_file(data.path))
    unsure = sum(answer.answer not in _STATES for answer in answers)
    edits = LabelEdits.concatenated(parts)
    return EditSource(edits, tuple(flags), unsure, own, data.unlisted, is_run=True)


def edits_to_undo(source: Path, author: str | None) -> LabelEdits:
    """Of a run what :func:`apply` takes by itself, and ``author``'s; of a file all of its edits.

    A copy that holds no correction of the run's method must not be given one by an undo.

    Raises:
        ConfigError, LabelError, RunError: as :func:`read_source`.
    """
    found = read_source(source)
    if not found.is_run:
        return found.edits
    own = written_by(found.edits, REVIEWERS)
    return found.edits.select(own if author is None else own | written_by(found.edits, author))


def edits_of_answers(answers: list[Answer]) -> LabelEdits:
    """Yes makes an entry present, no absent; unsure changes nothing."""
    told = [answer for answer in answers if answer.answer in _STATES]
    return LabelEdits.named(
        [answer.image for answer in told],
        [answer.class_name for answer in told],
        before=np.array([answer.before for answer in told], dtype=np.int8),
        after=np.array([_STATES[answer.answer] for answer in told], dtype=np.int8),
        score=np.array([answer.score for answer in told], dtype=np.float32),
        author=[f"{REVIEWERS}:{answer.reviewer}" for answer in told],
        time=[answer.time for answer in told],
        reason=[f"review ({answer.mode})" for answer in told],
    )


def apply(
    source: EditSource,
    out: Path,
    *,
    labels: Path | None = None,
    authors: tuple[str, ...] = (),
    unlisted: str | None = None,
) -> Applied:
    """Writes a copy of a label file with edits applied, see :func:`.apply_to_copy`.

    Args:
        source: Whose edits.
        out: The copy.
        labels: The label file; by default that of the run.
        authors: Only theirs, as of :meth:`EditSource.by`; by default reviewers', if the source is a
            run, and all of a file's.
        unlisted: For a list of tags; by default as the run was told.

    Raises:
        ConfigError, LabelError, RunError: as :func:`.apply_to_copy`; no label file is known.
    """
    path = labels or source.label_file
    if path is None:
        raise ConfigError("Which label file is to be copied? Say --labels FILE.")
    check_target(path, out)
    if not len(source.edits):
        raise LabelError("There are no label edits: nothing was reviewed, corrected or imported.")
    if source.is_run and not authors and not written_by(source.edits, REVIEWERS).any():
        others = ", ".join(f"--from {name}" for name in sorted(set(source.edits.author.tolist())))
        raise LabelError(f"No reviewer has answered yes or no. Other edits are taken by {others}.")
    chosen = authors or ((REVIEWERS,) if source.is_run else ())
    edits = source.by(chosen) if chosen else source.edits
    if unlisted is None and header_of(read_header(path)).layout == "list":
        unlisted = source.unlisted
    return apply_to_copy(path, edits, out, unlisted=unlisted)
