"""Label files: round trips, every refusal with its lines."""

import os
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from largeloss.errors import ConfigError, LabelError
from largeloss.labels import LabelTable, read_labels, write_labels
from largeloss.labels.files.raw import read_header, read_raw


def read(tmp_path, text, **options):
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_labels(path, **options)


def read_parquet(tmp_path, columns, **options):
    path = tmp_path / "labels.parquet"
    parquet.write_table(pa.table(columns), path)
    return read_labels(path, **options)


# ---------------------------------------------------------------------------- what is read


def test_wide(tmp_path):
    found = read(tmp_path, "image,cat,dog\nb.jpg,1,\na.jpg,0,1\nc.jpg,,\n")
    assert found.layout == "wide"
    assert found.splits is None
    assert found.table.images == ("b.jpg", "a.jpg", "c.jpg")
    assert found.table.classes == ("cat", "dog")
    assert found.table.to_dense().tolist() == [[1, -1], [0, 1], [-1, -1]]


def test_long(tmp_path):
    text = "image,label,value\nb,dog,1\na,cat,0\nb,cat,0\nc,,\na,owl,\n"
    found = read(tmp_path, text)
    assert found.layout == "long"
    assert found.table.images == ("b", "a", "c")
    assert found.table.classes == ("cat", "dog", "owl")
    assert found.table.to_dense().tolist() == [[0, 1, -1], [0, -1, -1], [-1, -1, -1]]


@pytest.mark.parametrize(("unlisted", "state"), [("unknown", -1), ("absent", 0)])
def test_list(tmp_path, unlisted, state):
    text = "image,labels\nb,dog; cat\na,\nc,owl;owl;\n"
    found = read(tmp_path, text, unlisted=unlisted)
    assert found.layout == "list"
    assert found.table.classes == ("cat", "dog", "owl")
    wanted = [[1, 1, state], [state, state, state], [state, state, 1]]
    assert found.table.to_dense().tolist() == wanted


@pytest.mark.parametrize(
    ("header", "first", "second", "options"),
    [
        ("image,split,cat", "a,train,1", "b,test,0", {}),
        ("image,label,split,value", "a,cat,train,1", "b,cat,test,0", {}),
        ("image,labels,split", "a,cat,train", "b,,test", {"unlisted": "absent"}),
    ],
)
def test_splits_in_every_layout(tmp_path, header, first, second, options):
    found = read(tmp_path, f"{header}\n{first}\n{second}\n", **options)
    assert found.splits == ("train", "test")
    assert found.table.to_dense().tolist() == [[1], [0]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_encodings_and_line_ends(tmp_path, encoding, end, last):
    text = "image,Käfer\nü.jpg,1\nb.jpg,0" + last
    found = read(tmp_path, text.replace("\n", end).encode(encoding))
    assert found.table.images == ("ü.jpg", "b.jpg")
    assert found.table.classes == ("Käfer",)
    assert found.table.to_dense().tolist() == [[1], [0]]


def test_quotes(tmp_path):
    found = read(tmp_path, 'image,"cat, ""big"""\n"a,b.jpg","1"\n"say ""x""",\n')
    assert found.table.classes == ('cat, "big"',)
    assert found.table.images == ("a,b.jpg", 'say "x"')
    assert found.table.to_dense().tolist() == [[1], [-1]]


def test_names_that_look_like_missing_values(tmp_path):
    found = read(tmp_path, "image,NA,null\nNaN,1,0\nNone,0,1\n")
    assert found.table.images == ("NaN", "None")
    assert found.table.classes == ("NA", "null")


def test_lines_on_one_image_are_merged(tmp_path):
    found = read(tmp_path, "image,cat,dog\na,1,\nb,0,0\na,1,0\n")
    assert found.table.images == ("a", "b")
    assert found.table.to_dense().tolist() == [[1, 0], [0, 0]]
    found = read(tmp_path, "image,label,value\na,x,1\na,x,\na,x,1\n")
    assert found.table.to_dense().tolist() == [[1]]
    found = read(tmp_path, "image,labels\na,x\na,y\n", unlisted="unknown")
    assert found.table.to_dense().tolist() == [[1, 1]]


# ------------------------------------------------------------------------------- Parquet


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.int64(), pa.uint8(), pa.float64(), pa.string(), pa.bool_()]
)
def test_parquet_wide_of_any_type(tmp_path, kind):
    values: list[object] = [1, 0, None]
    if kind == pa.string():
        values = ["1", "0", None]
    elif kind == pa.bool_():
        values = [True, False, None]
    columns = {"image": ["a", "b", "c"], "cat": pa.array(values, kind)}
    assert read_parquet(tmp_path, columns).table.to_dense().tolist() == [[1], [0], [-1]]


