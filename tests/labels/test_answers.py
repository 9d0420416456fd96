"""The journal of answers beside a list in memory, and what it refuses."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largeloss.errors import ConfigError, LabelError, RunError
from largeloss.labels.answers import standing_answers, standing_flags
from largeloss.labels.journal import Journal, Said

RUN = {"settings": "a"}


def said(image="a.jpg", answer="yes", class_name="cat"):
    return Said(image, class_name, answer, 0.5, -1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.sqlite3"


REVIEWERS, IMAGES = ("ann", "bob"), ("a.jpg", 'b"\n\0.jpg', "\udcff.jpg")
ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"), st.sampled_from(REVIEWERS), st.sampled_from(("suggestions", "audit")),
            st.lists(
                st.tuples(st.sampled_from(IMAGES), st.sampled_from(("yes", "no", "unsure"))),
                min_size=1, max_size=4,
            ),
        ),
        st.tuples(st.just("undo"), st.sampled_from(REVIEWERS)),
        st.tuples(
            st.just("flag"), st.sampled_from(REVIEWERS), st.sampled_from(IMAGES), st.booleans()
        ),
        st.tuples(st.just("reopen")),
    ),
    max_size=15,
)  # fmt: skip


@settings(max_examples=30)
@given(actions=ACTIONS)
def test_answers_undos_and_flags_are_those_of_lists(tmp_path_factory, actions):
    path = tmp_path_factory.mktemp("journal") / "answers.sqlite3"
    journal = Journal(path, RUN)
    steps, flags, number = [], {}, 0
    for kind, *values in actions:
        if kind == "add":
            reviewer, mode, given_ = values
            found = journal.add(reviewer, mode, [said(*one) for one in given_])
            steps.append((reviewer, mode, found))
            assert [one.number for one in found] == list(range(number + 1, number + 1 + len(found)))
            number += len(found)
        elif kind == "undo":
            own = [step for step in steps if step[0] == values[0]]
            expected = own[-1][2] if own else []
            assert journal.undo(values[0], range(1, number + 1)) == expected
            if own:
                steps.remove(own[-1])
        elif kind == "flag":
            reviewer, image, flagged = values
            journal.flag(reviewer, image, "cat", flagged)
            flags.pop((reviewer, image), None)
            if flagged:
                flags[reviewer, image] = True
        else:
            journal.close()
            journal = Journal(path, RUN)
    assert list(journal.answers()) == [one for *_, step in steps for one in step]
    last = {}
    for _, _, step in steps:
        for one in step:
            last[one.reviewer, one.image] = one
    expected = sorted(last.values(), key=lambda one: one.number)
    assert standing_answers(path) == expected  # while it is open
    assert [(one.reviewer, one.image) for one in standing_flags(path)] == list(flags)
    journal.close()
    assert standing_answers(path) == expected


def test_a_killed_process_loses_nothing_that_was_acknowledged(path):
    code = (
        "import sys; from pathlib import Path; "
        "from largeloss.labels.journal import Journal, Said\n"
        f"journal = Journal(Path({str(path)!r}), {RUN!r})\n"
        "for number in range(10**6):\n"
        "    journal.add('ann', 'audit', [Said(f'{number}.jpg', 'cat', 'no', None, -1)] * 2)\n"
        "    print(number, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        seen = [int(child.stdout.readline()) for _ in range(20)]
        os.kill(child.pid, signal.SIGKILL)
        seen += [int(line) for line in child.stdout.read().split()]
    journal = Journal(path, RUN)
    found = [one.image for one in journal.answers()]
    assert len(found) % 2 == 0  # whole steps
    assert set(found) >= {f"{number}.jpg" for number in seen}
    journal.close()


def test_a_journal_of_another_run_is_refused_and_unchanged(path):
    journal = Journal(path, RUN)
    journal.add("ann", "audit", [said()])
    journal.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"answers of another run: its settings"):
        Journal(path, {"settings": "b"})
    assert path.read_bytes() == before


def test_what_is_no_journal_is_refused(path, tmp_path):
    with pytest.raises(LabelError, match="largeloss review RUN"):
        standing_answers(path)
    path.write_bytes(b"x" * 5000)
    for read in (standing_answers, lambda place: Journal(place, RUN)):
        with pytest.raises(LabelError, match="damaged"):
            read(path)
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE answers (a)")
    other.close()
    with pytest.raises(LabelError, match="no journal of answers"):
        standing_answers(path)
    path.unlink()
    (tmp_path / "elsewhere").write_text("")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is a link"):
        Journal(path, RUN)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        Journal(path, RUN)


def test_a_trigger_or_a_strange_value_in_a_journal_of_others_is_refused(path):
    journal = Journal(path, RUN)
    journal.add("ann", "audit", [said()])
    journal.close()
    with sqlite3.connect(path) as file:
        file.execute("UPDATE answers SET answer = 'maybe'")
    file.close()
    with pytest.raises(LabelError, match="answer 1 is 'maybe'"):
        standing_answers(path)
    with sqlite3.connect(path) as file:
        file.execute("CREATE TRIGGER t AFTER INSERT ON steps BEGIN DELETE FROM answers; END")
    file.close()
    with pytest.raises(LabelError, match="no journal of answers"):
        Journal(path, RUN)


def test_damaged_pages_are_found(path):
    journal = Journal(path, RUN)
    for number in range(300):
        journal.add("ann", "audit", [said(f"{number}.jpg")])
    journal.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with pytest.raises(LabelError, match="damaged"):
        Journal(path, RUN)


def test_a_full_disk_keeps_what_was_there(path):
    journal = Journal(path, RUN)
    journal.add("ann", "audit", [said()])
    journal._file.execute("PRAGMA max_page_count = 1")  # as a disk without room
    with pytest.raises(RunError, match="is not kept, those before it are"):
        journal.add("ann", "audit", [said(f"{number}" * 50) for number in range(400)])
    assert len(list(journal.answers())) == 1
    journal.close()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("answers", "score", "'high'"), ("answers", "image", "CAST(x'ff' AS TEXT)")],
)
def test_values_that_no_journal_has_are_damage(path, table, column, value):
    journal = Journal(path, RUN)
    journal.add("ann", "audit", [said()])
    journal._file.execute(f"UPDATE {table} SET {column} = {value}")
    journal.close()
    with pytest.raises(LabelError, match="is damaged"):
        standing_answers(path)
