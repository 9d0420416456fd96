"""Self-training: other models add the tags that they are sure of, and the run's model learns them.

A model that was shown missing tags as absent has learnt some of the mistake. Teachers, trained by
the run's method on the labels as they are, vote on the unobserved training entries; the student,
which the run keeps, starts again with the tags that they have added. How many are still missing,
the sum of their probabilities says better than any estimate in one training: the student's Δ, where
it is to choose itself, follows it.
"""

import json
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss import distributed
from largeloss.data.dataset import Rows
from largeloss.errors import LabelError, RunError
from largeloss.files import known_fields
from largeloss.labels import LabelEdits, LabelTable, apply_edits, write_edits
from largeloss.labels.edits import read_edits_and_notes
from largeloss.runs.assemble import Assembled, make_loss, make_model
from largeloss.runs.missing import own_settings
from largeloss.runs.phases import best_model
from largeloss.runs.sure_limit import SureLimit, sure_limit
from largeloss.training.checkpoint_file import load_state
from largeloss.training.engine import score
from largeloss.training.evaluation import evaluation_loader
from largeloss.training.fingerprints import compare
from largeloss.training.fit import Phase, fit
from largeloss.training.listener import Listener
from largeloss.training.recipe import seed_of
from largeloss.training.run_folder import TEACHER, RunFolder
from largeloss.training.signals import StopRequests
from largeloss.training.wall_time import WallTime

AUTHOR = "teachers"
"""Of the label edits."""
MISSING = "expected_missing_percent"
"""The note in the file of label edits; :class:`Teaching` says of what."""
CONTENT = "content"
"""In a teacher's result: what it was trained on, as checkpoints have it."""
LIMIT = "limit"
"""A further note there: the fields of :class:`.SureLimit`, in their order."""


@dataclass(frozen=True)
class Teacher:
    """A teacher that is trained, as the result tells of it."""

    val_map: float | None
    """In percent, of its best epoch; None where val has no labels."""
    best_epoch: int
    seconds: float
    val_log_rank: float | None = None
    """In percent, of its best epoch, where that chooses; None elsewhere."""

    @property
    def figure(self) -> float | None:
        """What its epoch was chosen by."""
        return self.val_map if self.val_log_rank is None else self.val_log_rank


@dataclass(frozen=True)
class Teaching:
    """What the teachers have said of the unobserved training entries."""

    teachers: tuple[Teacher, ...]
    added: int
    """Unobserved entries that became present."""
    missing: float | None
    """Percent of the entries left unobserved that are present, as the teachers expect or as
    somebody has counted; None where nothing follows it: it can be trusted of methods alone that
    choose Δ by it."""
    limit: SureLimit
    """From which probability on they were believed."""
    counted: bool = False
    """Whether ``missing`` is what somebody has counted, less what was added."""

    @property
    def seconds(self) -> float:
        """Of all teachers."""
        return sum(teacher.seconds for teacher in self.teachers)

    def __str__(self) -> str:
        figures = [one.figure for one in self.teachers]
        told = ", ".join(f"{figure:.1f}" for figure in figures if figure is not None)
        name = "mAP" if any(one.val_log_rank is None for one in self.teachers) else "log rank"
        one = len(self.teachers) == 1
        text = (
            f"{'One teacher' if one else f'{len(self.teachers)} teachers'}"
            f"{f' (val {name} {told})' if told else ''} took "
        )
        if self.added:
            text += (
                f"{self.added:,} unobserved training entries for present; the model learnt from "
                f"them, too. 'largeloss labels log' lists them. {self.limit}"
            )
        else:
            text += f"no unobserved training entry for present. {self.limit}"
        if self.missing is not None and not self.counted:
            text += (
                f" Of the rest, {'it expects' if one else 'they expect'} {self.missing:.1f} % to "
                "be missing tags."
            )
        return text


def taught(
    phase: Phase,
    run: Assembled,
    device: torch.device,
    listener: Listener,
    requests: StopRequests,
    wall: WallTime,
) -> tuple[Phase, Teaching]:
    """The student's phase, after the teachers were trained; what is finished is read.

    The tags added are in the run's ``corrections.parquet``, with the teachers' mean probability.

    Source: Xie et al., CVPR 2020: a student starts again on confident predictions. Here these are
        the mean of several teachers', tags alone, and learnt by a method for missing tags.

    Raises:
        RunError: the run was stopped, or failed; the teachers' tags cannot be read; or a teacher
            was trained on other inputs, labels or start weights.
    """
    teachers = tuple(
        _trained(phase, run, place, device, listener, requests, wall)
        for place in range(run.settings.training.teachers or 0)
    )
    path, labels = phase.run.corrections_file, phase.data.labels
    if not distributed.from_main(path.is_file()):
        train, val = (_votes(phase, run, split, device) for split in ("train", "val"))
        if distributed.rank() == 0:
            limit = sure_limit(val, phase.evaluators.val, labels.select(phase.data.rows("train")))
            write_votes(path, labels, phase.data.rows("train"), train, limit)
        distributed.barrier()
    try:
        edits, notes = added_tags(path)
        table, expected = apply_edits(labels, edits), float(notes[MISSING])
        limit = SureLimit(*json.loads(notes[LIMIT]))
    except (LabelError, LookupError, TypeError, ValueError) as error:
        raise RunError(f"The tags of the teachers in {path} cannot be used: {error}") from None
    data, method = replace(phase.data, labels=table), run.settings.method
    missing, source = None, "as the teachers expect"
    counted = method.missing is not None
    if method.delta_rel == "auto":
        missing = expected
        if counted:  # less what was added
            missing = _left(own_settings(method).values["missing"], labels, phase, len(edits))
            source = "as told, less what the teachers have added"
        method = method.model_copy(update={"missing": missing})
    # ROLE draws its table: the same whether teachers were trained in this process or before
    torch.manual_seed(phase.recipe.seed)
    criterion, _ = make_loss(method, data, run.settings.training.balance)
    if criterion.auto is not None:
        criterion.auto.source = source
    content = {**phase.content, "tags of the teachers": table.fingerprint}
    teaching = Teaching(teachers, len(edits), missing, limit, counted)
    listener.remark(str(teaching))
    return replace(phase, data=data, criterion=criterion, content=content), teaching


