"""How is a file written as a whole or not at all, kept to one writer, and found in the package?"""

import base64
import contextlib
import gzip
import os
import secrets
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None
    import msvcrt


def packed(content):
    """Bytes, gzipped, in base64, as the pages unpack them: the same text for the same bytes."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def packaged(name):
    """The path of a file that the book keeps and installs with the package.

    `name` begins with its folder under book/, results or web: "results/study.jsonl". Write it out
    in full: the build looks for these names to know which files a chapter depends on.
    """
    here = Path(__file__).resolve().parent
    installed, working_copy = here / name, here.parent / "book" / name
    return installed if installed.exists() else working_copy


def write_whole(raw, path, *, replace=True):
    """Write bytes to a file so that it is there as a whole or not at all, even if we are killed.

    (Where a disk has no links, a kill can leave an empty file of that name, if it was free.)

    Folders on the way are made.

    Raises
    ------
    FileExistsError
        If it is there already, and is not to be replaced.
    OSError
        If it cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(part, path)
        elif fcntl:  # a rename would replace
            try:
                os.link(part, path)
                os.unlink(part)
            except FileExistsError:
                raise
            except OSError:  # no links here, as on a mounted Google Drive
                with open(path, "xb"):
                    pass  # the name is ours
                try:
                    os.replace(part, path)
                except OSError:
                    os.unlink(path)
                    raise
        else:
            os.rename(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def lock(file):
    """Keep others from locking an open file until it is closed.

    Raises BlockingIOError if somebody else has it.
    """
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    try:
        os.lseek(file.fileno(), 2**30, os.SEEK_SET)  # behind the end: locked bytes cannot be read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError as error:
        raise BlockingIOError(error.errno, error.strerror) from error
