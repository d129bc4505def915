"""Start the kernels of chapters sooner: forked from a process that has imported TensorFlow.

That import, and scikit-learn's, take longer than many a chapter needs on the sample.

kernels.py NUMBER           import what the chapters do, then fork a kernel for all who ask at a
                            socket that is open under this number
kernels.py SOCKET ARGS...   ask for one, with the arguments of ipykernel, and live as long as it does

The Python that runs this may have nothing beside ipykernel, so no package is imported at the top.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

NAME = "python3"


@contextlib.contextmanager
def kernels(python=sys.executable, path=None):
    """The environment in which Jupyter finds such a kernel, under the name in `NAME`.

    `python` is the kernel's Python, and `path` where it finds digitlib, if it is not installed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = os.environ.get("PYTHONPATH", "")
        environment = os.environ | {
            "JUPYTER_PATH": name,  # a user's own kernel of that name is passed over
            "PYTHONPATH": os.pathsep.join(filter(None, [path and str(path), known])),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a warning of the kernel's debugger
        }
        argv = [str(python), "-m", "ipykernel_launcher"]
        server = contextlib.nullcontext()
        door = str(folder / "socket")
        # a process with threads cannot be forked safely, and elsewhere than here it has some; a
        # socket's path is short
        if sys.platform == "linux" and len(os.fsencode(door)) < 108:
            script = [str(python), str(Path(__file__).resolve())]
            argv = [*script, door]
            with socket.socket(socket.AF_UNIX) as listening:  # there before anyone asks
                listening.bind(door)
                listening.listen()
                number = listening.fileno()
                server = subprocess.Popen(
                    [*script, str(number)], env=environment | {"OPENBLAS_NUM_THREADS": "1"},
                    start_new_session=True, pass_fds=[number], stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
        argv += ["--log-level=CRITICAL", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": NAME, "language": "python"}
        kernel = folder / "kernels" / NAME
        kernel.mkdir(parents=True)
        (kernel / "kernel.json").write_text(json.dumps(spec))
        with server:  # its end is the end of its standard input
            yield environment


SMALLEST = 10  # CSS pixels of text in a figure, where the page has the width of a phone:
PHONE = 328  # of 360, what the margins leave


def legible():
    """From now on refuse, in this process, to show a figure whose text is too small on a phone."""
    from matplotlib import backend_bases, text

    canvas, written = backend_bases.FigureCanvasBase, []
    write, show = text.Text.draw, canvas.print_figure

    def draw(one, *args, **kwargs):
        written.append((one.get_fontsize(), one.get_text().strip()))
        write(one, *args, **kwargs)

    def print_figure(self, file, *args, **kwargs):
        written.clear()
        result = show(self, file, *args, **kwargs)
        if kwargs.get("format") == "png" and hasattr(file, "getbuffer"):
            width = int.from_bytes(file.getbuffer()[16:20])  # where a PNG says it
            points = self.figure.get_dpi() / 72 * min(1, PHONE / width)
            size, words = min(((size, words) for size, words in written if words), default=(99, ""))
            if size * points < SMALLEST:
                raise ValueError(
                    f"{words!r} is {size * points:.1f} pixels high on a phone, and has to be "
                    f"{SMALLEST}: draw the figure narrower, or its text larger"
                )
        return result

    text.Text.draw, canvas.print_figure = draw, print_figure


def serve(number):
    """Fork kernels for those who come to the socket of this number, until standard input ends."""
    del sys.path[0]  # this folder is none of a chapter's
    with socket.socket(fileno=int(number)) as door:
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # read at import
        from ipykernel import kernelapp

        with contextlib.suppress(ImportError):  # what takes long, and nearly all chapters use
            for name in ("digitlib.quiet", "sklearn.datasets", "sklearn.model_selection"):
                importlib.import_module(name)
            legible()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            line = door.accept()[0]
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                door.close()
                asked = json.loads(line.makefile().readline())
                os.chdir(asked["cwd"])
                os.environ.update(asked["environ"])
                threading.Thread(target=obey, args=[line], daemon=True).start()
                kernelapp.launch_new_instance(argv=asked["argv"])
                return  # and end as any process does, with what is to be tidied up
            line.close()


def obey(line):
    """Interrupt this process at each word of the other one, and end it with the other one."""
    while line.recv(1):
        os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGKILL)


def ask(path, *argv):
    """Have a kernel forked, and wait for its end, or that of the process that wanted it."""
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        signal.signal(signal.SIGINT, lambda *_: line.send(b"!"))
        asked = {"cwd": os.getcwd(), "environ": dict(os.environ), "argv": argv}
        line.sendall((json.dumps(asked) + "\n").encode())
        while not select.select([line], [], [], 0.5)[0] and os.getppid() == parent:
            pass


if __name__ == "__main__":
    (serve if len(sys.argv) == 2 else ask)(*sys.argv[1:])
