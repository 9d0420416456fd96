"""Where our runs of a published table deviate from the published experiment."""

from collections.abc import Iterator
from pathlib import Path

from largeloss.config import RunConfig, make_config
from largeloss.experiments.finished import Group
from largeloss.experiments.reproduction import FilledTable
from largeloss.presets import presets
from largeloss.runs.settings import resolved, saved_settings
from largeloss.training.evaluation import RULES

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
                texts = [*_of_settings(group, method, saved_settings(run.path))]
                texts.append(f"training started from weights {run.result.get('start_weights')}.")
                rule = run.result.get("test_rule")
                if layout.table.file == "result.json" and rule in RULES and rule != "full":
                    texts.append(f"test was measured by {RULES[rule]}.")
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
