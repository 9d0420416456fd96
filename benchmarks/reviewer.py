"""What a reviewer's answers are worth: test mAP after so many, in three orders of the questions.

python benchmarks/reviewer.py fashion|voc-animals --data DATA --cache FOLDER --out FOLDER

A simulated reviewer answers from the truth; after 500, 1,000, 2,000 and 4,000 answers the run of
benchmarks/suggestions.py (same --out, run it first) is trained again on the answered labels, and
what is not answered is ranked again, as ``largeloss suggest`` ranks it: by a regression on the
features of the frozen backbone. Three seeds, which also draw the tags that are kept; the learning
rate is the one that benchmarks/suggestions.py chose, also for complete labels. Prints the table of
docs/reference/results-labels.md and writes reviewer-NAME.svg beside it. No test label chooses
anything.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from suggestions import arguments, chosen_rate, settings_of

from largeloss.config import RunConfig
from largeloss.runs.data import RunData, open_data
from largeloss.runs.ridge import Ridge, Sums
from largeloss.runs.suggestion_files import class_ranks
from largeloss.runs.suggestions import Suggestions
from largeloss.runs.train import train

ANSWERS = (500, 1000, 2000, 4000)
SEEDS = 3
Order = Callable[[Suggestions, int], NDArray[np.int64]]


def best_first(found: Suggestions, seed: int) -> NDArray[np.int64]:
    """As ``largeloss suggest`` ranks them."""
    return np.arange(len(found))


def class_by_class(found: Suggestions, seed: int) -> NDArray[np.int64]:
    """As many of each class, the best of each first."""
    return np.argsort(class_ranks(found.columns), kind="stable")


def at_random(found: Suggestions, seed: int) -> NDArray[np.int64]:
    """In an order that knows nothing."""
    return np.random.default_rng(seed).permutation(len(found))


ORDERS: dict[str, Order] = {
    "best first": best_first,
    "as many of each class": class_by_class,
    "at random": at_random,
}


def main() -> None:
    given = arguments()
    found: dict[str, list[list[int]]] = defaultdict(list)
    maps: dict[str, list[list[float]]] = defaultdict(list)
    full, start = [], []
    rate = chosen_rate(given)
    features = np.load(given.out / f"{given.name}-features.npy").astype(np.float64)
    for seed in range(SEEDS):
        settings = settings_of(given, seed, rate)
        data = open_data(settings)
        complete = RunData(data.reference, data.reference)
        full.append(_map(settings, given.out / f"{given.name}-{seed}-full", complete))
        first = given.out / f"{given.name}-{seed}"
        start.append(_map(settings, first, data))
        for title, order in ORDERS.items():
            answered, tags = data, [0]
            values = [start[-1]]
            for stage, number in enumerate(ANSWERS):
                questions = _suggestions(features, answered)
                chosen = order(questions, seed)[: number - (ANSWERS[stage - 1] if stage else 0)]
                truth = questions.truth[chosen]
                labels = answered.training.labels.replace(
                    questions.rows[chosen], questions.columns[chosen], truth
                )
                answered = RunData(replace(answered.training, labels=labels), data.reference)
                run = given.out / f"{given.name}-{seed}-{title.replace(' ', '-')}-{number}"
                values.append(_map(settings, run, answered))
                tags.append(tags[-1] + int((truth == 1).sum()))
            found[title].append(tags)
            maps[title].append(values)
    _table(found, maps, full)
    _plot(given.name, maps, full)


def _suggestions(features: NDArray[np.float64], data: RunData) -> Suggestions:
    """Of the training images, by their features (N, D)."""
    table, rows = data.training.labels, data.training.rows("train")
    states = table.lookup(rows)
    scores = Ridge.fit(Sums.of(features, (states == 1).astype(np.float64))).scores(features)
    places, columns = np.nonzero(states < 0)
    order = np.lexsort((columns, places, -scores[places, columns]))
    places, columns = places[order], columns[order]
    truth = data.reference.labels.at(rows[places], columns)
    blank = np.full(len(order), -1, np.int8)
    found = rows[places], columns, scores[places, columns], blank, truth
    return Suggestions(table.images, table.classes, *found)


def _map(settings: RunConfig, out: Path, data: RunData) -> float:
    """Test mAP in percent; trained before, it is only read."""
    result = train(settings, out, resume=(out / "config.yaml").exists(), data=data)
    return result.test_map


def _table(
    found: dict[str, list[list[int]]], maps: dict[str, list[list[float]]], full: list[float]
) -> None:
    print("| Answers | " + " | ".join(f"{title}: tags found | test mAP" for title in ORDERS) + " |")
    print("| --: |" + " --: |" * 2 * len(ORDERS))
    for place, number in enumerate((0, *ANSWERS)):
        cells = [f"{number:,}"]
        for title in ORDERS:
            tags = np.array(found[title])[:, place]
            values = np.array(maps[title])[:, place]
            cells += [f"{tags.mean():,.0f}", f"{values.mean():.1f} ± {values.std(ddof=1):.1f}"]
        print(f"| {' | '.join(cells)} |")
    random = np.array(maps["at random"])
    for title in list(ORDERS)[:-1]:
        ahead = (np.array(maps[title]) - random)[:, 1:]
        mean, spread = ahead.mean(0), ahead.std(0, ddof=1)
        texts = (f"{one:+.1f} ± {other:.1f}" for one, other in zip(mean, spread, strict=True))
        print(f"{title}, ahead of random order, paired by seed: {', '.join(texts)}")
    print(f"With complete labels: {np.mean(full):.1f} ± {np.std(full, ddof=1):.1f}")


def _plot(name: str, maps: dict[str, list[list[float]]], full: list[float]) -> None:
    matplotlib.rcParams["svg.hashsalt"] = "largeloss"  # the same file from the same figures
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    plot = figure.subplots()
    for (title, values), style in zip(maps.items(), ("o-", "s--", "^:"), strict=True):
        mean, spread = np.mean(values, 0), np.std(values, 0, ddof=1)
        plot.errorbar((0, *ANSWERS), mean, spread, fmt=style, capsize=3, label=title)
    complete = float(np.mean(full))
    plot.axhline(complete, color="gray", linewidth=1)
    plot.annotate("complete labels", (0, complete), (0, -12), textcoords="offset points")
    plot.set(xlabel="answers of the reviewer", ylabel="test mAP (%)", title=name)
    figure.legend(loc="outside lower center", ncols=3)
    figure.savefig(f"docs/reference/reviewer-{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
