"""Where our runs of a published table deviate from the published experiment."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from largeloss.config import RunConfig, make_config
from largeloss.experiments.finished import FinishedRun, Group
from largeloss.experiments.published import SIZES, PublishedTable
from largeloss.experiments.reproduction import FilledTable
from largeloss.presets import presets
from largeloss.runs.settings import resolved, saved_settings
from largeloss.training.evaluation import RULES
from largeloss.training.run_folder import RESULT

_SIZES = {
    "train": "images for training",
    "val": "images for val",
    "test": "images for test",
    "classes": "classes",
}
OWN = {
    "data.path", "data.cache", "data.bad_images", "data.follow_symlinks", "model.weights",
    "model.pretrained", "training.seed", "training.workers", "training.track_test",
}  # fmt: skip
"""Settings in which a run may differ from its preset without being another experiment."""


def deviations(layout: FilledTable, runs: Path) -> list[str]:
    """Where our runs deviate from the published experiment, in sentences.

    Raises:
        ConfigError: a run without its settings.
    """
    said: dict[tuple[Group, str], dict[str, None]] = {}
    for group in layout.groups:
        for method in layout.methods:
            for run in group.finished(runs, method):
                settings = saved_settings(run.path)
                texts = [
                    *_of_data(group, run),
                    *_of_settings(group, method, settings),
                    f"training started from weights {run.result.get('start_weights')}.",
                    *_of_measurement(layout.table, run, settings),
                ]
                for text in texts:
                    said.setdefault((group, text), {})[method] = None
    return [f"{group.name}, {', '.join(own)}: {text}" for (group, text), own in said.items()]


def _of_settings(group: Group, method: str, config: RunConfig) -> Iterator[str]:
    known = presets().get(f"{group.collection}/{method}")
    if known is None:
        yield "there is no preset, so nothing was published to compare the settings with."
        return
    head = () if group.protocol == "linear-init" else ("training.head_",)
    published = resolved(make_config([known.settings, {"training": {"protocol": group.protocol}}]))
    different = [
        text
        for text in config.differences(published)
        if text.partition(":")[0] not in OWN and not text.startswith(head)
    ]
    if different:
        yield f"other settings than the preset's (ours → preset): {'; '.join(different)}."


def _of_data(group: Group, run: FinishedRun) -> Iterator[str]:
    """The sizes of the run's data, if they are not those of the collection."""
    images, classes = run.result.get("num_images", {}), len(run.result.get("test_ap", ()))
    published = SIZES[group.collection]
    ours = {"train": images.get("train", 0), "val": images.get("val", 0)}
    if "val" not in published:
        ours = {"train": sum(ours.values())}  # val is taken out of train
    ours |= {"test": images.get("test", 0), "classes": classes}
    different = [
        f"{ours[name]:,} {_SIZES[name]} → {size:,}"
        for name, size in published.items()
        if ours[name] != size
    ]
    if different:
        yield f"another data set than the published (ours → published: {'; '.join(different)})."


def _of_measurement(table: PublishedTable, run: FinishedRun, settings: RunConfig) -> Iterator[str]:
    """How our values were measured, if not as the published ones."""
    content = run.content(table.file)
    if content is None:
        return
    if table.file == RESULT:
        rule = content.get("test_rule")
        if rule in RULES and rule != "full":
            yield f"test was measured by {RULES[rule]}."
        return
    own = {
        "method": run.result["method"],
        "data": str(settings.data.path),
        "entries": _num_annotated(run, content),
    }
    wanted = table.measured_with | {name: own[name] for name in table.as_in_run}
    for name, value in wanted.items():
        if name not in content:
            yield f"{table.file} does not say its {name}, which should be {value!r}."
        elif content[name] != value:
            yield f"{table.file} was measured with {name} {content[name]!r} instead of {value!r}."


def _num_annotated(run: FinishedRun, content: Mapping[str, Any]) -> object:
    """Annotated entries of the run's test split; where it counts blanks too, as ``content`` has."""
    if run.result.get("test_rule") == "assume-absent":
        return content.get("entries")
    counts = run.result.get("test_counts", {}).values()
    return sum(present + absent for present, absent, _ in counts)
