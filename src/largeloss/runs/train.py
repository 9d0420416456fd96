"""One run, from settings to a finished run folder."""

import time
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.labels import LabelEdits, write_edits
from largeloss.runs.assemble import Assembled, assemble
from largeloss.runs.data import RunData
from largeloss.runs.mean_over_classes import count_of_classes
from largeloss.runs.phases import (
    best_model,
    head_on_features,
    scores,
    train_head_first,
    whole_model,
)
from largeloss.runs.result import RunResult, environment
from largeloss.runs.settings import resolved
from largeloss.runs.settings_checks import needed_teachers
from largeloss.runs.tag_rules import logit_thresholds, saved_rules, tag_rules
from largeloss.runs.teachers import Teaching, added_tags, taught
from largeloss.runs.training_labels import training_counts
from largeloss.training.description import TagRule
from largeloss.training.determinism import repeatable
from largeloss.training.fit import Outcome, Phase, fit
from largeloss.training.listener import Listener
from largeloss.training.run_folder import RunFolder
from largeloss.training.shared_folder import check_shared
from largeloss.training.signals import StopRequests
from largeloss.training.start import start
from largeloss.training.wall_time import WallTime
from largeloss.training.weights import load_config, save_config
from largeloss.watch import if_interrupted


def train(
    settings: RunConfig,
    out: Path,
    *,
    resume: bool = False,
    data: RunData | None = None,
    listener: Listener | None = None,
    introduce: bool = True,
) -> RunResult:
    """Trains, measures test with the best and with the last weights, writes the run folder.

    Args:
        settings: All settings.
        out: The run folder.
        resume: Continue what is there; a finished run is only read.
        data: Where it was read already; then the labels decide no more what the method 'auto' is.
        listener: Is told how it goes on.
        introduce: Whether the listener is told of data and remarks before training begins.

    Raises:
        InputError: wrong settings, data or labels; nothing was trained.
        RunError: the run was stopped, or failed.
    """
    folder = RunFolder(out)
    if resume and folder.finished:
        return RunResult.read(out)
    wall = WallTime()
    device = start()
    main = distributed.rank() == 0
    listener = listener if listener is not None and main else Listener()
    if main and not resume:
        folder.check_free()
    continuing = resume and distributed.from_main(folder.begun)
    with if_interrupted("Nothing was trained in this call; give the same command again."):
        run = assemble(settings, data, begins=not resume)
    with folder if main else nullcontext(), repeatable(), closing(listener):
        if main and not resume:
            folder.begin(run.settings.plain())
        distributed.barrier()
        check_shared(folder.config_file)
        listener.begin()
        before, now = (one.training.teachers or 0 for one in (resolved(settings), run.settings))
        listener.skipped((before - now) * run.recipe.epochs)  # by what the labels made of 'auto'
        if introduce:
            _introduce(run, listener)
        requests = StopRequests()
        phase, head = whole_model(run, folder, device), {}
        if run.settings.training.protocol == "linear":
            phase = head_on_features(phase, run.settings, listener)
        elif run.settings.training.protocol == "linear-init":
            head = train_head_first(phase, run, device, listener, requests, wall, continuing)
        teaching = None
        if needed_teachers(run.settings, run.dataset):
            phase, teaching = taught(phase, run, device, listener, requests, wall)
        else:
            listener.skipped((run.settings.training.teachers or 0) * phase.recipe.epochs)
        with requests.listening():
            outcome = fit(
                phase,
                device,
                resume=continuing,
                listener=listener,
                requests=requests,
                wall=wall,
            )
        with if_interrupted("Training is over and kept; --resume measures and ends the run."):
            result, rules = _measured(run, phase, outcome, head, teaching, wall)
        if main:
            _write_corrections(phase)
            more = {"thresholds": saved_rules(rules), "val_rule": run.evaluators.val.rule}
            save_config(folder.best, load_config(folder.best) | more)
            folder.finish(asdict(result))
        distributed.barrier()
    return result


def _introduce(run: Assembled, listener: Listener) -> None:
    """The data in one line, and every remark."""
    dataset = run.dataset
    train = dataset.labels.select(dataset.rows("train"))
    present, absent, unobserved = (int(states.sum()) for states in train.counts())
    sizes = ", ".join(f"{len(rows)} {name}" for name, rows in sorted(dataset.splits.items()))
    listener.message(
        f"{dataset.name}: {sizes}; {count_of_classes(dataset.labels.num_classes)}; training "
        f"entries: {present} present, {absent} absent, {unobserved} unobserved."
    )
    for text in run.remarks:
        listener.remark(text)


