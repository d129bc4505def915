"""Many calls at once, by processes and on a Dask cluster, and what is said when something is lost.

The functions called here are Python's own, so that no process has to load TensorFlow.
"""

import contextlib
import logging
import math
import os
import socket
import subprocess
import sys
import time

import distributed
import pytest

from digitlib import workers

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def one_line(error, *words):
    text = str(error.value)
    assert "\n" not in text
    assert not [word for word in words if word not in text], text


# Processes


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_give_every_result(jobs):
    calls = [(2, n) for n in range(7)]
    assert sorted(workers.in_processes(pow, calls, jobs)) == [2**n for n in range(7)]


def test_a_process_that_is_killed_is_one_line():
    """As the system does where memory is short."""
    with pytest.raises(ChildProcessError) as error:
        list(workers.in_processes(os._exit, [(1,), (1,)], 2))
    one_line(error, "was killed", "run the same again", "fewer at once", "kept")


def test_memory_that_runs_out_is_one_line():
    def short():
        raise MemoryError

    with pytest.raises(ChildProcessError) as error:
        list(workers.in_processes(short, [()], 1))
    one_line(error, "memory ran out", "fewer at once")


# A cluster


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 0.3)


@pytest.fixture
def cluster(impatient):
    """A scheduler in this process, without workers; `scale` starts them."""
    how = {
        "n_workers": 0,
        "threads_per_worker": 1,
        "processes": False,
        "dashboard_address": "127.0.0.1:0",
    }
    with distributed.LocalCluster(**how, protocol="tcp", host="127.0.0.1") as cluster:
        yield cluster


def test_a_cluster_gives_every_result_and_tells_when_it_has_no_worker(cluster, capsys):
    cluster.scale(2)
    address = cluster.scheduler_address
    with workers.connected(address) as client:
        made = workers.on_cluster(pow, [(2, n) for n in range(7)], client)
        assert sorted(made) == [2**n for n in range(7)]
        assert capsys.readouterr().err == ""
        cluster.scale(0)
        client.sync(client.scheduler.retire_workers, close_workers=True)
        made = workers.on_cluster(pow, [(3, 3)], client)
        with pytest.MonkeyPatch.context() as patch:
            said = []
            patch.setattr(
                workers.tqdm,
                "write",
                lambda text, file: (said.append((text, file)), cluster.scale(1)),
            )
            assert list(made) == [27], "made by the worker that came when it was asked for"
    line = f"waiting for a worker: `dask worker {address}` starts one"
    assert said == [(line, sys.stderr)]


def test_a_run_that_fails_on_a_cluster_says_why(cluster):
    cluster.scale(1)
    wrong = pytest.raises(ValueError, match="math domain error|nonnegative")
    with workers.connected(cluster.scheduler_address) as client, wrong:
        list(workers.on_cluster(math.sqrt, [(-1,)], client))


def test_a_scheduler_that_is_lost_in_the_middle_is_one_line(cluster, capfd):
    cluster.scale(1)
    address, log = cluster.scheduler_address, logging.getLogger("distributed.client")
    level = log.level
    with workers.connected(address) as client:
        made = workers.on_cluster(time.sleep, [(0.01,), (1,)], client)
        next(made)
        client.loop.add_callback(client.scheduler_comm.comm.abort)  # as if it had been killed
        with pytest.raises(ConnectionError) as error:
            next(made)
    one_line(error, address, "was lost", "run the same again", "kept")
    assert capfd.readouterr().err == ""
    assert log.level == level


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "127.0.0.1",
        "http://127.0.0.1:8786",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:9",
    ],
)
def test_where_no_scheduler_can_be_is_told_at_once(address, monkeypatch):
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: pytest.fail("it was tried"))
    with pytest.raises(ConnectionError) as error, workers.connected(address):
        pass
    one_line(error, repr(address), "no Dask scheduler answers", "`dask scheduler` starts one")


def test_what_listens_but_is_no_scheduler_is_told(impatient):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError) as error, workers.connected(address):
            pass
    one_line(error, address, "timed out")


def test_without_dask_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r'pip install "digitlib\[cluster\]"'):
        workers.connected("tcp://127.0.0.1:9").__enter__()


# Processes of their own, which can be killed


@contextlib.contextmanager
def dask(folder, n, failures=3):
    """A scheduler and n workers, each in a process of its own: (address, scheduler, workers).

    `failures` is how many workers may die of a run before it is given up.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    how = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    how |= {"start_new_session": True}
    how |= {"env": os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(failures)}}
    command, alike = [sys.executable, "-m", "dask"], ["--no-dashboard"]
    worker = [*command, "worker", address, "--no-nanny", "--nthreads", "1", *alike]
    scheduler = [*command, "scheduler", "--host", address, *alike]
    with contextlib.ExitStack() as ended:
        processes = [subprocess.Popen(one, **how) for one in [scheduler, *n * [worker]]]
        for process in processes:
            ended.callback(process.wait)
            ended.callback(process.kill)
        host, port = "127.0.0.1", int(address.rpartition(":")[2])
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection((host, port)).close()
                break
            assert processes[0].poll() is None
            time.sleep(0.05)
        yield address, processes[0], processes[1:]


@POSIX
@pytest.mark.slow
def test_killed_workers_and_a_killed_scheduler_are_one_line_each(tmp_path, monkeypatch):
    printed, handler = [], logging.Handler()
    handler.emit = printed.append
    monkeypatch.setattr(logging.getLogger("distributed.client"), "handlers", [handler])
    with (
        dask(tmp_path, 2, failures=0) as (address, scheduler, _),
        workers.connected(address) as client,
    ):
        client.wait_for_workers(2)
        with pytest.raises(ChildProcessError) as error:
            list(workers.on_cluster(os.kill, [(0, 9)], client))
        one_line(error, "0, seed 9: ", "one worker after another", "kept")
        made = workers.on_cluster(time.sleep, [(0.01,), (60,)], client)
        next(made)
        scheduler.kill()
        with pytest.raises(ConnectionError) as error:
            next(made)
        one_line(error, address, "was lost", "kept")
    assert not printed
