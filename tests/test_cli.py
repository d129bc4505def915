"""The command `digitlib`, called as from a shell; where only a message counts, its `main`."""

import fcntl
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitlib import cli, data, recipes, study, training
from digitlib.quiet import keras

COMMAND = str(Path(sys.executable).with_name("digitlib"))


def digitlib(*args, cwd=None, **options):
    """The command in a shell of its own: (exit status, stdout, stderr)."""
    result = subprocess.run(
        [COMMAND, *map(str, args)], capture_output=True, text=True, check=False, cwd=cwd, **options
    )
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def main(capsys, tmp_path, monkeypatch):
    """The command in this process, in an empty folder: the same three."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        capsys.readouterr()
        status = cli.main([*map(str, args)])
        return status, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder in which the command trained a network, and what it said."""
    folder = tmp_path_factory.mktemp("trained")
    args = ("train", "dropout", "--epochs", 2, "--seed", 3, "--holdout", 200)
    return folder, digitlib(*args, "--out", "model.keras", cwd=folder)


def complaint(answer, *parts):
    """That a command failed with one line that holds all these parts, and said nothing else."""
    status, out, err = answer
    assert (status, out) == (1, "")
    assert err.startswith("digitlib: ")
    assert err.count("\n") == 1, err
    for part in parts:
        assert str(part) in err


# What it does


def test_help_comes_at_once_and_has_examples():
    start = time.perf_counter()
    status, out, err = digitlib("--help")
    assert (status, err) == (0, "")
    for name in ("data", "recipes", "train", "evaluate", "visualize", "study"):
        assert f"\n    {name} " in out or f"\n    {name}\n" in out
        status, own, _ = digitlib(name, "--help")
        assert status == 0
        assert f"examples:\n  digitlib {name}" in own
    assert time.perf_counter() - start < 20, "no command imports TensorFlow to print its help"


@pytest.mark.parametrize(
    "args", [[], ["teach"], ["train"], ["train", "dropout", "--out", "m.keras", "--epochs", "0"],
             ["train", "dropout", "--out", "m.keras", "--seed", "-1"], ["study", "--seeds", "x"]]
)  # fmt: skip
def test_what_is_not_understood_shows_the_usage(args):
    status, out, err = digitlib(*args)
    assert (status, out) == (2, "")
    assert err.startswith("usage: digitlib")


def test_data_says_what_it_is():
    status, out, err = digitlib("data")
    assert (status, err) == (0, "")
    assert "sample" in out
    assert "is MNIST  no" in out
    assert data.fingerprint(data.load("sample").x_train) in out
    facts = json.loads(digitlib("data", "--json")[1])
    assert facts["is_mnist"] is False
    assert facts["arrays"]["x_test"]["shape"] == [500, 28, 28]


def test_a_notice_of_the_wrong_data_is_no_part_of_the_answer(main, monkeypatch):
    monkeypatch.setattr(data, "MIRRORS", ())
    status, out, err = main("data", "--data", "auto", "--json")
    assert status == 0
    assert json.loads(out)["name"] == "sample"
    assert "THIS IS NOT MNIST" in err


def test_recipes_lists_them_all(main):
    status, out, _ = main("recipes")
    assert status == 0
    listed = json.loads(main("recipes", "--json")[1])["recipes"]
    assert [network["name"] for network in listed] == list(recipes.RECIPES)
    assert listed[0]["layers"] == ["Flatten", "Dense 128 relu", "Dropout 0.2", "Dense 10 softmax"]
    for network in listed:
        assert network["parameters"] == recipes.get(network["name"]).build().count_params()
        assert any({network["name"], str(network["parameters"])} <= {*line.split()} for line in
                   out.splitlines())  # fmt: skip


def test_train_saves_the_network_that_the_book_trains(trained):
    folder, (status, out, err) = trained
    assert (status, err) == (0, "")
    assert out.startswith("model.keras: recipe dropout, seed 3, epochs 2, data sample")
    digits = data.load()
    x, y = training.scale(digits.x_train), digits.y_train
    ours, history = training.train("dropout", x[:-200], y[:-200], seed=3, epochs=2)
    theirs = keras.models.load_model(folder / "model.keras")
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    size = (folder / "model.keras").stat().st_size
    assert size < 1.2 * 4 * theirs.count_params(), "the weights, and no state of the optimizer"
    record = json.loads((folder / "model.keras.history.json").read_text())
    assert record["history"]["loss"] == pytest.approx(history.history["loss"])
    assert len(record["history"]["val_accuracy"]) == 2
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.keras", "model.keras.history.json",
    ]  # fmt: skip


