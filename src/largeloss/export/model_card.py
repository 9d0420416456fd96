"""README.md of a model that is given away: its data, its figures, its limits."""

import re
from collections.abc import Iterator
from typing import Any

from largeloss.config import RunConfig
from largeloss.losses import find_method
from largeloss.runs.load import TrainedClassifier
from largeloss.runs.mean_over_classes import unmeasurable
from largeloss.runs.result import RunResult
from largeloss.runs.tag_rules import shares_on_test
from largeloss.terminal import visible
from largeloss.training.evaluation import RULES


def model_card(name: str, model: TrainedClassifier, settings: RunConfig, result: RunResult) -> str:
    """Markdown. Names of classes and data are written so that they are shown as they are.

    Args:
        name: Of the folder.
        model: As it is given away.
        settings: It was trained with.
        result: Of its run.
    """
    parts = (
        _head(name, model, result),
        _use(model),
        _data(settings, result),
        _figures(model, result),
        _limits(model, settings, result),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(name: str, model: TrainedClassifier, result: RunResult) -> Iterator[str]:
    images = len(model.sample_shape) == 3
    yield "---"
    yield "library_name: largeloss"
    if images:
        yield "pipeline_tag: image-classification"
    yield "tags:\n- multi-label\n- partial-labels"
    yield "---\n"
    yield f"# {plain(name)}\n"
    method = find_method(result.method)
    inputs = (
        f"images of {model.sample_shape[1]} × {model.sample_shape[2]} pixels"
        if images
        else f"features of {model.sample_shape[0]} dimensions"
    )
    backbone = model.saved["architecture"]["backbone"]
    over = f", on the backbone {plain(backbone)}" if images else ""
    yield (
        f"A multi-label classifier of {len(model.classes)} classes for {inputs}{over}, trained "
        f"with {method.title} ({plain(method.paper)}) by largeloss.\n"
    )


def _use(model: TrainedClassifier) -> Iterator[str]:
    what = "images/" if len(model.sample_shape) == 3 else "features.safetensors"
    yield "## Use\n"
    yield "```python\nimport largeloss\n"
    yield f'for prediction in largeloss.load("THIS-FOLDER").predict("{what}"):'
    yield "    print(prediction.image, prediction.tags, prediction.scores)\n```\n"


def _data(settings: RunConfig, result: RunResult) -> Iterator[str]:
    path = settings.data.path
    sizes = ", ".join(f"{count:,} {split}" for split, count in sorted(result.num_images.items()))
    counts = list(result.train_counts.values())
    columns = list(zip(*(line[:3] for line in counts), strict=True))
    present, absent, unobserved = map(sum, columns)
    yield "## Data and labels\n"
    yield f"Trained on {plain(path.name) if path else 'digit scenes'}: {sizes} (images by split)."
    yield (
        f"Training entries (image × class): {present:,} present, {absent:,} absent, "
        f"{unobserved:,} unobserved: nobody said."
    )
    if settings.data.observe:
        yield f"Labels of train and val were hidden for study (`{settings.data.observe}`)."
    method = find_method(result.method)
    if method.trains_on_complete_labels:
        yield "The method was trained on complete labels."
    yield f"Training began from: {plain(result.start_weights)}.\n"


def _figures(model: TrainedClassifier, result: RunResult) -> Iterator[str]:
    nothing, split = result.test_rule == "nothing", result.test_split
    yield "## Figures\n"
    if nothing:
        yield f"{split.capitalize()} was not measured: all of its labels are blank.\n"
    else:
        mean, interval = result.test_mean, ""
        if result.test_map_interval is not None:
            interval = " Its 95 % bootstrap interval over the images: {:.1f} to {:.1f} %.".format(
                *result.test_map_interval
            )
        rule = RULES[result.test_rule]
        yield (
            f"{split.capitalize()} mAP {mean.lead:.1f} %, by {rule}. {mean.remark or ''}".rstrip()
            + interval
        )
    chosen_for: dict[str, Any] = model.saved.get("chosen_for") or {
        "aim": "f1",
        "test_classes": None,
    }
    aim, by_class = chosen_for["aim"], chosen_for["test_classes"]
    precision, recall = shares_on_test(model.saved, result)
    found = (
        f": of those on {split} {_percent(precision)} are right, and {_percent(recall)} of those "
        "that are true are found"
        if precision is not None
        else f": no entry of {split} is tagged"
    )
    yield f"Tags, by thresholds chosen on val for {aim}{'' if nothing else found}.\n"
    more = () if by_class is None else ("Precision", "Recall")
    titles = ("Class", f"{split.capitalize()} images with it", "AP", "Threshold", *more)
    yield "| " + " | ".join(titles) + " |"
    yield "| :-- |" + " --: |" * (len(titles) - 1)
    for name, limit in model.thresholds.items():
        present, *_ = result.test_counts[name]
        why = unmeasurable(result.test_counts[name], result.test_rule)
        measured = f"not measurable: {why}" if why else _percent(result.test_ap[name])
        threshold = "never tagged" if limit is None else f"{limit:.3f}"
        shares = () if by_class is None else tuple(by_class[name].values())[:2]
        cells = (plain(name), f"{present:,}", measured, threshold, *map(_percent, shares))
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _limits(model: TrainedClassifier, settings: RunConfig, result: RunResult) -> Iterator[str]:
    yield "## Limits\n"
    split = result.test_split
    if split == "val" and result.test_rule != "nothing":
        chosen = "the epoch and the thresholds" if result.chosen_on_val else "the thresholds"
        yield (
            f"- There was no test split: the images of val also chose {chosen}, so that the "
            "figures are higher than on other images."
        )
    if model.calibration is None:
        yield ("- Scores are not calibrated: they rank images, and are no shares of present ones.")
    else:
        yield f"- Scores are calibrated on val, by {RULES[result.val_rule]}."
    if result.test_rule == "nothing":
        yield f"- {split.capitalize()} labels are blank: nothing says how good the model is."
    elif result.test_rule != "full":
        rule = RULES[result.test_rule]
        yield f"- {split.capitalize()} labels are incomplete. The figures are measured by {rule}."
    for why, names in model.never_tagged.items():
        yield f"- Never tagged, since {why}: {', '.join(map(plain, names))}."
    few = [name for name, rule in model.tag_rules.items() if rule.positives < 5]
    if few:
        yield (
            f"- Fewer than 5 val positives, so that thresholds rest on other classes: "
            f"{', '.join(map(plain, few))}."
        )
    unobserved = sum(counts[2] for counts in result.train_counts.values())
    if unobserved and not find_method(settings.method.name).trains_on_complete_labels:
        yield "- Trained on incomplete labels: what nobody tagged may be missed more often."
    if result.test_rule != "nothing":
        yield f"- Figures hold for images like those of {split}; others were not measured."


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def plain(text: str) -> str:
    """``text`` in Markdown that shows it and does nothing else: no link, no HTML, no new cell."""
    return re.sub(r"[^\w ,.:-]|_", lambda found: f"&#{ord(found[0])};", visible(text))