@pytest.mark.parametrize("kind", ["list", "large_list", "text"])
def test_parquet_list(tmp_path, kind):
    cells = [["dog", "cat"], [], None, ["owl"]]
    if kind == "text":
        labels = pa.array(["dog;cat", "", None, "owl"])
    else:
        labels = pa.array(cells, (pa.list_ if kind == "list" else pa.large_list)(pa.string()))
    columns = {"image": ["a", "b", "c", "d"], "labels": labels}
    found = read_parquet(tmp_path, columns, unlisted="unknown")
    wanted = [[1, 1, -1], [-1, -1, -1], [-1, -1, -1], [-1, -1, 1]]
    assert found.table.to_dense().tolist() == wanted


def test_parquet_of_many_row_groups(tmp_path):
    names = [str(index) for index in range(100)]
    columns = {"image": names, "labels": [[f"c{index % 3}"] for index in range(100)]}
    path = tmp_path / "labels.parquet"
    parquet.write_table(pa.table(columns), path, row_group_size=7)
    found = read_labels(path, unlisted="unknown").table
    assert found.images == tuple(names)
    assert found.columns.tolist() == [index % 3 for index in range(100)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": ["a", "b"], "cat": [1, 2]}, "row 2: image 'b', class 'cat': the value 2 is"),
        ({"image": ["a"], "cat": [-1]}, "row 1: .* Unobserved is a blank in files"),
        ({"image": ["a"], "cat": [0.5]}, "row 1: .*value 0.5"),
        ({"image": ["a", None], "cat": [1, 1]}, "row 2: the image has no name"),
        ({"image": ["a", "a"], "cat": [1, 0]}, "row 1 and row 2: image 'a', class 'cat'"),
        (
            {"image": ["a"], "cat": [[1]]},
            r"labels\.parquet.*column 'cat' holds values of type list",
        ),
        ({"file": ["a"], "cat": [1]}, "columns: the first column must be named 'image'"),
        ({"image": pa.array([], pa.string()), "cat": pa.array([], pa.int8())}, "no image below"),
    ],
)
def test_parquet_refusals_name_rows(tmp_path, columns, message):
    with pytest.raises(LabelError, match=message):
        read_parquet(tmp_path, columns)


def test_damaged_parquet(tmp_path):
    path = tmp_path / "labels.parquet"
    for content in (b"", b"PAR1 nonsense PAR1"):
        path.write_bytes(content)
        with pytest.raises(LabelError, match=r"labels.parquet: this is no readable Parquet"):
            read_labels(path)


# ------------------------------------------------------------------------------ refusals