def test_evaluate_says_what_scikit_learn_says(main, trained):
    from sklearn.metrics import classification_report
    from sklearn.metrics import confusion_matrix as matrix_of

    digits = data.load()
    model = keras.models.load_model(trained[0] / "model.keras")
    y_pred = model.predict(training.scale(digits.x_test), verbose=0).argmax(axis=1)
    right = int((y_pred == digits.y_test).sum())
    status, out, err = digitlib("evaluate", "model.keras", cwd=trained[0])
    assert (status, err) == (0, "")
    assert f"{right} of 500 right, {right / 500:.2%}" in out
    matrix = matrix_of(digits.y_test, y_pred)
    for digit in range(10):
        assert [str(digit), *map(str, matrix[digit])] in [line.split() for line in out.splitlines()]
    status, out, err = main("evaluate", trained[0] / "model.keras", "--json")
    facts = json.loads(out)
    assert (status, err, facts["correct"]) == (0, "", right)
    assert facts["low"] < facts["value"] < facts["high"]
    assert facts["confusion_matrix"] == matrix.tolist()
    report = classification_report(digits.y_test, y_pred, output_dict=True, zero_division=np.nan)
    for digit in range(10):
        for name, key in [("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")]:
            assert facts["per_class"][name][digit] == pytest.approx(report[str(digit)][key])


def test_visualize_draws_curves_matrix_and_mistakes(trained, tmp_path):
    out = tmp_path / "new" / "figures"
    status, said, err = digitlib("visualize", trained[0] / "model.keras", "--out", out)
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
        assert str(time.gmtime().tm_year) not in path.read_text()[:2000]


def test_visualize_without_a_history_says_so(main, trained):
    shutil.copy(trained[0] / "model.keras", "other.keras")
    status, out, err = main("visualize", "other.keras", "--out", "figures")
    assert status == 0
    assert "curves" not in out
    assert "no curves: there is no other.keras.history.json" in err


def test_curves_of_another_network_are_not_shown(main, trained):
    shutil.copy(trained[0] / "model.keras.history.json", "other.keras.history.json")
    keras.models.load_model(trained[0] / "model.keras").save("other.keras")
    Path("figures").mkdir()
    Path("figures/curves.png").write_text("of an earlier network")
    status, _, err = main("visualize", "other.keras", "--out", "figures", "--force")
    assert status == 0
    assert err == "no curves: other.keras.history.json belongs to another network\n"
    assert not Path("figures/curves.png").exists()


