"""The same from a terminal: the steps of the book as commands.

Results go to stdout, progress (on a terminal only) and complaints to stderr. The exit status is
0 if all went well, 1 if something could not be done, 2 if the command was not understood or none
was given, and 130 after Ctrl-C or SIGTERM.

A command is a file of this folder, and a name in `COMMANDS`. The file says in `WHAT` what the
command does, in `EXAMPLES` how it is called, declares its arguments in `arguments(parser)`, and
does it in `run(args)`, which gives the exit status, None for 0. What is slow to import, TensorFlow
above all, is imported in `run`, so that --help comes at once.
"""

import argparse
import contextlib
import importlib
import os
import signal
import sys

import digitlib
from digitlib.cli.common import Problem, complain

COMMANDS = ("data", "recipes", "train", "evaluate", "predict", "export", "visualize", "study")


def main(argv=None):
    """Run the command; gives the exit status."""
    _make_safe()
    with contextlib.suppress(ValueError):  # in a thread; the main one decides for itself
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # such as | head
        return 1
    except (Problem, ValueError, ImportError) as error:
        complain(f"digitlib: {error}")
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"digitlib: {where}{error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        complain("digitlib: interrupted; nothing is left half-written")
        return 130
    finally:
        _let_go(sys.stdout)
        _let_go(sys.stderr)


def parser():
    """The command line, as argparse reads it."""
    form = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "digitlib",
        description="Learning to Read Digits, from a terminal.",
        epilog="Each command has examples: digitlib train --help",
        formatter_class=form,
    )
    top.add_argument("--version", action="version", version=f"digitlib {digitlib.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = importlib.import_module(f"digitlib.cli.{name}")
        sub = commands.add_parser(
            name,
            help=command.WHAT,
            description=f"{command.WHAT[0].upper()}{command.WHAT[1:]}.",
            epilog="\n  ".join(["examples:", *(f"digitlib {name} {e}" for e in command.EXAMPLES)]),
            formatter_class=form,
        )
        sub.add_argument("--json", action="store_true", help="print JSON instead of text")
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def _run(argv):
    top = parser()
    if not argv:  # a person is shown what there is; a script hears that nothing was done
        top.print_help()
        return 2
    try:
        args = top.parse_args(argv)
    except SystemExit as end:  # after --help and --version, and after what is not understood
        return end.code
    return args.run(args) or 0


def _make_safe():
    """Make the standard streams take whatever we write, in whatever state we got them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed, as by 2>&-: the next file would get its number
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # the name of a file may be no text
            stream.reconfigure(errors="backslashreplace")


def _let_go(stream):
    """Drop what a stream does not take, or Python complains of it once more when it ends."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