def _measured(
    run: Assembled,
    phase: Phase,
    outcome: Outcome,
    head: dict[str, Any],
    teaching: Teaching | None,
    wall: WallTime,
) -> tuple[RunResult, dict[str, TagRule]]:
    """The result, and from which probability on each class is tagged; collective."""
    began = time.perf_counter()
    val, test = run.evaluators.val, run.evaluators.test
    last = test.measure(scores(phase, phase.model, "test", test))
    best = best_model(phase)
    best_scores = scores(phase, best, "test", test)
    measured = test.measure(best_scores)
    val_scores = scores(phase, best, "val", val)
    rules = tag_rules(run.dataset, val, val_scores).rules
    limits = logit_thresholds(rules)
    f1, tags = test.f1(best_scores, limits), test.tag_counts(best_scores, limits)
    test_interval, val_interval = (
        test.interval(best_scores, test.deciding),
        val.interval(val_scores),
    )
    now = time.perf_counter()
    classes, edits = run.dataset.labels.classes, phase.criterion.edits
    found = phase.criterion.finding()
    result = RunResult(
        method=run.settings.method.name,
        delta_rel=run.settings.method.delta_rel,
        seed=run.recipe.seed,
        test_map=measured.value,
        test_map_measurable=measured.measurable,
        last_test_map=last.value,
        last_test_map_measurable=last.measurable,
        best_epoch=outcome.best_epoch,
        chosen_on_val=not run.recipe.keep_last,
        stop_reason=outcome.stop_reason,
        seconds=head.get("seconds", 0.0)
        + (0.0 if teaching is None else teaching.seconds)
        + outcome.seconds
        + now
        - began,
        wall_seconds=wall.seconds,
        val_map=outcome.best_val_map,
        val_log_rank=outcome.best_val_log_rank,
        test_map_interval=None if test_interval is None else list(test_interval),
        val_map_interval=None if val_interval is None else list(val_interval),
        val_counts=val.counts(classes),
        val_rule=val.rule,
        test_rule=test.rule,
        test_example_ap=test.by_example(best_scores),
        test_classes_without_positives=measured.num_absent,
        test_classes_without_negatives=measured.num_without_negatives,
        test_ap=dict(zip(classes, measured.per_class.tolist(), strict=True)),
        test_counts=test.counts(classes),
        test_tag_precision=f1.overall_precision if tags.predicted.any() else None,
        test_tag_recall=f1.overall_recall,
        num_images={name: len(rows) for name, rows in run.dataset.splits.items()},
        train_counts=training_counts(run.data, run.dataset),
        expected_positives=getattr(phase.criterion, "expected_positives", None),
        estimated={} if found is None else found.figures,
        notes=[
            *run.remarks,
            *([] if teaching is None else [str(teaching)]),
            *outcome.resumed,
            *([] if found is None else [found.text]),
        ],
        num_corrections=(0 if edits is None else len(edits.committed))
        + (0 if teaching is None else teaching.added),
        protocol=run.settings.training.protocol,
        head=head,
        teaching={} if teaching is None else asdict(teaching),
        start_weights=run.model_config["start_weights"],
        environment=environment(),
        fingerprints=dict(phase.content),
    )
    return result, rules


def _write_corrections(phase: Phase) -> None:
    """The label edits of a method that makes them, after those of teachers."""
    criterion, labels, file = phase.criterion, phase.data.labels, phase.run.corrections_file
    if criterion.edits is None or criterion.action is None:
        return
    edits = criterion.edits.committed
    records = LabelEdits.of(
        images=labels.images,
        classes=labels.classes,
        rows=edits.rows.numpy(),
        columns=edits.columns.numpy(),
        before=-1,
        after=edits.states.numpy(),
        epoch=edits.epochs.numpy(),
        loss=edits.losses.numpy(),
        author=criterion.name,
        reason=criterion.action.reason,
    )
    added, notes = added_tags(file)
    write_edits(file, LabelEdits.concatenated([added, records]), notes)
