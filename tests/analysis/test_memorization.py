"""The memorisation table and the quality of corrections, against plain loops."""

import numpy as np
import pytest

from largeloss.analysis.corrections import corrections
from largeloss.analysis.memorization import NUM_PARTS, memorization
from largeloss.analysis.recorded import KINDS, RecordedLosses
from largeloss.errors import ConfigError


def written(folder, losses, steps=None, flagged=()):
    """A recording with these losses (E, n, C)."""
    folder = folder / "recorded"
    folder.mkdir()
    np.save(folder / "rows.npy", np.arange(losses.shape[1]))
    for epoch, values in enumerate(losses):
        np.save(folder / f"losses-{epoch:03d}.npy", values.astype(np.float16))
        order = np.arange(len(values)) if steps is None else steps
        np.save(folder / f"steps-{epoch:03d}.npy", order.astype(np.int32))
        pairs = flagged[epoch] if epoch < len(flagged) else []
        np.save(folder / f"flagged-{epoch:03d}.npy", np.array(pairs, dtype=np.int32).reshape(-1, 2))
    return RecordedLosses.read(folder.parent)


def example(seed=0, shape=(4, 30, 5)):
    stream = np.random.default_rng(seed)
    losses = stream.integers(0, 6, shape) / 4  # with ties
    truth = stream.integers(0, 2, shape[1:]).astype(np.int8)
    known = np.where(stream.random(shape[1:]) < 0.4, truth, -1).astype(np.int8)
    return losses, known, truth


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loop(tmp_path, seed, monkeypatch):
    losses, known, truth = example(seed)
    monkeypatch.setattr("largeloss.analysis.recorded._CHUNK", 37)
    found = memorization(written(tmp_path, losses), known, truth)
    for number, kind in enumerate(KINDS):
        chosen = [
            (n, c)
            for n in range(30)
            for c in range(5)
            if (known[n, c], truth[n, c])
            in {"TP": [(1, 1)], "TN": [(-1, 0)], "FN": [(-1, 1)]}[kind]
        ]
        early = [at for at in chosen if int(np.argmax(losses[(slice(None), *at)])) == 0]
        assert found.counts[number] == len(chosen)
        assert found.warmup[number] == pytest.approx(len(early) / len(chosen))
        for epoch in range(4):
            mean = sum(losses[(epoch, *at)] for at in chosen) / len(chosen)
            assert found.curves[number][epoch] == pytest.approx(mean, abs=1e-6)
        for part in range(NUM_PARTS):
            within = [losses[0][at] for at in chosen if at[0] * NUM_PARTS // 30 == part]
            if within:
                assert found.first_epoch[number][part] == pytest.approx(sum(within) / len(within))
    content = found.as_json()
    assert content["FN"]["warm-up"] + content["FN"]["regular"] == pytest.approx(100)


def test_what_cannot_be_measured(tmp_path):
    losses, known, truth = example()
    recorded = written(tmp_path, losses)
    with pytest.raises(ConfigError, match="truth of no unobserved entry is known"):
        memorization(recorded, known, known)
    with pytest.raises(ConfigError, match="data has changed since"):
        memorization(recorded, known[:, :4], truth[:, :4])
    (tmp_path / "one").mkdir()
    with pytest.raises(ConfigError, match="this analysis needs two"):
        memorization(written(tmp_path / "one", losses[:1]), known, truth)


def test_corrections_equal_the_loop(tmp_path):
    losses, known, truth = example()
    stream = np.random.default_rng(1)
    unobserved = np.argwhere(known < 0)
    flagged = [[], *(unobserved[stream.random(len(unobserved)) < 0.3].tolist() for _ in range(3))]
    hidden = truth.copy()
    hidden[:, 4] = -1  # one class has no known truth
    classes = ("a", "b", "c", "d", "e")
    found = corrections(written(tmp_path, losses, flagged=flagged), known, hidden, classes)
    missing = [(n, c) for n, c in unobserved.tolist() if hidden[n, c] == 1]
    for epoch, pairs in enumerate(flagged):
        right = [pair for pair in pairs if tuple(pair) in missing]
        judged = [pair for pair in pairs if hidden[tuple(pair)] >= 0]
        quality = found.epochs[epoch]
        assert quality.flagged == len(pairs)
        assert quality.precision == (len(right) / len(judged) if judged else None)
        assert quality.recall == len(right) / len(missing)
    for column, name in enumerate(classes):
        pairs = [pair for pair in flagged[3] if pair[1] == column]
        right = [pair for pair in pairs if tuple(pair) in missing]
        assert found.classes[name].flagged == len(pairs)
        assert found.classes[name].correct == len(right)
    assert found.classes["e"].precision is None
    assert found.classes["e"].recall is None


def test_a_method_that_flags_nothing(tmp_path):
    losses, known, truth = example()
    with pytest.raises(ConfigError, match="flagged no entry"):
        corrections(written(tmp_path, losses), known, truth, tuple("abcde"))
