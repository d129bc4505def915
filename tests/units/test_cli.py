"""The command `digitlib`: its `main` in this process; a process only where that is the point."""

import contextlib
import errno
import functools
import io
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import classification_report, confusion_matrix

from digitlib import cli, data, evaluation, export, files, models, recipes, study, training
from digitlib.cli import common, visualize
from digitlib.quiet import keras

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full, /proc: Linux alone has them")
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals, pipes and devices")
BUFFERED = {**os.environ, "PYTHONUNBUFFERED": ""}  # as a rule, what is shown is written at the end
LOADED = functools.cache(data.load)  # to make the sample takes longer than most commands
MODULE = [sys.executable, "-m", "digitlib"]


@pytest.fixture
def main(command, monkeypatch):
    monkeypatch.setattr(data, "load", LOADED)
    return command


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network that the command trained, and what it said."""
    path = tmp_path_factory.mktemp("trained") / "model.keras"
    args = ("train", "dropout", "--epochs", "2", "--seed", "3", "--holdout", "200")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        status = cli.main([*args, "--out", str(path)])
    return path, status, out.getvalue()


@pytest.fixture
def drawn(monkeypatch):
    """Figures that are drawn, but not turned into files, which takes the longest."""
    monkeypatch.setattr(visualize, "image", lambda *_: b"a figure")


@pytest.fixture
def quick(monkeypatch):
    """Training that takes no time, for tests of what comes before and after it."""

    def train(recipe, x, y, *, epochs, **_):
        curves = {"loss": epochs * [1.0], "accuracy": epochs * [0.5]}
        return recipe.build(), SimpleNamespace(history=curves)

    monkeypatch.setattr(training, "train", train)


def complaint(answer, *parts):
    """That a command failed with one line that holds all these parts, and said nothing else."""
    status, out, err = answer
    assert (status, out) == (1, "")
    assert err.startswith("digitlib: ")
    assert err.count("\n") == 1, err
    for part in parts:
        assert str(part) in err


# The way in


def test_the_installed_command():
    command = str(Path(sysconfig.get_path("scripts"), "digitlib"))
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("digitlib ")


def test_python_m(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["digitlib", "--version"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("digitlib", run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("digitlib ")


def test_help_has_examples(main):
    status, out, err = main("--help")
    assert (status, err) == (0, "")
    for name in cli.COMMANDS:
        assert f"\n    {name} " in out or f"\n    {name}\n" in out
        status, own, _ = main(name, "--help")
        assert status == 0
        assert f"examples:\n  digitlib {name}" in own


def test_the_examples_are_understood():
    form = cli.parser()
    for name in cli.COMMANDS:
        for line in sys.modules[f"digitlib.cli.{name}"].EXAMPLES:
            assert form.parse_args([name, *line.split()]).run  # else it exits


def test_help_comes_at_once():
    """That is: nothing is imported that takes its time."""
    code = (
        "import sys; from digitlib import cli\n"
        "for name in cli.COMMANDS: assert cli.main([name, '--help']) == 0\n"
        "slow = {'tensorflow', 'keras', 'numpy', 'matplotlib', 'requests', 'PIL', 'sklearn'}\n"
        "sys.exit(' '.join(slow & {*sys.modules}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_bare_command_shows_the_help_and_has_done_nothing(main):
    assert main() == (2, main("--help")[1], "")


@pytest.mark.parametrize(
    "args",
    [
        *(["teach"], ["train"], ["train", "dropout", "--out", "m.keras", "--epochs", "0"]),
        *(["train", "dropout", "--out", "m.keras", "--seed", "-1"], ["study", "--seeds", "x"]),
        *(["predict"], ["predict", "--model", "m.keras"], ["evaluate"]),
    ],
)
def test_what_is_not_understood_shows_the_usage(main, args):
    status, out, err = main(*args)
    assert (status, out) == (2, "")
    assert err.startswith("usage: digitlib")


# Streams and signals


@POSIX
@pytest.mark.parametrize(
    ("args", "status"), [("--help", 0), ("evaluate", 2), ("visualize reader --out /dev/null", 1)]
)
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_takes_nothing(args, status, closed):
    """What was meant for it goes nowhere: not to another stream, and not into a traceback."""
    command = ["sh", "-c", f'"$0" -m digitlib {args} {closed}', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert bool(done.stdout) == (status == 0 and ">&-" not in closed.split())
    assert bool(done.stderr) == (status != 0 and "2>&-" not in closed.split())
    assert "Traceback" not in done.stderr


@POSIX
def test_a_closed_pipe_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*MODULE, "--help"], stdout=writer, stderr=subprocess.PIPE, env=BUFFERED, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@LINUX
def test_an_output_that_is_full_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*MODULE, "--help"], stdout=full, stderr=subprocess.PIPE, env=BUFFERED, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"digitlib: No space left on device\n")


@POSIX
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_is_one_line(number, tmp_path):
    code = (
        "import signal, sys; from digitlib import cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # it is ignored after a &
        "sys.exit(cli.main(['data', '--data', 'mnist']))"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a proxy that never answers
        silent.settimeout(60)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        env = os.environ | {"HTTPS_PROXY": address, "https_proxy": address}
        env["KERAS_HOME"] = str(tmp_path)
        command = [sys.executable, "-c", code]
        with (
            subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process,
            silent.accept()[0],  # it is at work
        ):
            process.send_signal(getattr(signal, number))
            err = process.communicate(timeout=60)[1]
    interrupted = "digitlib: interrupted; nothing is left half-written\n"
    assert (process.returncode, err) == (130, interrupted)


@POSIX
@pytest.mark.slow
def test_a_training_on_a_terminal_shows_a_bar_and_can_be_interrupted(tmp_path):
    """Elsewhere, as in all other tests of `train`, nothing is shown but the result."""
    import termios

    terminal, ours = os.openpty()
    termios.tcsetwinsize(ours, (24, 80))
    command = [*MODULE, "train", "steps", "--epochs", "100000", "--out", "model.keras"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=ours, stdout=subprocess.PIPE) as process:
        os.close(ours)
        shown = ""
        while not re.search(r" [1-9]\d*/100000 ", shown):
            shown += os.read(terminal, 1000).decode()  # it ends with an error if the process ends
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):
            while part := os.read(terminal, 1000).decode():
                shown += part
        assert process.wait(60) == 130
        assert process.stdout.read() == b""
    os.close(terminal)
    assert "steps:   0%" in shown
    assert shown.endswith("digitlib: interrupted; nothing is left half-written\r\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_training_leaves_nothing(main, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    answer = main("train", "steps", "--out", "model.keras")
    assert answer == (130, "", "digitlib: interrupted; nothing is left half-written\n")
    assert list(Path().iterdir()) == []


def test_a_thread_can_call_it(main):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(main("--version")[0]))
    thread.start()
    thread.join()
    assert answers == [0]


def test_a_missing_tensorflow_is_one_line(main, monkeypatch):
    monkeypatch.setitem(sys.modules, "digitlib.recipes", None)
    complaint(main("recipes"), "digitlib.recipes")


# The commands


def test_data_says_what_it_is(main):
    status, out, err = main("data")
    assert (status, err) == (0, "")
    assert "sample" in out
    assert "is MNIST  no" in out
    assert data.fingerprint(data.load("sample").x_train) in out
    facts = json.loads(main("data", "--json")[1])
    assert facts["is_mnist"] is False
    assert facts["arrays"]["x_test"]["shape"] == [500, 28, 28]


def test_a_notice_of_the_wrong_data_is_no_part_of_the_answer(main, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", "empty")  # and there is no network
    status, out, err = main("data", "--data", "auto", "--json")
    assert status == 0
    assert json.loads(out)["name"] == "sample"
    assert "THIS IS NOT MNIST" in err


def test_recipes_lists_them_all(main):
    status, out, _ = main("recipes")
    assert status == 0
    listed = json.loads(main("recipes", "--json")[1])["recipes"]
    assert [network["name"] for network in listed] == [*recipes.RECIPES, *recipes.RECORDS]
    assert listed[0]["layers"] == ["Flatten", "Dense 128 relu", "Dropout 0.2", "Dense 10 softmax"]
    assert listed[0]["parameters"] == 784 * 128 + 128 + 128 * 10 + 10
    (tiny,) = (network for network in listed if network["name"] == "record-10k")
    assert "DepthwiseConv2D 3x3 /2" in tiny["layers"]
    lines = [{*line.split()} for line in out.splitlines()]
    for network in listed:
        assert any({network["name"], str(network["parameters"])} <= line for line in lines)


def test_train_saves_the_network_that_the_book_trains(trained):
    path, status, out = trained
    assert status == 0
    assert out.startswith(f"{path}: recipe dropout, seed 3, epochs 2, data sample")
    digits = data.load()
    x, y = training.scale(digits.x_train), digits.y_train
    ours, history = training.train("dropout", x[:-200], y[:-200], seed=3, epochs=2)
    theirs = keras.models.load_model(path)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert path.stat().st_size < 1.2 * 4 * theirs.count_params(), "no state of the optimizer"
    record = json.loads(path.with_name("model.keras.history.json").read_text("utf-8"))
    assert record["history"]["loss"] == pytest.approx(history.history["loss"])
    assert len(record["history"]["val_accuracy"]) == 2
    names = {file.name for file in path.parent.iterdir()}
    assert names == {"model.keras", "model.keras.history.json"}


def test_a_recipe_has_a_number_too(main, quick):
    status, out, _ = main("train", "5", "--epochs", 1, "--out", "model.keras")
    assert status == 0
    assert "recipe steps" in out


def test_evaluate_says_what_scikit_learn_says(main, trained, monkeypatch):
    digits, model = data.load(), models.load(trained[0])
    y_pred = models.answers(model, digits.x_test).argmax(axis=1)
    right = int((y_pred == digits.y_test).sum())
    monkeypatch.setattr(models, "load", lambda _: model)  # once is enough
    status, out, err = main("evaluate", trained[0])
    assert (status, err) == (0, "")
    assert f"{right} of 500 right, {right / 500:.2%}" in out
    matrix = confusion_matrix(digits.y_test, y_pred)
    for digit in range(10):
        assert [str(digit), *map(str, matrix[digit])] in [line.split() for line in out.splitlines()]
    status, out, err = main("evaluate", trained[0], "--json")
    facts = json.loads(out)
    assert (status, err, facts["correct"]) == (0, "", right)
    assert facts["low"] < facts["value"] < facts["high"]
    assert facts["confusion_matrix"] == matrix.tolist()
    report = classification_report(digits.y_test, y_pred, output_dict=True, zero_division=np.nan)
    for digit in range(10):
        for name, key in [("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")]:
            assert facts["per_class"][name][digit] == pytest.approx(report[str(digit)][key])


def test_a_digit_that_is_never_answered_has_no_precision(main, monkeypatch):
    model = recipes.get("steps").build()
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    monkeypatch.setattr(models, "load", lambda _: model)
    status, out, err = main("evaluate", "zero.keras")
    assert (status, err) == (0, "")
    assert "nan" in out
    assert (
        json.loads(main("evaluate", "zero.keras", "--json")[1])["per_class"]["precision"][5] is None
    )


def test_visualize_draws_curves_matrix_and_mistakes(main, trained):
    out = Path("new") / "figures"
    status, said, err = main("visualize", trained[0], "--out", out)
    assert (status, err) == (0, "")
    names = [
        f"{name}.{kind}" for name in ("curves", "matrix", "mistakes") for kind in ("png", "svg")
    ]
    assert sorted(path.name for path in out.iterdir()) == names
    assert said.split() == [str(out / name) for name in names]
    for path in out.glob("*.png"):
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 5, "an empty figure"
    for path in out.glob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg")
        assert str(time.gmtime().tm_year) not in path.read_text("utf-8")[:2000]


def test_curves_of_another_network_are_not_shown(main, trained, drawn):
    models.save(recipes.get("steps").build(), "other.keras")
    shutil.copy(f"{trained[0]}.history.json", "other.keras.history.json")
    Path("figures").mkdir()
    Path("figures/curves.png").write_text("of an earlier network")
    status, out, err = main("visualize", "other.keras", "--out", "figures", "--force", "--json")
    assert (status, "curves" in out) == (0, False)
    assert err == "no curves: other.keras.history.json belongs to another network\n"
    assert not Path("figures/curves.png").exists()


def test_mistakes_of_another_network_are_not_shown(main, trained, drawn, monkeypatch):
    monkeypatch.setattr(evaluation, "mistakes", lambda *_: np.array([], int))
    Path("figures").mkdir()
    Path("figures/mistakes.svg").write_text("of an earlier network")
    status, out, _ = main("visualize", trained[0], "--out", "figures", "--force")
    assert (status, "mistakes" in out) == (0, False)
    assert not Path("figures/mistakes.svg").exists()


def test_curves_that_are_not_there_are_told(capsys):
    assert visualize.read_history("none.keras") == {}
    assert capsys.readouterr().err == "no curves: there is no none.keras.history.json\n"


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"history": {"loss": ["x"]}}', '{"history": {}}', "[" * 100_000),
        '{"history": {"loss": [], "accuracy": []}}',
        '{"history": {"loss": [1], "accuracy": [1, 1]}}',
        '{"history": {"loss": [NaN], "accuracy": [1]}}',
        '{"history": {"loss": [1], "accuracy": [%s]}}' % (400 * "9"),
    ],
    ids=lambda text: text[:40],
)
def test_a_broken_history_is_told(tmp_path, text):
    (tmp_path / "model.keras.history.json").write_text(text)
    with pytest.raises(common.Problem, match="not a record of a training; delete it to go without"):
        visualize.read_history(str(tmp_path / "model.keras"))


def test_h5_and_one_epoch_are_quiet(main, quick, drawn):
    status, _, err = main("train", "sigmoid", "--epochs", 1, "--out", "model.h5")
    assert (status, err) == (0, "")
    # sigmoid outputs do not sum to one; the gallery of the surest mistakes needs probabilities
    status, _, err = main("visualize", "model.h5", "--out", ".")
    assert (status, err) == (0, "")


def test_suffixes_in_capitals(main, quick, monkeypatch):
    monkeypatch.setattr(export, "litert", lambda *_: b"a network")
    for name in ("A.KERAS", "B.H5"):
        assert main("train", "steps", "--epochs", 1, "--out", name)[0] == 0
    assert main("export", "A.KERAS", "--out", "A.TFLITE")[0] == 0
    assert main("export", "B.H5", "--out", "B.JS")[0] == 0
    assert Path("A.TFLITE").read_bytes() == b"a network"
    assert Path("B.JS").read_bytes() == export.script("network", b"a network")


def test_export_writes_what_litert_makes(main, trained, monkeypatch):
    asked = []
    monkeypatch.setattr(export, "litert", lambda *args: asked.append(args) or b"a network")
    args = ("export", trained[0], "--out", "model.tflite", "--weights", "int8", "--json")
    status, out, err = main(*args)
    assert (status, err) == (0, "")
    assert json.loads(out) == {"file": "model.tflite", "weights": "int8", "bytes": 9}
    assert Path("model.tflite").read_bytes() == b"a network"
    ((model, weights, examples, maps),) = asked
    assert (model.count_params(), weights) == (models.load(trained[0]).count_params(), "int8")
    assert not maps
    np.testing.assert_array_equal(examples, data.load().x_train)


def test_the_network_of_the_package_has_a_word(main, trained, drawn, monkeypatch):
    model = models.load(trained[0])
    monkeypatch.setattr(models, "reader", lambda: model)
    monkeypatch.setattr(export, "litert", lambda network, *_: str(network is model).encode())
    ours, its = (json.loads(main("evaluate", name, "--json")[1]) for name in (trained[0], "reader"))
    assert its == ours | {"model": "reader"}
    status, out, err = main("visualize", "reader", "--out", ".")
    assert (status, err) == (0, "")
    assert "curves.png" in out  # of its training, which is kept beside it
    assert main("export", "reader", "--out", "reader.tflite")[0] == 0
    assert Path("reader.tflite").read_text() == "True"


# What goes wrong


def test_an_unknown_recipe_is_told_the_known_ones(main):
    complaint(main("train", "lenet", "--out", "m.keras"), "'lenet'", *recipes.RECIPES)
    complaint(main("study", "--recipes", "lenet", "--out", "s.jsonl"), "'lenet'", "svm", "all")
    assert list(Path().iterdir()) == []


def test_an_output_that_exists_is_kept_unless_forced(main, quick):
    Path("m.keras").write_text("precious")
    complaint(main("train", "steps", "--out", "m.keras"), "m.keras", "exists", "--force")
    assert Path("m.keras").read_text() == "precious"
    assert main("train", "steps", "--epochs", 1, "--out", "m.keras", "--force")[0] == 0
    complaint(main("train", "steps", "--out", "m.keras"), "exists")
    Path("m.keras").unlink()
    complaint(main("train", "steps", "--out", "m.keras"), "m.keras.history.json", "exists")
    Path("figures").mkdir()
    Path("figures/matrix.svg").write_text("precious")
    complaint(main("visualize", "m.keras", "--out", "figures"), "matrix.svg", "exists", "--force")


@pytest.mark.parametrize(
    "args",
    [
        *(
            ["train", "steps", "--epochs", "1", "--out", "x.keras"],
            ["visualize", "m", "--out", "."],
        ),
        *(["export", "m", "--out", "x.tflite"], ["predict", "photo.png", "--boxes", "x.png"]),
    ],
    ids=lambda args: args[0],
)
def test_an_output_that_another_process_makes_meanwhile_is_kept_too(
    main, quick, drawn, monkeypatch, args
):
    real, late = files.write_whole, []

    def after_another(raw, path, **how):
        late.append(Path(path))
        late[-1].write_text("of another")
        return real(raw, path, **how)

    model = recipes.get("steps").build()
    monkeypatch.setattr(models, "load", lambda _: model)
    monkeypatch.setattr(models, "reader", lambda: model)
    monkeypatch.setattr(export, "litert", lambda *_: b"a network")
    monkeypatch.setattr(files, "write_whole", after_another)
    Image.new("L", (60, 60), 255).save("photo.png")
    status, out, err = main(*args)
    (first,) = late
    assert (status, out) == (1, "")
    assert err.endswith(
        f"digitlib: {first}: exists; name another file, or overwrite it with --force\n"
    )
    assert first.read_text() == "of another"
    assert main(*args, "--force")[0] == 0
    assert first.read_bytes() != b"of another"


def test_an_output_that_cannot_be(main):
    complaint(main("train", "steps", "--out", "model.pt"), "model.pt", ".keras", ".h5")
    complaint(main("export", "reader", "--out", "model.pt"), "model.pt", ".tflite", ".js")
    complaint(main("train", "steps", "--out", "no/where/m.keras"), "there is no folder no")
    Path("m.keras").mkdir()
    complaint(main("train", "steps", "--out", "m.keras"), "is a folder; name a file")
    Path("file").touch()
    complaint(main("visualize", "m.keras", "--out", "file"), "is a file; name a folder")
    complaint(main("study", "--out", "no/where.jsonl"), "there is no folder no")


@POSIX
def test_a_device_is_no_output(main):
    complaint(main("study", "--out", "/dev/null"), "/dev/null: is no ordinary file")
    complaint(main("train", "steps", "--out", "/dev/null", "--force"), "is no ordinary file")


@LINUX
def test_a_folder_that_takes_no_file_is_noticed_before_training(main):
    answer = main("train", "steps", "--out", "/proc/model.keras")
    complaint(answer, "/proc/model.keras: cannot be written", "name another place")


def test_a_holdout_of_everything_is_refused(main):
    answer = main("train", "steps", "--holdout", 1297, "--out", "m.keras")
    complaint(answer, "only 1297 training images")


def test_a_network_that_is_refused_is_one_line(main):
    complaint(main("evaluate", "model.keras"), "model.keras: no such file")
    Path("model.keras").write_text("<html>")
    complaint(main("visualize", "model.keras", "--out", "f"), "model.keras", "it is neither")
    model = recipes.get("steps").build()
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    models.save(model, "nan.keras")
    complaint(main("visualize", "nan.keras", "--out", "f"), "nan.keras: the network gives NaN")
    assert not Path("f").exists()


def test_missing_data_is_one_line(main):
    for command in (["data"], ["train", "steps", "--out", "m.keras"], ["study", "--out", "s"]):
        complaint(main(*command, "--data", "nowhere.npz"), "nowhere.npz", "path")
    assert list(Path().iterdir()) == []


@contextlib.contextmanager
def files_no_larger_than(size):
    import resource

    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))


@LINUX
def test_no_room_on_the_disk_is_one_line_and_leaves_nothing(main, quick):
    with files_no_larger_than(100_000):
        answer = main("train", "steps", "--epochs", 1, "--out", "model.keras")
    complaint(answer, "model.keras: cannot be written", "make room")
    assert list(Path().iterdir()) == []


def test_a_disk_that_fills_at_the_last_moment_is_one_line_too(main, quick, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = main("train", "steps", "--epochs", 1, "--out", "model.keras")
    complaint(answer, "model.keras: cannot be written (No space left on device); make room")
    assert list(Path().iterdir()) == []


# The study, as a command


def small(out="s", recipes="nearest-mean"):
    return ("study", "--recipes", recipes, "--epochs", 1, "--jobs", 1, "--out", out)


def test_study_makes_what_is_missing(main):
    status, out, err = main(*small(recipes="nearest-mean"))
    assert (status, err) == (0, "")
    assert "1 runs, 1 of them made now" in out
    facts = json.loads(main(*small(recipes="commonest,nearest-mean"), "--json")[1])
    assert (facts["runs"], facts["made"]) == (2, 1)
    rows, cut_off = study.read("s")
    assert not cut_off
    assert len(rows) == 2


def test_study_passes_on_what_is_asked(main, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "run", lambda *args, **how: asked.append((args, how)) or [])
    args = ("--recipes", "steps, svm", "--seeds", 2, "--epochs", 3, "--jobs", 9, "--data", "sample")
    assert main("study", *args, "--validate", "--unsure", "--out", "s")[0] == 0
    runs = [("steps", 0, 3), ("steps", 1, 3), ("svm", 0, None)]
    how = {"source": "sample", "validate": True, "unsure": True, "jobs": 3, "dask": None}
    assert asked == [((Path("s"), runs), how)]


@pytest.mark.parametrize(
    "text",
    [
        *("precious", "precious\n", '{"recipe": 1}\n', "[1]\n", "{", '{"recipe":"cake","eggs":3}'),
        *('{"recipe":"cake","eggs', "[" * 100_000 + "\n"),
    ],
    ids=lambda text: text[:20],
)
def test_another_file_is_not_taken_for_a_study(main, text):
    Path("s").write_text(text)
    complaint(main(*small()), "s, line 1", "expected a row of a study")
    assert Path("s").read_text() == text


def test_a_torn_last_line_is_noticed_and_made_again(main):
    two = small(recipes="nearest-mean,commonest")
    main(*two)
    whole = Path("s").read_text()
    Path("s").write_text(whole[:-40])
    assert study.read("s")[1], "cut off"
    status, out, err = main(*two)
    assert (status, err) == (0, "s: the last line was cut off; that run is made again\n")
    assert "2 runs, 1 of them made now" in out
    for old, new in zip(whole.splitlines(), Path("s").read_text().splitlines(), strict=True):
        assert json.loads(old)["digest"] == json.loads(new)["digest"]


def test_a_last_row_without_its_newline_is_a_row(main):
    two = small(recipes="nearest-mean,commonest")
    main(*two)
    whole = Path("s").read_text()
    Path("s").write_text(whole.rstrip())
    assert "2 runs, 0 of them made now" in main(*two)[1]
    assert Path("s").read_text() == whole
    Path("s").write_text(whole + '{"rec')
    assert "2 runs, 0 of them made now" in main(*two)[1]
    assert Path("s").read_text() == whole


def test_an_interrupted_study_leaves_no_empty_file(main, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "one_run", interrupted)
    assert main(*small()) == (130, "", "digitlib: interrupted; nothing is left half-written\n")
    assert not Path("s").exists()


@LINUX
def test_a_full_disk_costs_the_row_and_not_the_file(main):
    three = small(recipes="nearest-mean,commonest,logistic")
    with files_no_larger_than(4000):
        answer = main(*three)
    complaint(answer, "s: File too large; make room")
    rows, _ = study.read("s")
    assert 0 < len(rows) < 3
    assert main(*three)[0] == 0
    assert len(study.read("s")[0]) == 3