WIDE = "image,cat,dog\n"
LONG = "image,label,value\n"
REFUSED = [
    ("", "the file is empty"),
    ("\n\n", "the file is empty"),
    (b"\xef\xbb\xbf", "the file is empty"),
    (WIDE, "line 1: there is a header, but no image"),
    ("file,cat\na,1\n", "line 1: the first column must be named 'image', got 'file'"),
    ("image\na\n", "line 1: the header names no class"),
    ("image,split\na,train\n", "line 1: the header names no class"),
    ("image,cat,\na,1,0\n", "line 1: column 3 of the header has no name"),
    ("image,cat, \na,1,0\n", "line 1: column 3 of the header has no name"),
    ("image,cat,dog,cat\na,1,0,1\n", "line 1: columns 2 and 4 of the header are both 'cat'"),
    ("image,split,split,x\na,train,train,1\n", "line 1: columns 2 and 3 .* both 'split'"),
    (WIDE + "a,1,0\nb,yes,0\n", "line 3: image 'b', class 'cat': the value 'yes' is unknown"),
    (WIDE + "a,1,0\nb,1,2\nc,3,\n", "line 3: image 'b', class 'dog': the value '2' is unknown"),
    (WIDE + "a,1, 1\n", "line 2: image 'a', class 'dog': the value ' 1' is unknown"),
    (WIDE + "a,1,-1\n", "line 2: .*value '-1' .* Unobserved is a blank"),
    (WIDE + "a,1,NA\n", "line 2: .*value 'NA' is unknown"),
    (WIDE + "a,1,0\nb,1\n", "line 3: 2 fields, but the header has 3"),
    (WIDE + "a,1,0\nb,1,0,\nc\n", "line 3: 4 fields, but the header has 3"),
    (WIDE + "a,1,0\n   \n", "line 3: 1 fields, but the header has 3"),
    (WIDE + "a,1,0\n,1,0\n", "line 3: the image has no name"),
    (WIDE + "a,1,0\n  ,1,0\n", "line 3: the image has no name"),
    (WIDE + "a,1,\nb,,\na,0,\n", "line 2 and line 4: image 'a', class 'cat' is present on one"),
    ("\n" + WIDE + "\n\na,1,\n\na,0,\n", "line 5 and line 7: image 'a', class 'cat'"),
    (WIDE.replace("\n", "\r\n") + "a,1,0\r\nb,?,0\r\n", "line 3: image 'b', class 'cat'"),
    (WIDE + "a,1,0\nb\0,1,0\n", "line 3: a NUL byte"),
    (WIDE.encode() + b"a,1,0\n\xe4,1,0\n", "line 3: bytes that are no UTF-8"),
    (WIDE.encode("utf-16") + b"\x00", "this UTF-16 text is damaged"),
    (WIDE.encode("utf-16-le"), "line 1: a NUL byte. Save the file as UTF-8"),
    (WIDE + "a,1,0\rb,1,0\r", "line 2: a carriage return without a line feed"),
    (WIDE + 'a,1,0\n"b\nc",1,0\n', "line 3: a quote is not closed on its line"),
    (WIDE + '6" pipe,1,0\n', "line 2: a quote is not closed on its line"),
    (WIDE + 'a,1,0\n6" by 4" pipe,1,0\n', "line 3: a quote inside a field"),
    (WIDE + 'a"b,"1,0\n', "line 2: a quote inside a field"),
    (WIDE + '"a"b,1,"0"\n', "line 2: a quote inside a field"),
    (LONG + "a,cat,1\na,cat,x\n", "line 3: image 'a', class 'cat': the value 'x' is unknown"),
    (LONG + "a,cat,1\nb,cat,1\na,cat,0\n", "line 2 and line 4: image 'a', class 'cat'"),
    (LONG + "a,cat,1\na,,1\n", "line 3: image 'a' has a value without a label"),
    (LONG + "a,,\n", "no line names a label"),
    ("image,cat,dog,cat \na,1,,1\n", "the classes 'cat' and 'cat ' differ only by the spaces"),
    (LONG + "a,cat,1\nb,  ,1\n", "line 3: the label holds only blanks"),
    (LONG + "a,cat,1\nb, cat,1\n", "the classes ' cat' and 'cat' differ only by the spaces"),
    ("image,labels\na,cat\n", "line 1: .*--unlisted unknown .*--unlisted absent"),
    ("image,split,cat\na,,1\n", "line 2: image 'a' has the split ''. Needed: train, val, test"),
    ("image,split,cat\na,dev,1\n", "line 2: image 'a' has the split 'dev'"),
    (
        "image,split,cat\nb,val,1\na,train,1\nb,val,1\na,test,1\n",
        "line 3 and line 5: image 'a' is in two splits, 'train' and 'test'",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refusals_name_file_and_lines(tmp_path, text, message):
    with pytest.raises(LabelError, match=rf"labels\.csv(, |: ){message}"):
        read(tmp_path, text)


def test_list_refusals(tmp_path):
    text = "image,labels\na,cat\nb,dog;cta\na,dog\n"
    with pytest.raises(LabelError, match="line 2 and line 4: image 'a', class 'cat' is present"):
        read(tmp_path, text, unlisted="absent")
    with pytest.raises(ConfigError, match="unlisted must be 'unknown' or 'absent', got 'no'"):
        read(tmp_path, text, unlisted="no")
    with pytest.raises(ConfigError, match=r"--unlisted is for .* is wide"):
        read(tmp_path, "image,cat\na,1\n", unlisted="absent")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(LabelError, match=r"labels.txt: label files end in \.csv or \.parquet"):
        read_labels(tmp_path / "labels.txt")
    with pytest.raises(LabelError, match=r"labels.csv: there is no such file"):
        read_labels(tmp_path / "labels.csv")


# --------------------------------------------------------------------------- round trips

names = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\0"), min_size=1, max_size=6
).filter(lambda name: name.strip() and name not in ("image", "split", "label", "labels", "value"))


@st.composite
def tables(draw):
    images = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    classes = draw(st.lists(names, min_size=1, max_size=4, unique_by=str.strip))
    states = st.lists(st.sampled_from([-1, 0, 1]), min_size=len(classes), max_size=len(classes))
    dense = draw(st.lists(states, min_size=len(images), max_size=len(images)))
    table = LabelTable.from_dense(dense, images=images, classes=classes)
    split = st.lists(
        st.sampled_from(["train", "val", "test"]), min_size=len(images), max_size=len(images)
    )
    return table, draw(st.none() | split.map(tuple))


@given(tables(), st.sampled_from(["csv", "parquet"]), st.sampled_from(["wide", "long"]))
def test_round_trip(tmp_path_factory, labelled, suffix, layout):
    table, splits = labelled
    path = tmp_path_factory.mktemp("files") / f"labels.{suffix}"
    write_labels(path, table, splits=splits, layout=layout)
    order = table.classes if layout == "wide" else tuple(sorted(table.classes))
    assert read_labels(path) == (table.select_classes(order), splits, layout, ())
    assert len(list(path.parent.iterdir())) == 1


def test_written_csv_is_plain(tmp_path):
    path = tmp_path / "labels.csv"
    table = LabelTable.from_dense([[1, -1], [-1, -1]], images=["b", "a"], classes=["x", "y"])
    write_labels(path, table, splits=["train", "val"])
    assert path.read_bytes() == b"image,split,x,y\nb,train,1,\na,val,,\n"
    write_labels(path, table, layout="long")
    assert path.read_bytes() == b"image,label,value\nb,x,1\nb,y,\na,,\n"


def test_what_cannot_be_written_is_refused(tmp_path):
    path, table = tmp_path / "labels.csv", LabelTable.from_dense([[1], [0]])
    with pytest.raises(LabelError, match=r"end in .csv or .parquet"):
        write_labels(tmp_path / "labels.tsv", table)
    with pytest.raises(ConfigError, match="layout must be 'wide' or 'long', got 'list'"):
        write_labels(path, table, layout="list")
    with pytest.raises(LabelError, match="2 splits are needed, one per image, got 1"):
        write_labels(path, table, splits=["train"])
    with pytest.raises(LabelError, match="Unknown split 'dev'"):
        write_labels(path, table, splits=["train", "dev"])
    with pytest.raises(LabelError, match="needs an image and a class"):
        write_labels(path, LabelTable.from_dense(np.zeros((0, 2))))
    for classes in (["split"], ["labels"], ["image"], ["label", "value"]):
        reserved = LabelTable.from_dense(np.zeros((1, len(classes))), classes=classes)
        with pytest.raises(LabelError, match=r"would be misunderstood .* layout='long'"):
            write_labels(path, reserved)
        write_labels(path, reserved, layout="long")
        assert read_labels(path).table == reserved
        path.unlink()
    with pytest.raises(LabelError, match="'cat' and 'cat ' differ only by the spaces"):
        write_labels(path, LabelTable.from_dense([[1, 0]], classes=["cat", "cat "]))
    for image, message in (("a\nb", "line end"), (" ", "is blank"), ("\udcff", "no valid Unicode")):
        strange = LabelTable.from_dense([[1]], images=[image])
        with pytest.raises(LabelError, match=message):
            write_labels(path, strange)
    assert list(tmp_path.iterdir()) == []


def test_a_million_lines_in_bounded_time(tmp_path):
    lines = [f"i{index >> 3},c{index & 7},{index & 1}" for index in range(1_000_000)]
    table = read(tmp_path, "image,label,value\n" + "\n".join(lines)).table
    assert table.shape == (125_000, 8)
    assert table.is_complete


@pytest.mark.parametrize("lists", [False, True])
def test_complete_labels_are_never_looked_at_one_by_one(tmp_path, lists):
    """Numbers of rows and columns of all entries would take sixteen times the memory."""
    names = [f"c{column:02}" for column in range(100)]
    header, every = ("labels", ";".join(names)) if lists else (",".join(names), ",".join("1" * 100))
    cells = "c00;c01" if lists else ",".join("11" + "0" * 98)
    lines = [f"{row},{cells}\n" for row in range(10_000)]
    text = f"image,{header}\n{''.join(lines)}0,{cells}\nlast,{every}\n"
    tracemalloc.start()
    table = read(tmp_path, text, unlisted="absent" if lists else None).table
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.num_observed == 10_001 * 100
    assert table.lookup([0, 10_000]).sum() == 2 + 100
    assert peak < 40_000_000


def test_a_header_alone_is_refused_as_the_whole_file_is(tmp_path):
    for name in ("none.csv", "none.parquet", "none.txt"):
        found = []
        for read in (read_header, read_raw):
            with pytest.raises(LabelError) as refused:
                read(tmp_path / name)
            found.append(str(refused.value))
        assert found[0] == found[1]
    os.mkfifo(tmp_path / "pipe.csv")  # reading it would never end
    with pytest.raises(LabelError, match="cannot be read"):
        read_header(tmp_path / "pipe.csv")
