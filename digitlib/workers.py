"""How are many runs made at once, by processes here or by the workers of a Dask scheduler?

Both ways call a function with the arguments of each run, of which the first two are its recipe and
seed, and give each result as soon as it is there, whichever comes first.
"""

import contextlib
import logging
import socket
import sys
import warnings
from concurrent.futures import BrokenExecutor, CancelledError

from joblib import Parallel, delayed
from tqdm import tqdm

PATIENCE = 5  # seconds to wait for a scheduler's first word, and for a sign of any worker
AGAIN = "run the same again, and if memory was short with fewer at once; what was made is kept"
# joblib replaces a process whose memory has grown; no call is lost by that
warnings.filterwarnings("ignore", "A worker stopped while some jobs")


def in_processes(function, calls, jobs):
    """The results of calls, a list of tuples of arguments, made by a number of processes.

    Raises ChildProcessError if one of them is killed, or memory runs out.
    """
    parallel = Parallel(jobs, return_as="generator_unordered", batch_size=1)
    try:
        yield from parallel(delayed(function)(*call) for call in calls)
    except (BrokenExecutor, MemoryError) as error:
        raise ChildProcessError(f"a process was killed, or memory ran out; {AGAIN}") from error


@contextlib.contextmanager
def connected(address):
    """A client of the Dask scheduler at an address; ConnectionError if none answers there."""
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port, normalize_address
    except ModuleNotFoundError as error:
        raise ValueError('Dask is not installed: pip install "digitlib[cluster]"') from error
    try:
        # Client goes on trying where nobody is, and waits for ever where nobody speaks
        with socket.create_connection(get_address_host_port(address), PATIENCE) as probe:
            if normalize_address(address).startswith("tcp:"):
                probe.recv(1)  # a scheduler speaks first
        client = Client(address, timeout=10, set_as_default=False)
    except Exception as error:  # what listens there may be anything, and answer anything
        raise ConnectionError(
            f"no Dask scheduler answers at {address!r} ({str(error).partition(chr(10))[0]}); "
            "`dask scheduler` starts one and says its address"
        ) from error
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel("CRITICAL")  # it prints a page when the scheduler is lost
    try:
        with client:
            yield client
    finally:
        log.setLevel(level)


def on_cluster(function, calls, client):
    """The results of calls, a list of tuples of arguments, made by a Dask scheduler's workers.

    Raises
    ------
    ChildProcessError
        If one worker after another is killed over the same call.
    ConnectionError
        If the scheduler is lost.
    """
    from distributed import KilledWorker, wait

    address = client.scheduler.address
    pending = {client.submit(function, *call, pure=False): call for call in calls}
    told = False
    try:
        while pending:
            try:
                with client.as_current():
                    done = wait([*pending], PATIENCE, "FIRST_COMPLETED").done
            except TimeoutError:
                alone = not client.scheduler_info()["workers"]
                if alone and not told:
                    line = f"waiting for a worker: `dask worker {address}` starts one"
                    tqdm.write(line, file=sys.stderr)
                told = alone
                continue
            for future in done:
                call = pending.pop(future)
                yield future.result()
    except KilledWorker as error:
        raise ChildProcessError(
            f"{call[0]}, seed {call[1]}: one worker after another died of it; {AGAIN}"
        ) from error
    except CancelledError as error:
        raise ConnectionError(f"the scheduler {address} was lost; {AGAIN}") from error