def test_h5_is_written_and_read_quietly(main):
    status, _, err = main("train", "sigmoid", "--epochs", 1, "--out", "model.h5")
    assert (status, err) == (0, "")
    status, out, err = main("evaluate", "model.h5", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["n"] == 500
    # sigmoid outputs do not sum to one; the gallery of the surest mistakes needs probabilities
    assert main("visualize", "model.h5", "--out", ".")[0] == 0


@pytest.mark.parametrize("shape", [(784,), (28, 28, 1)])
def test_networks_with_other_frames_for_the_same_pixels_are_read(main, shape):
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save("model.keras")
    assert main("evaluate", "model.keras")[0] == 0


# What goes wrong


def test_an_unknown_recipe_is_told_the_known_ones(main):
    complaint(main("train", "lenet", "--out", "m.keras"), "'lenet'", *recipes.RECIPES)
    complaint(main("study", "--recipes", "lenet", "--out", "s.jsonl"), "'lenet'", "svm", "all")
    assert list(Path().iterdir()) == []


def test_an_output_that_exists_is_kept_unless_forced(main):
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


def test_an_output_that_cannot_be(main):
    complaint(main("train", "steps", "--out", "model.pt"), "model.pt", ".keras or .h5")
    complaint(main("train", "steps", "--out", "no/where/m.keras"), "there is no folder no/where")
    Path("m.keras").mkdir()
    complaint(main("train", "steps", "--out", "m.keras"), "is a folder; name a file")
    Path("file").touch()
    complaint(main("visualize", "m.keras", "--out", "file"), "is a file; name a folder")
    complaint(main("study", "--out", "no/where.jsonl"), "there is no folder no")


@pytest.mark.parametrize("path", ["/dev/null", "/dev/full"])
def test_a_device_is_no_output(main, path):
    complaint(main("study", "--out", path), path, "is no ordinary file")
    complaint(main("train", "steps", "--out", path, "--force"), path, "is no ordinary file")


def test_a_folder_that_takes_no_file_is_noticed_before_training(main):
    answer = main("train", "steps", "--epochs", 100_000, "--out", "/proc/model.keras")
    complaint(answer, "/proc/model.keras", "cannot be written")


def test_a_holdout_of_everything_is_refused(main):
    answer = main("train", "steps", "--holdout", 1297, "--out", "m.keras")
    complaint(answer, "only 1297 training images")


def foreign(path):
    layers = [keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save(path)


def two_inputs(path):
    one, two = keras.Input((28, 28)), keras.Input((28, 28))
    flat = keras.layers.Flatten()(keras.layers.Add()([one, two]))
    keras.Model([one, two], keras.layers.Dense(10)(flat)).save(path)


def any_size(path):
    layers = [keras.Input((None, None, 1)), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([*layers, keras.layers.Dense(10)]).save(path)


def several_outputs(path):
    image = keras.Input((28, 28))
    keras.Model(image, {"a": keras.layers.Dense(10)(keras.layers.Flatten()(image))}).save(path)


def two_by_five(path):
    layers = [keras.layers.Flatten(), keras.layers.Dense(10), keras.layers.Reshape((2, 5))]
    keras.Sequential([keras.Input((28, 28)), *layers]).save(path)


def not_a_number(path):
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    model.save(path)


def lambda_layer(path):
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential([*layers, keras.layers.Lambda(lambda x: x + 1)]).save(path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (None, "no such file"),
        (Path.mkdir, "is no ordinary file"),
        (Path.touch, "it is neither"),
        (lambda path: path.write_bytes(b"PK\x03\x04 broken"), "not a network that Keras can load"),
        (lambda path: path.write_text("<html>"), "it is neither"),
        (lambda path: path.write_bytes(b"\x89HDF"), "its content is .h5: rename it"),
        (foreign, "reads (None, 8, 8)"),
        (two_inputs, "expected a network that reads images of 28×28 pixels"),
        (any_size, "expected a network that reads images of 28×28 pixels"),
        (several_outputs, "expected a network with one output"),
        (two_by_five, "gives (None, 2, 5)"),
        (not_a_number, "gives NaN or infinity; train it again"),
        (lambda_layer, "not a network that Keras can load"),  # it would run code of the file
    ],
)
@pytest.mark.parametrize("command", [["evaluate"], ["visualize", "--out", "figures"]])
def test_a_missing_or_foreign_model_is_one_line(main, command, make, told):
    if make:
        make(Path("model.keras"))
    complaint(main(*command, "model.keras"), "model.keras", told)
    assert not Path("figures").exists()


@pytest.mark.parametrize("name", ["model.h5", "model.txt"])
def test_a_model_file_of_another_kind_is_one_line(main, name):
    Path(name).write_text("no network")
    complaint(main("evaluate", name), name, "in a .keras or .h5 file; it is neither")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"history": {"loss": ["x"]}}', '{"history": {}}', "[" * 100_000),
        '{"history": {"loss": [], "accuracy": []}}',
        '{"history": {"loss": [1], "accuracy": [1, 1]}}',
        '{"history": {"loss": [NaN], "accuracy": [1]}}',
        '{"history": {"loss": [1], "accuracy": [%s]}}' % (400 * "9"),
    ],
)
def test_a_broken_history_is_one_line(main, trained, text):
    shutil.copy(trained[0] / "model.keras", "model.keras")
    Path("model.keras.history.json").write_text(text)
    complaint(main("visualize", "model.keras", "--out", "f"), "not a record of a training")


def test_a_missing_data_file_is_one_line(main):
    for command in (["data"], ["train", "steps", "--out", "m.keras"], ["study", "--out", "s"]):
        complaint(main(*command, "--data", "nowhere.npz"), "nowhere.npz", "path")
    assert list(Path().iterdir()) == []


