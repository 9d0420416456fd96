"""The published tables, and their agreement with each other."""

import pytest

from largeloss.experiments.published import ARTIFICIAL, MEMORIZATION, OPENIMAGES, TABLES
from largeloss.presets import presets


def test_the_tables_by_name():
    assert list(TABLES) == ["artificial", "openimages", "pointing", "memorization"]
    assert all(name == table.name for name, table in TABLES.items())
    assert ARTIFICIAL.protocols == ("end-to-end", "linear-init")
    assert ARTIFICIAL.collections == ("voc2012", "coco2014", "nuswide", "cub")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_cell_has_a_value_a_preset_and_a_source(table):
    known = presets()
    assert table.source
    assert bool(table.made_by) == (table.file != "result.json")
    for values in table.values.values():
        assert len(values) == len(table.columns)
        assert all(0 < value < 100 for value in values)
    for method in table.values:
        for column in table.columns:
            assert f"{column.collection}/{method}" in known
    for bands in table.reruns.values():
        assert len(bands) == len(table.columns)


def cell(table, method, title, block="end-to-end"):
    (column,) = [c for c in table.columns if (c.title, c.block) == (title, block)]
    return table.published(method, column), table.band(method, column)


def test_values_at_the_corners():
    assert cell(ARTIFICIAL, "full", "VOC 2012") == (90.2, None)
    assert cell(ARTIFICIAL, "ll-cp", "CUB", "linear-init") == (21.4, None)
    assert cell(ARTIFICIAL, "ll-r", "COCO 2014") == (71.0, (70.1, 70.7))
    assert cell(ARTIFICIAL, "ll-r", "CUB") == (19.5, (19.0, 19.6))
    assert cell(ARTIFICIAL, "ll-r", "VOC 2012", "linear-init") == (89.4, None)
    assert cell(ARTIFICIAL, "iu", "VOC 2012") == (None, None)
    assert cell(OPENIMAGES, "ll-ct", "G5", "OpenImages V3") == (89.4, None)
    assert cell(MEMORIZATION, "an", "FN regular", "COCO 2014") == (82.7, None)


def test_all_is_the_mean_of_the_groups():
    for values in OPENIMAGES.values.values():
        assert sum(values[:5]) / 5 == pytest.approx(values[5], abs=0.1)  # both are rounded


def test_phases_add_up_but_for_the_misprint():
    values = MEMORIZATION.values["an"]
    sums = [first + second for first, second in zip(values[::2], values[1::2], strict=True)]
    assert sums == pytest.approx([100, 100, 96, 100, 100, 100])
