"""A study's file: what it may hold, that it is whole after any kill, that one study has it."""

import contextlib
import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from digitlib import files, rows
from digitlib.rows import adding

ROW = dict.fromkeys(rows.FIELDS, 0) | {"recipe": "nearest-mean", "epochs": None, "data": "sample"}
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs fork or kill")


def row(seed):
    # in the order that a study writes: a line cut off is known by its beginning
    return {"recipe": ROW["recipe"], "seed": seed} | {
        name: value for name, value in ROW.items() if name not in ("recipe", "seed")
    }


def add(path, *seeds):
    """Add what is missing, as a study does; gives the seeds that were there."""
    with adding(path) as (there, write):
        there = [one["seed"] for one in there]
        for seed in seeds:
            if seed not in there:
                write(row(seed))
    return there


def seeds(path):
    found, cut_off = rows.read(path)
    assert not cut_off
    return [one["seed"] for one in found]


# What a file may hold


def test_rows_are_added_to_those_that_are_there(tmp_path):
    path = tmp_path / "s"
    assert add(path, 3, 1) == []
    assert add(str(path), 1, 2) == [3, 1]
    assert rows.read(path) == ([row(3), row(1), row(2)], False)


def test_a_line_cut_off_anywhere_is_no_row(tmp_path):
    path = tmp_path / "s"
    add(path, 0, 1)
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    for end in range(start, len(whole) + 1):
        path.write_bytes(whole[:end])
        found, cut_off = rows.read(path)
        complete = end >= len(whole) - 1  # but for the end of the line
        assert (len(found), cut_off) == (1 + complete, start < end < len(whole) - 1)
        if end % 10 == 0 or complete:
            assert add(path, 0, 1) == [0, 1][: 1 + complete]
            assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "text", ["{}\n", "[]\n", "null\n", "note\n", "c", '{"recipe":"x"}', "\n", "[" * 10_000 + "\n"]
)
def test_anything_else_is_left_alone(text, tmp_path):
    path = tmp_path / "s"
    path.write_text(json.dumps(row(0)) + "\n" + text)
    before = path.read_bytes()
    for use in (rows.read, add):
        with pytest.raises(ValueError, match=r"s, line 2: expected a row of a study; delete"):
            use(path)
    assert path.read_bytes() == before


def test_a_repeated_row_is_refused(tmp_path):
    path = tmp_path / "s"
    path.write_text(2 * (json.dumps(row(0)) + "\n"))
    with pytest.raises(ValueError, match="line 2: repeats an earlier run"):
        rows.read(path)


def test_a_file_made_for_nothing_is_removed_and_no_other(tmp_path):
    path, own = tmp_path / "s", tmp_path / "own"
    own.touch()
    for one in (path, own):
        with pytest.raises(KeyboardInterrupt), adding(one):
            raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["own"]


def test_a_full_disk_is_told_with_what_to_do(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device; make room, then run") as error:
        add(tmp_path / "s", 0)
    assert error.value.filename == str(tmp_path / "s")


# Who has it


def test_one_study_at_a_time_and_who_is_refused_removes_nothing(tmp_path):
    path = tmp_path / "s"
    with adding(path) as (_, write):
        assert not path.stat().st_size
        refused = pytest.raises(BlockingIOError, match="another study is writing to it")
        with refused as caught, adding(path):
            pass
        assert caught.value.filename == str(path)
        write(row(0))
    assert seeds(path) == [0]


@POSIX
def test_a_file_that_was_removed_between_opening_and_locking_is_opened_anew(tmp_path, monkeypatch):
    """As by a study that had it first, made no row, and so took it away."""
    path, lock, ways = tmp_path / "s", files.lock, ["removed", "made anew by another"]

    def after_a_removal(file):
        if ways:
            path.unlink()
            if ways.pop(0) != "removed":
                path.touch()
        lock(file)

    monkeypatch.setattr(files, "lock", after_a_removal)
    add(path, 0)
    assert seeds(path) == [0]


@POSIX
def test_what_somebody_else_put_in_its_place_is_not_removed(tmp_path):
    path = tmp_path / "s"
    with contextlib.suppress(KeyboardInterrupt), adding(path):
        path.rename(tmp_path / "moved")
        path.touch()
        raise KeyboardInterrupt
    assert path.exists()


@POSIX
def test_a_file_that_is_removed_again_and_again_is_given_up(tmp_path, monkeypatch):
    path = tmp_path / "s"
    monkeypatch.setattr(files, "lock", lambda _: path.unlink())
    with pytest.raises(BlockingIOError, match="another study"), adding(path):
        pass


def test_a_lock_that_cannot_be_had_at_all_is_told(tmp_path, monkeypatch):
    def unable(_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(files, "lock", unable)
    with pytest.raises(OSError, match="No locks available"), adding(tmp_path / "s"):
        pass


def start(path, barrier, outcomes, fails):
    barrier.wait()
    try:
        with adding(path) as (_, write):
            if fails:
                raise KeyboardInterrupt
            write(row(os.getpid()))
        outcomes.put(os.getpid())
    except (BlockingIOError, KeyboardInterrupt):
        outcomes.put(None)


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("n", [2, 3])
def test_studies_that_start_together_on_a_new_file(n, fails, tmp_path):
    """Who reports success has its row in the file; one of them may find nothing to write."""
    fork = multiprocessing.get_context("fork")
    for trial in range(25):
        path, barrier, outcomes = tmp_path / str(trial), fork.Barrier(n), fork.SimpleQueue()
        kinds = [(path, barrier, outcomes, fails and not i) for i in range(n)]
        processes = [fork.Process(target=start, args=kind) for kind in kinds]
        for process in processes:
            process.start()
        won = sorted(pid for pid in [outcomes.get() for _ in processes] if pid)
        for process in processes:
            process.join()
        assert won or fails
        assert (sorted(seeds(path)) if path.exists() else []) == won


# Killed

ENDLESS = """
import itertools, json, sys
from digitlib import rows  # which needs no TensorFlow
row = json.loads(sys.argv[2])
with rows.adding(sys.argv[1]) as (there, write):
    for seed in itertools.count(len(there)):
        write(row | {"seed": seed})
"""


@POSIX
def test_what_was_added_outlives_a_kill(tmp_path):
    path = tmp_path / "s"
    for _ in range(2):
        before = len(seeds(path)) if path.exists() else 0
        command = [sys.executable, "-c", ENDLESS, str(path), json.dumps(row(0))]
        with subprocess.Popen(command) as process:
            while not path.exists() or path.read_bytes().count(b"\n") < before + 3:
                assert process.poll() is None
                time.sleep(0.02)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        add(path)  # takes away a line that was cut off, if there is one
        found = seeds(path)
        assert found == [*range(len(found))]
        assert len(found) >= before + 3