def _left(given: float, labels: LabelTable, phase: Phase, added: int) -> float:
    """Percent of the entries still unobserved that are present, if ``given`` percent were before
    and what was ``added`` is right."""
    chosen = labels.select(phase.data.rows("train"))
    unobserved = chosen.num_images * chosen.num_classes - chosen.num_observed
    left = unobserved - added
    return max(0.0, given * unobserved - 100 * added) / left if left else 0.0


def added_tags(path: Path) -> tuple[LabelEdits, dict[str, str]]:
    """The teachers' label edits in a run's ``corrections.parquet``, and the notes in that file;
    none where there is no file.

    Raises:
        LabelError: it cannot be read.
    """
    if not path.is_file():
        return LabelEdits.concatenated([]), {}
    edits, notes = read_edits_and_notes(path)
    return edits.select(edits.author == AUTHOR), notes


def write_votes(
    path: Path,
    labels: LabelTable,
    rows: Rows,
    probabilities: NDArray[np.floating],
    limit: SureLimit,
) -> None:
    """Writes the unobserved entries of images ``rows`` (n,) that become present, as label edits;
    and how many others the teachers expect to be, as a note.

    ``probabilities`` are (n, C), of being present; the ``limit`` is noted, too.
    """
    unobserved = labels.lookup(rows) == -1
    sure = unobserved & (
        probabilities >= (np.inf if limit.probability is None else limit.probability)
    )
    unsure = probabilities[unobserved & ~sure]
    places, columns = np.nonzero(sure)
    edits = LabelEdits.of(
        images=labels.images,
        classes=labels.classes,
        rows=rows[places],
        columns=columns,
        before=-1,
        after=1,
        score=probabilities[places, columns],
        author=AUTHOR,
        reason="probable by their mean",
    )
    missing = 100 * float(unsure.mean(dtype=np.float64)) if unsure.size else 0.0
    notes = {MISSING: repr(missing), LIMIT: json.dumps(astuple(limit))}
    write_edits(path, edits, notes)


def _trained(
    phase: Phase,
    run: Assembled,
    place: int,
    device: torch.device,
    listener: Listener,
    requests: StopRequests,
    wall: WallTime,
) -> Teacher:
    """A teacher that is trained, now or before: then on what this run has."""
    folder = _folder(phase, place)
    if not distributed.from_main(folder.finished):
        number = run.settings.training.teachers
        listener.message(f"Teacher {place + 1} of {number}:")
        seed = seed_of(phase.recipe.seed, place + 1)
        torch.manual_seed(seed)
        model, *_ = make_model(run.settings, run.dataset)
        criterion, _ = make_loss(run.settings.method, run.dataset, run.settings.training.balance)
        teacher = replace(
            phase,
            model=model.to(device),
            criterion=criterion,
            recipe=replace(phase.recipe, seed=seed),
            run=folder,
        )
        resume = distributed.from_main(folder.begun)
        with requests.listening():
            outcome = fit(
                teacher, device, resume=resume, listener=listener, requests=requests, wall=wall
            )
        if distributed.rank() == 0:
            found = Teacher(
                outcome.best_val_map, outcome.best_epoch, outcome.seconds, outcome.best_val_log_rank
            )
            more = {CONTENT: dict(phase.content), "wall_seconds": wall.seconds}
            folder.finish(asdict(found) | more)
        distributed.barrier()
        return Teacher(**known_fields(Teacher, folder.result()))
    listener.skipped(phase.recipe.epochs)
    result = folder.result()
    # teachers of earlier versions have it in their checkpoint alone
    compare(
        result.get(CONTENT) or load_state(folder.state_file)["content"],
        phase.content,
        str(folder.path),
    )
    wall.before = result.get("wall_seconds", 0.0)
    return Teacher(**known_fields(Teacher, result))


def _votes(phase: Phase, run: Assembled, split: str, device: torch.device) -> NDArray[np.float32]:
    """(n, C): the teachers' mean probabilities, each of its best epoch, for a split; collective."""
    loader = evaluation_loader(phase.data, split, phase.recipe, device)
    votes = []
    for place in range(run.settings.training.teachers or 0):
        model, *_ = make_model(run.settings, run.dataset)
        teacher = replace(phase, model=model.to(device), run=_folder(phase, place))
        votes.append(score(best_model(teacher), loader).logits.sigmoid_())
    mean: NDArray[np.float32] = torch.stack(votes).mean(0).numpy()
    return mean


def _folder(phase: Phase, place: int) -> RunFolder:
    return RunFolder(phase.run.path / f"{TEACHER}-{place}")