def test_no_room_on_the_disk_is_one_line_and_leaves_nothing(tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    args = ("train", "steps", "--epochs", 1, "--out", "model.keras")
    answer = digitlib(*args, cwd=tmp_path, preexec_fn=small_files)
    complaint(answer, "model.keras", "make room")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_leaves_nothing(tmp_path, number):
    command = [COMMAND, "train", "dropout", "--epochs", "100000", "--out", "model.keras"]
    restore = "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    run = [sys.executable, "-c", restore + "os.execv(sys.argv[1], sys.argv[1:])", *command]
    with subprocess.Popen(run, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(6)
        process.send_signal(number)
        assert process.wait(20) == 130
        assert process.stderr.read() == "digitlib: interrupted; nothing is left half-written\n"
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_has_a_number_too(main):
    status, out, _ = main("train", "5", "--epochs", 1, "--out", "model.keras")
    assert status == 0
    assert "recipe steps" in out


@pytest.mark.parametrize(
    ("name", "closed"), [("data", "<&-"), ("data", ">&-"), ("recipes", "2>&-")]
)
def test_a_closed_stream_is_no_traceback(name, closed):
    command = f"{COMMAND} {name} {closed}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert bool(result.stdout) == (closed != ">&-")


def test_a_closed_pipe_is_no_traceback():
    command = f"{COMMAND} data | head -1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.stdout.startswith("name ")


def test_progress_is_for_terminals(tmp_path):
    """On a terminal, a bar; elsewhere nothing but the result."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [COMMAND, "train", "steps", "--epochs", "2", "--out", "m.keras"]
    result = subprocess.run(command, cwd=tmp_path, stderr=slave, stdout=subprocess.PIPE, check=True)
    os.close(slave)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert "steps: 100%" in shown
    assert result.stdout.startswith(b"m.keras: ")


# The study, as a command


def test_study_makes_what_is_missing(main):
    args = ("study", "--recipes", "steps,nearest-mean", "--epochs", 1, "--jobs", 1, "--out", "s")
    status, out, err = main(*args, "--seeds", 1)
    assert (status, err) == (0, "")
    assert "2 runs, 2 of them made now" in out
    facts = json.loads(main(*args, "--seeds", 3, "--json")[1])
    assert (facts["runs"], facts["made"]) == (4, 2)
    rows, cut_off = study.read("s")
    assert not cut_off
    assert len(rows) == 4


def test_study_on_held_out_images(main):
    args = ("study", "--recipes", "steps", "--seeds", 1, "--epochs", 1, "--jobs", 1, "--out", "s")
    assert main(*args, "--validate", "--unsure")[0] == 0
    ((row,), _) = study.read("s")
    assert row["data"] == "sample-validation"
    assert row["unsure"]


def test_a_row_is_what_train_and_evaluate_give(main):
    main("study", "--recipes", "steps", "--seeds", 2, "--epochs", 1, "--jobs", 1, "--out", "s")
    rows = {row["seed"]: row for row in study.read("s")[0]}
    main("train", "steps", "--seed", 1, "--epochs", 1, "--out", "m.keras")
    facts = json.loads(main("evaluate", "m.keras", "--json")[1])
    assert facts["correct"] == rows[1]["correct"]
    assert facts["value"] == rows[1]["accuracy"]


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
    args = ("study", "--recipes", "nearest-mean", "--jobs", 1, "--out", "s")
    complaint(main(*args), "s, line 1", "expected a row of a study")
    assert Path("s").read_text() == text


def test_a_torn_last_line_is_noticed_and_made_again(main):
    args = ("study", "--recipes", "steps", "--seeds", 2, "--epochs", 1, "--jobs", 1, "--out", "s")
    main(*args)
    whole = Path("s").read_text()
    Path("s").write_text(whole[:-40])
    assert study.read("s")[1], "cut off"
    status, out, err = main(*args)
    assert (status, err) == (0, "s: the last line was cut off; that run is made again\n")
    assert "2 runs, 1 of them made now" in out
    for old, new in zip(whole.splitlines(), Path("s").read_text().splitlines(), strict=True):
        assert json.loads(old)["digest"] == json.loads(new)["digest"]


def test_a_last_row_without_its_newline_is_a_row(main):
    args = ("study", "--recipes", "nearest-mean,commonest", "--jobs", 1, "--out", "s")
    main(*args)
    whole = Path("s").read_text()
    Path("s").write_text(whole.rstrip())
    assert "2 runs, 0 of them made now" in main(*args)[1]
    assert Path("s").read_text() == whole
    Path("s").write_text(whole + '{"rec')
    assert "2 runs, 0 of them made now" in main(*args)[1]
    assert Path("s").read_text() == whole


def test_an_interrupted_study_leaves_no_empty_file(main, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "one_run", interrupted)
    args = ("study", "--recipes", "commonest", "--jobs", 1, "--out", "s")
    assert main(*args) == (130, "", "digitlib: interrupted; nothing is left half-written\n")
    assert not Path("s").exists()


def test_a_full_disk_costs_the_row_and_not_the_file(main, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

    args = ("study", "--recipes", "nearest-mean,logistic,neighbors", "--jobs", 1, "--out", "s")
    answer = digitlib(*args, cwd=tmp_path, preexec_fn=small_files)
    complaint(answer, "s: File too large; make room")
    rows, _ = study.read(tmp_path / "s")
    assert 0 < len(rows) < 3
    assert main(*args)[0] == 0
    assert len(study.read(tmp_path / "s")[0]) == 3
