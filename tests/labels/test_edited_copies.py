"""Edits applied to copies of label files, and undone."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from largeloss.errors import ConfigError, LabelError
from largeloss.labels import LabelEdits, apply_edits, read_edits, read_labels, write_labels
from largeloss.labels.edit_fit import Verdict, conflicts, fit, written_by
from largeloss.labels.edited_copies import apply_to_copy, record_of, revert_in_copy
from largeloss.labels.files.edit import edited_file

CLASSES = ("cat", 'a "big" dog', "owl, grey")
SPELLED = {1: ("1", "1.0", "TRUE"), 0: ("0", "0.0", "False"), -1: ("", "nan")}
STATES = st.sampled_from([1, 0, -1])


def csv_text(lines, quoting):
    file = io.StringIO()
    csv.writer(file, quoting=quoting, lineterminator="\n").writerows(lines)
    return file.getvalue()


@st.composite
def label_files(draw):
    """The bytes of a CSV file in one of the layouts, as people and programs write them."""
    layout = draw(st.sampled_from(["wide", "long", "list"]))
    images = [f"images/{row}, é.jpg" for row in range(draw(st.integers(1, 4)))]
    splits = draw(st.booleans())
    lines = []
    for image in images:
        start = [image, *(["val"] if splits else [])]
        states = draw(st.lists(STATES, min_size=3, max_size=3))
        words = [draw(st.sampled_from(SPELLED[state])) for state in states]
        if layout == "wide":
            lines.append([*start, *words])
            if draw(st.booleans()):  # the image has another line, which says less
                lines.append([*start, *(draw(st.sampled_from([word, ""])) for word in words)])
        elif layout == "long":
            said = [[*start, *pair] for pair in zip(CLASSES, words, strict=True)]
            lines += [line for line in said if draw(st.booleans())] or [[*start, "", ""]]
        else:
            shown = [name for name, state in zip(CLASSES, states, strict=True) if state == 1]
            lines.append([*start, draw(st.sampled_from([";", " ; "])).join(shown)])
    if layout != "wide":  # every class is named somewhere
        rest = [";".join(CLASSES)] if layout == "list" else None
        for name in CLASSES if rest is None else CLASSES[:1]:
            lines.append(["last.jpg", *(["val"] if splits else []), *(rest or [name, "1"])])
    header = {"wide": CLASSES, "long": ("label", "value"), "list": ("labels",)}[layout]
    lines.insert(0, ["image", *(["split"] if splits else []), *header])
    text = csv_text(lines, draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
    nothing = draw(st.sampled_from([None, "\n", ",,,\n"]))
    if nothing is not None:
        text = nothing + text.replace("\n", f"\n{nothing}", 1) + nothing
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))), layout


def edits_of(table, places, states, authors):
    rows, columns = (
        [place[side] % size for place in places] for side, size in enumerate(table.shape)
    )
    before = table.at(rows, columns)
    return LabelEdits.of(
        images=table.images, classes=table.classes, rows=rows, columns=columns, before=before,
        after=states, author=authors,
    )  # fmt: skip


def meaning(layout):
    return "unknown" if layout == "list" else None


PLACES = st.tuples(st.integers(0, 9), st.integers(0, 2))


@given(label_files(), st.dictionaries(PLACES, STATES, min_size=1, max_size=6), st.data())
@settings(max_examples=40)
def test_a_copy_says_what_the_edits_say_and_reverting_gives_the_first_bytes(
    tmp_path_factory, made, wanted, data
):
    content, layout = made
    folder = tmp_path_factory.mktemp("copies")
    path, out, back = (folder / name for name in ("labels.csv", "new.csv", "back.csv"))
    path.write_bytes(content)
    unlisted = meaning(layout)
    file = read_labels(path, unlisted=unlisted)
    shape = file.table.shape
    unique = {(row % shape[0], column % shape[1]): state for (row, column), state in wanted.items()}
    authors = [data.draw(st.sampled_from(["ll-cp", "reviewer:anna"])) for _ in unique]
    edits = edits_of(file.table, list(unique), list(unique.values()), authors)
    told = edits.before != edits.after
    if layout == "list":
        told &= edits.after != 0
    if not told.any():
        with pytest.raises(LabelError, match="No edit changes"):
            apply_to_copy(path, edits, out, unlisted=unlisted)
        return
    applied = apply_to_copy(path, edits, out, unlisted=unlisted)
    assert (applied.verdicts == Verdict.FITS).tolist() == told.tolist()
    assert applied.num_changed == told.sum()
    found = read_labels(out, unlisted=unlisted)
    assert found.table.images == file.table.images
    assert (found.splits, found.layout) == (file.splits, file.layout)
    expected = apply_edits(file.table, edits.select(told))
    # Classes of lists and long files are those that are named: a last mention may be gone.
    assert found.table == expected.select_classes(found.table.classes)
    assert path.read_bytes() == content
    assert len(read_edits(record_of(out))) == told.sum()

    undone = revert_in_copy(out, back, unlisted=unlisted)
    assert back.read_bytes() == content
    assert undone.exact
    assert not record_of(back).exists()

    some = written_by(edits, "ll-cp") & told
    if some.any():
        partly = folder / "partly.csv"
        revert_in_copy(out, partly, author="ll-cp", unlisted=unlisted)
        rest = apply_edits(file.table, edits.select(told & ~some))
        kept = read_labels(partly, unlisted=unlisted).table
        assert kept == rest.select_classes(kept.classes)
        if (told & ~some).any():
            revert_in_copy(partly, folder / "again.csv", unlisted=unlisted)
            assert (folder / "again.csv").read_bytes() == content


def example(
    path, text="image,split,cat,dog\na.jpg,train,1.0,\nb.jpg,train,,0.0\nc.jpg,val,0.0,1.0\n"
):
    path.write_text(text)
    return read_labels(path).table


def test_only_the_edited_cells_change_and_are_spelled_as_the_others(tmp_path):
    path, out = tmp_path / "labels.csv", tmp_path / "new.csv"
    table = example(path)
    edits = edits_of(table, [(0, 1), (1, 0), (2, 1)], [1, 0, -1], "reviewer:anna")
    apply_to_copy(path, edits, out)
    assert out.read_text() == (
        "image,split,cat,dog\na.jpg,train,1.0,1.0\nb.jpg,train,0.0,0.0\nc.jpg,val,0.0,\n"
    )


def test_a_long_file_gets_lines_after_those_of_the_image(tmp_path):
    path, out = tmp_path / "labels.csv", tmp_path / "new.csv"
    table = example(path, "image,label,value\na.jpg,cat,1\nb.jpg,dog,0\n")
    apply_to_copy(path, edits_of(table, [(0, 1), (1, 1)], [0, 1], "me:1"), out)
    assert out.read_text() == "image,label,value\na.jpg,cat,1\na.jpg,dog,0\nb.jpg,dog,1\n"


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("kind", [pa.int8(), pa.float32(), pa.bool_(), pa.string()])
def test_parquet_keeps_its_types(tmp_path, layout, kind):
    path, out, back = (tmp_path / f"{name}.parquet" for name in ("labels", "new", "back"))
    table = example(tmp_path / "labels.csv")
    write_labels(path, table, layout=layout)
    content = parquet.read_table(path)
    for name in ("value",) if layout == "long" else table.classes:
        column = content[name].cast(pa.int8()).cast(kind)
        content = content.set_column(content.schema.get_field_index(name), name, column)
    parquet.write_table(content.replace_schema_metadata({"from": "elsewhere"}), path, version="1.0")
    edits = edits_of(table, [(0, 1), (1, 0), (2, 1)], [1, 0, -1], ["ll-cp", "me:1", "me:1"])
    apply_to_copy(path, edits, out)
    assert parquet.read_schema(out).equals(parquet.read_schema(path), check_metadata=True)
    assert read_labels(out).table == apply_edits(table, edits)
    assert revert_in_copy(out, back).exact
    assert back.read_bytes() == path.read_bytes()
    revert_in_copy(out, tmp_path / "partly.parquet", author="me")
    assert read_labels(tmp_path / "partly.parquet").table == apply_edits(table, edits.select([0]))


def test_parquet_lists_of_tags(tmp_path):
    path, out = tmp_path / "labels.parquet", tmp_path / "new.parquet"
    parquet.write_table(pa.table({"image": ["a", "b"], "labels": [["cat"], ["dog", "cat"]]}), path)
    table = read_labels(path, unlisted="absent").table
    edits = edits_of(table, [(0, 1), (1, 0), (0, 0)], [1, 0, -1], "me:1")
    applied = apply_to_copy(path, edits, out, unlisted="absent")
    assert applied.verdicts.tolist() == [Verdict.FITS, Verdict.FITS, Verdict.NO_WORD]
    assert parquet.read_table(out)["labels"].to_pylist() == [["cat", "dog"], ["dog"]]


def loops(table, edits):
    """The verdicts, entry by entry."""
    found = []
    for image_row, class_column in zip(edits.rows, edits.columns, strict=True):
        own = np.flatnonzero((edits.rows == image_row) & (edits.columns == class_column))
        image, name = edits.images[image_row], edits.classes[class_column]
        words = {}
        for edit in own:
            if ":" in edits.author[edit]:
                words[edits.author[edit]] = edits.after[edit]
        if image not in table.images:
            found.append(Verdict.NO_IMAGE)
        elif name not in table.classes:
            found.append(Verdict.NO_CLASS)
        elif (
            table.at([table.images.index(image)], [table.classes.index(name)])[0]
            == (edits.after[own[-1]])
        ):
            found.append(Verdict.ALREADY if len(set(words.values())) < 2 else Verdict.CONFLICT)
        elif len(set(words.values())) > 1:
            found.append(Verdict.CONFLICT)
        else:
            now = table.at([table.images.index(image)], [table.classes.index(name)])[0]
            found.append(Verdict.FITS if now in edits.before[own] else Verdict.OTHER)
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.jpg", "b.jpg", "other.jpg"]),
            st.sampled_from(["cat", "dog", "other"]),
            STATES,
            STATES,
            st.sampled_from(["ll-cp", "reviewer:anna", "reviewer:ben"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_verdicts_equal_a_loop(tmp_path_factory, changes):
    table = example(tmp_path_factory.mktemp("fit") / "labels.csv")
    images, classes, before, after, authors = zip(*changes, strict=True)
    edits = LabelEdits.named(images, classes, before=before, after=after, author=authors)
    found = fit(table, edits)
    assert found.verdicts.tolist() == loops(table, edits)
    changed = table.replace(found.rows, found.columns, found.states)
    done = edits.select(found.verdicts == Verdict.FITS)
    for row, column in set(zip(*done.places(table), strict=True)):
        own = (done.places(table)[0] == row) & (done.places(table)[1] == column)
        assert changed.at([row], [column]) == done.after[own][-1]
    assert conflicts(edits).tolist() == [
        len({dict(zip(edits.author[own], edits.after[own], strict=True))[name]
             for name in edits.author[own] if ":" in name}) > 1
        for own in ((edits.rows == row) & (edits.columns == column)
                    for row, column in zip(edits.rows, edits.columns, strict=True))
    ]  # fmt: skip


def test_targets_that_exist_and_other_suffixes_are_refused(tmp_path):
    path, out = tmp_path / "labels.csv", tmp_path / "new.csv"
    edits = edits_of(example(path), [(0, 1)], [1], "me:1")
    before = path.read_bytes()
    for target, message in (
        (path, "labels.csv exists, and files are never changed in place"),
        (tmp_path / "new.parquet", "--out must end in .csv"),
        (tmp_path / "none/new.csv", "The folder .* does not exist"),
    ):
        with pytest.raises(ConfigError, match=message):
            apply_to_copy(path, edits, target)
    record_of(out).write_text("mine")
    with pytest.raises(ConfigError, match=r"new.csv.edits.parquet exists"):
        apply_to_copy(path, edits, out)
    record_of(out).unlink()
    out.symlink_to(path)
    with pytest.raises(ConfigError, match="exists"):
        apply_to_copy(path, edits, out)
    assert path.read_bytes() == before
    with pytest.raises(LabelError, match="there is no such file"):
        apply_to_copy(tmp_path / "none.csv", edits, tmp_path / "other.csv")


def test_reverting_without_the_record_sets_entries_back_one_by_one(tmp_path):
    path, out, back = (tmp_path / name for name in ("labels.csv", "new.csv", "back.csv"))
    table = example(path)
    edits = edits_of(table, [(0, 1), (1, 0)], [1, 0], ["reviewer:anna", "ll-cp"])
    apply_to_copy(path, edits, out)
    out.write_text(out.read_text().replace("c.jpg,val,0.0", "c.jpg,val,1.0"))  # changed by hand
    undone = revert_in_copy(out, back)
    assert not undone.exact
    assert back.read_text() == path.read_text().replace("c.jpg,val,0.0", "c.jpg,val,1.0")
    revert_in_copy(out, tmp_path / "one.csv", edits=edits, author="reviewer")
    assert read_labels(tmp_path / "one.csv").table.at([0, 1], [1, 0]).tolist() == [-1, 0]
    with pytest.raises(
        LabelError, match=r"no edits of 'ben' to undo; authors are: ll-cp, reviewer"
    ):
        revert_in_copy(out, tmp_path / "two.csv", author="ben")
    with pytest.raises(LabelError, match="has no record of edits"):
        revert_in_copy(path, tmp_path / "two.csv")


def test_an_undo_writes_nothing_that_was_never_applied(tmp_path):
    path, out, back = (tmp_path / name for name in ("labels.csv", "new.csv", "back.csv"))
    table = example(path)
    everything = edits_of(table, [(0, 1), (0, 1)], [1, 0], ["ll-cp", "reviewer:anna"])
    apply_to_copy(path, everything.select(np.array([1])), out)
    assert revert_in_copy(out, back, edits=everything, author="reviewer:anna").exact
    assert back.read_bytes() == path.read_bytes()  # blank, as before, and not what ll-cp said


def test_what_another_reviewer_said_too_is_not_counted_as_set_back(tmp_path):
    path, out, back = (tmp_path / name for name in ("labels.csv", "new.csv", "back.csv"))
    edits = edits_of(example(path), [(0, 1), (0, 1)], [1, 1], ["reviewer:anna", "reviewer:bob"])
    apply_to_copy(path, edits, out)
    assert revert_in_copy(out, back, author="reviewer:anna").num_changed == 0
    assert back.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("note", ["patches", "whole"])
@pytest.mark.parametrize("value", ["", "[", "[[1]]", "{}", '[[0,1,"x"]]', "[[1,2,3]]", "eJw=", "é"])
def test_records_of_others_cannot_give_another_first_file(tmp_path, note, value):
    path, out, back = (tmp_path / name for name in ("labels.csv", "new.csv", "back.csv"))
    apply_to_copy(path, edits_of(example(path), [(0, 1)], [1], "me:1"), out)
    content = parquet.read_table(record_of(out))
    notes = {k.decode(): v.decode() for k, v in content.schema.metadata.items()}
    del notes["patches"]
    parquet.write_table(content.replace_schema_metadata(notes | {note: value}), record_of(out))
    assert not revert_in_copy(out, back).exact
    assert read_labels(back).table == read_labels(path).table


def test_answers_to_labels_that_a_run_hid_are_explained(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("image,cat\na.jpg,1\nb.jpg,0\n")
    edits = LabelEdits.named(
        ["a.jpg", "b.jpg"], ["cat", "cat"], before=[-1, -1], after=[1, 0], author="reviewer:anna"
    )
    with pytest.raises(LabelError, match="a run with --observe hides them"):
        apply_to_copy(path, edits, tmp_path / "new.csv")
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("left", [b"", b"\xef\xbb\xbf", b"\n,,\n", b"\xff\xfe", b"image,a\r\n"])
def test_a_file_that_lost_its_lines_since_it_was_read(tmp_path, monkeypatch, left):
    path = tmp_path / "labels.csv"
    path.write_text("image,a\nx.png,0\n")
    monkeypatch.setattr(Path, "read_bytes", lambda _: left)
    with pytest.raises(LabelError, match="has changed since it was read: it has fewer lines now"):
        edited_file(path, [("x.png", "a", 1)])
