"""Does the build execute what it must, no more, hold it to its word, and leave nothing half done?

The tests build a book of two tiny chapters with the project's scripts and settings.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
import yaml
from bs4 import BeautifulSoup
from support import ROOT, TOOLS, run_build

pytestmark = pytest.mark.slow

# stands in for digitlib: no TensorFlow, no scikit-learn
DATA = """
import os
from types import SimpleNamespace

def asked_for():
    return os.environ.get("DIGITLIB_DATA") or "auto"

def load(source):
    name = "mnist" if os.environ.get("DIGITLIB_DATA") == "mnist" else "sample"
    content = memoryview(os.environ.get("CONTENT", "some").encode())
    arrays = dict.fromkeys(["x_train", "y_train", "x_test", "y_test"], content)
    return SimpleNamespace(name=name, **arrays)
"""


RECORD = """
from IPython.display import display
display({"application/papermill.record/text/plain": str(SIZE)}, raw=True,
        metadata={"scrapbook": {"name": "size", "mime_prefix": "application/papermill.record/"}})
"""
CLAIMS = """
[mnist.ranges]
size = [1, 1.5]
[sample.ranges]
size = [1, 1.5]
"""


def code(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


def save(tree, name, *cells):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), *cells])
    nbformat.write(nb, tree / "notebooks" / f"{name}.ipynb")


def runs(tree):
    """What happened in each run of a chapter, in order: the chapters leave a line in a file."""
    path = tree / "log"
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def page(tree, name):
    return (tree / "_build" / "html" / "notebooks" / f"{name}.html").read_text()


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def executed(tree, name):
    return nbformat.read(tree / "_build" / "executed" / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small book, built once."""
    tree = tmp_path_factory.mktemp("small") / "project"
    for folder in ("book/claims", "book/web", "notebooks", "digitlib"):
        (tree / folder).mkdir(parents=True)
    shutil.copytree(TOOLS, tree / "book" / "tools")
    shutil.copytree(ROOT / "book" / "_static", tree / "book" / "_static")
    for name in ("palette.css", "live.css", "draw.css", "train.html"):
        shutil.copy(ROOT / "book" / "web" / name, tree / "book" / "web")
    for name in ("files.py", "live.py"):
        shutil.copy(ROOT / "digitlib" / name, tree / "digitlib")
    shutil.copy(ROOT / "_config.yml", tree)
    (tree / "book" / "references.bib").touch()
    (tree / "book" / "index.md").write_text("# Front\n\n```{include} _run.md\n```\n")
    toc = {"format": "jb-book", "root": "book/index"}
    toc["parts"] = [{"chapters": [{"file": "notebooks/one"}, {"file": "notebooks/two"}]}]
    (tree / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False))
    for name in ("__init__", "quiet"):
        (tree / "digitlib" / f"{name}.py").touch()
    (tree / "digitlib" / "data.py").write_text(DATA)
    for name in ("one", "two"):
        log = f"with open({str(tree / 'log')!r}, 'a') as log:\n    print({name!r}, file=log)"
        cells = [code(f"import digitlib.{name}\n{log}"), code("SIZE = 1", "parameters")]
        save(tree, name, *cells, code("print('size', SIZE)"), code(RECORD))
        (tree / "digitlib" / f"{name}.py").touch()
        (tree / "book" / "claims" / f"{name}.toml").write_text(CLAIMS)
    status, out, err = run_build(tree, "book", DIGITLIB_DATA="mnist")
    assert status == 0, out + err
    assert sorted(runs(tree)) == ["one", "two"]
    return tree


@pytest.fixture
def tree(built):
    """The small book as it was after its first build; what a test changes is put back."""
    kept = built.with_name("kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(built, kept)
    yield built
    shutil.rmtree(built)
    kept.rename(built)


@pytest.fixture(autouse=True)
def on_mnist(monkeypatch):
    """What the stand-in for digitlib takes for MNIST."""
    monkeypatch.setenv("DIGITLIB_DATA", "mnist")


def edit(tree, name, old, new):
    path = tree / "notebooks" / f"{name}.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_changed_nothing_runs(tree):
    before = files(tree)
    status, out, _ = run_build(tree, "book")
    assert status == 0
    assert runs(tree) == []
    assert out.count("executed before") == 2
    assert "(unchanged)" in out
    assert files(tree / "_build" / "html") == {
        path: data for path, data in before.items() if "html" in path.parts
    }


def test_a_changed_chapter_runs_alone(tree):
    edit(tree, "two", "'size'", "'width'")
    status, out, err = run_build(tree, "notebooks")
    assert status == 0, err
    assert runs(tree) == ["two"]
    assert "1 of them executed now" in out
    assert "width 1" in (tree / "notebooks" / "two.ipynb").read_text()


def test_changed_text_runs_nothing_and_is_shown(tree):
    edit(tree, "two", "# two", "# two, told otherwise")
    for options in ({}, {"SIZE": 1.25}):  # with a cell of papermill's as well
        given = [word for name, value in options.items() for word in ("-p", name, str(value))]
        assert run_build(tree, "book", *given)[0] == 0
        runs(tree)
        edit(tree, "two", "# two", "# two, once more")
        status, _, err = run_build(tree, "book", *given)
        assert status == 0, err
        assert runs(tree) == []
        assert "once more" in page(tree, "two")
        assert f"size {options.get('SIZE', 1)}" in page(tree, "two")
        assert "size" in page(tree, "one")


def test_a_page_that_is_sent_shows_what_it_is(site):
    for name in ("book/index", "notebooks/05_evaluating", "book/ending"):
        page = BeautifulSoup((site / "html" / f"{name}.html").read_text(), "html.parser")
        metas = {
            m.get("property") or m.get("name"): m.get("content") for m in page.find_all("meta")
        }
        assert 40 < len(metas["description"]) <= 201
        assert metas["og:description"] == metas["description"]
        assert metas["og:title"] in page.title.text
        assert metas["og:image"].endswith("_static/preview.png")
        assert page.find("link", rel="canonical")["href"].endswith(f"{name}.html")
        assert metas["robots"] == "noindex", "the copy on the sample is not MNIST's book"
    assert not (site / "html" / "sitemap.xml").exists()


def test_a_guess_gets_its_result_from_the_run(tree):
    guess = '<details class=\\"guess\\" data-guess=\\"size\\" data-result=\\"{size:.2f} or so\\"></details>'
    edit(tree, "two", "# two", f"# two\\n\\n{guess}")
    assert run_build(tree, "book")[0] == 0
    assert 'data-result="1.00 or so"' in page(tree, "two")
    edit(tree, "two", "{size:.2f}", "{width:.2f}")
    status, _, err = run_build(tree, "book")
    assert status != 0
    assert "two: a guess has the result '{width:.2f} or so'" in err
    assert 'data-result="1.00 or so"' in page(tree, "two")


def test_a_changed_module_runs_the_chapters_that_reach_it(tree):
    (tree / "digitlib" / "two.py").write_text("x = 1\n")
    assert run_build(tree, "notebooks")[0] == 0
    assert runs(tree) == ["two"]
    (tree / "digitlib" / "unused.py").write_text("x = 1\n")
    assert run_build(tree, "notebooks")[0] == 0
    assert runs(tree) == []
    assert run_build(tree, "notebooks", CONTENT="other")[0] == 0
    assert sorted(runs(tree)) == ["one", "two"]


@pytest.mark.parametrize("command", ["book", "notebooks"])
def test_a_number_out_of_its_range_is_not_published(tree, command):
    path = tree / "book" / "claims" / "two.toml"
    path.write_text(path.read_text().replace("[1, 1.5]", "[1.5, 2]"))
    site, stored = files(tree / "_build" / "html"), files(tree / "notebooks")
    status, _, err = run_build(tree, command)
    assert status == 1
    assert "two: size is 1, claimed is 1.5 to 2" in err
    assert "one: " not in err
    assert files(tree / "_build" / "html") == site
    assert files(tree / "notebooks") == stored


def test_the_sample_is_announced_on_every_page(tree):
    assert "not on MNIST" not in page(tree, "one")
    status, out, err = run_build(tree, "book", DIGITLIB_DATA="sample")
    assert status == 0, err
    assert sorted(runs(tree)) == ["one", "two"]
    assert "the small sample, not MNIST" in out
    for path in ("book/index.html", "notebooks/one.html", "search.html", "genindex.html"):
        assert "not on MNIST" in (tree / "_build" / "html" / path).read_text()


def test_parameters_reach_the_chapters_that_declare_them(tree):
    edit(tree, "one", "SIZE = 1", "SIZE = 1\\nCOLOR = 'red'")
    status, out, err = run_build(tree, "book", "-p", "COLOR", "blue", "-p", "SIZE", "2")
    assert status == 0, err
    assert sorted(runs(tree)) == ["one", "two"]
    assert executed(tree, "one").metadata.digitlib.parameters == {"COLOR": "blue", "SIZE": 2}
    assert executed(tree, "two").metadata.digitlib.parameters == {"SIZE": 2}
    assert "size 2" in page(tree, "two")
    assert "# Parameters" not in page(tree, "two")  # papermill's cell is not shown
    assert "SIZE = 2" in page(tree, "two").split("run-stamp")[1]
    assert "no claims for these data and settings: one, two" in out


def test_an_unknown_parameter_is_refused_before_anything_runs(tree):
    status, _, err = run_build(tree, "book", "-p", "SIZES", "2")
    assert status == 1
    assert "SIZES" in err
    assert runs(tree) == []


def test_a_failing_chapter_is_named_and_the_last_site_stays(tree):
    before = files(tree / "_build")
    edit(tree, "two", "print('size', SIZE)", "size = SIZE\\nsize / 0")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert "two, cell 4 (In [3]): ZeroDivisionError: division by zero" in err
    assert "size = SIZE" in err
    assert files(tree / "_build") == before


@pytest.mark.skipif(sys.platform != "linux", reason="asked of kernels that are forked")
@pytest.mark.parametrize("shown", ["", "fig"])  # at the end of the cell, or as its value
def test_a_figure_too_small_to_read_on_a_phone_is_refused(tree, shown):
    """Six inches are 328 pixels there, so that a point is 0.76 of one."""
    draw = "import matplotlib.pyplot as plt\\nplt.rcParams['font.size'] = 20\\n"
    draw += (
        "fig, ax = plt.subplots(figsize=(6, 2))\\nax.set_title('fine print', fontsize={})\\n"
        + shown
    )
    edit(tree, "two", "print('size', SIZE)", draw.format(14))
    status, _, err = run_build(tree, "book")
    assert status == 0, err
    edit(tree, "two", "fontsize=14", "fontsize=12")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert re.search(r"'fine print' is 9.\d pixels high on a phone", err)


def test_a_kernel_that_dies_is_one_line(tree):
    edit(tree, "two", "print('size', SIZE)", "import os, signal; os.kill(os.getpid(), 9)")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert re.search(r"^The build stopped: two: .*[Kk]ernel.*died.*$", err, re.MULTILINE)
    assert "Traceback" not in err


def test_a_broken_run_is_named(tree):
    path = tree / "_build" / "executed" / "one.ipynb"
    path.write_text("{")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert f"{path.relative_to(tree)} is no notebook any more: delete it" in err
    assert "Traceback" not in err


def test_a_warning_of_the_renderer_stops_the_build_and_the_last_site_stays(tree):
    before = files(tree / "_build" / "html")
    with (tree / "book" / "index.md").open("a") as index:
        index.write(r"See [nothing](nowhere.md) and $\wrongcommand x$.")
    with (tree / "_toc.yml").open("a") as toc:
        toc.write("  - file: notebooks/three\n")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert "nowhere.md" in err
    assert r"\wrongcommand" in err
    assert "notebooks/three" in err
    assert str(tree) not in err  # the place is given as in the project, not in _build
    assert files(tree / "_build" / "html") == before


def started(tree, command="book", **options):
    """A build under way; a test run in the background ignores SIGINT, and children inherit that."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, str(tree / "book" / "tools" / "build.py"), command],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            **options,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, ours)


@pytest.mark.parametrize("whom", ["all", "one"])
def test_an_interrupted_build_says_so_in_a_line_and_leaves_nothing_half_done(tree, whom):
    edit(tree, "two", "print('size', SIZE)", "import time; time.sleep(600)")
    before = files(tree / "_build")
    with started(tree) as process:
        while not (tree / "log").exists():
            assert process.poll() is None
            time.sleep(0.05)
        if whom == "all":  # as by Ctrl-C
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err == "\nInterrupted; the last good site and all finished runs are kept.\n"
    assert files(tree / "_build") == before


def test_an_interrupt_in_the_first_second_is_one_line(tree):
    path = tree / "book" / "tools" / "claims.py"  # which build.py imports
    # a job in the background of a shell ignores interrupts
    interrupt = (
        "import signal\nsignal.signal(2, signal.default_int_handler)\nsignal.raise_signal(2)\n"
    )
    path.write_text(interrupt + path.read_text())
    line = "\nInterrupted; the last good site and all finished runs are kept.\n"
    assert run_build(tree, "site") == (130, "", line)


def test_a_disk_that_is_full_is_one_line(tree):
    (tree / "book" / "large.svg").write_text("x" * 100_000)
    script = f"ulimit -f 20; exec {sys.executable} book/tools/build.py book"
    done = subprocess.run(
        ["sh", "-c", script], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("\nThe build stopped: ")
    assert "File too large" in done.stderr
    assert len(done.stderr) < 400


def test_a_killed_papermill_is_one_line_and_leaves_no_kernel(tree):
    note = tree / "pid"
    wait = f"import os, pathlib, time\\npathlib.Path('{note}').write_text(str(os.getpid()))"
    edit(tree, "two", "print('size', SIZE)", f"{wait}\\ntime.sleep(600)")
    with started(tree) as process:
        while not (note.exists() and note.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        kernel = psutil.Process(int(note.read_text()))
        for child in psutil.Process(process.pid).children():
            if "papermill" in child.cmdline():
                child.kill()
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.startswith("\nThe build stopped: two: ")
    assert psutil.wait_procs([kernel], timeout=60)[1] == []


def test_two_builds_at_once(tree):
    """The second waits for the first, and finds its work done."""
    gate = tree / "gate"
    wait = f"import os, time\\nwhile not os.path.exists('{gate}'):\\n    time.sleep(0.05)"
    edit(tree, "two", "print('size', SIZE)", wait)
    first = started(tree, "notebooks")
    while not (tree / "log").exists():
        assert first.poll() is None
        time.sleep(0.05)
    second = started(tree, "notebooks")
    assert second.stderr.readline() == "Another build is under way; waiting for its end.\n"
    gate.touch()
    said = [process.communicate()[0] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0]
    assert "1 of them executed now" in said[0]
    assert "0 of them executed now" in said[1]
    assert runs(tree) == ["two"]


def test_a_users_own_kernel_of_that_name_is_passed_over(tree, tmp_path):
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": ["false"], "display_name": "mine", "language": "python"})
    )
    edit(tree, "two", "'size'", "'width'")
    status, _, err = run_build(tree, "notebooks", JUPYTER_DATA_DIR=str(tmp_path))
    assert status == 0, err


def test_site_renders_what_is_stored_without_running_or_tensorflow(tree):
    for path in (tree / "_build" / "executed").glob("*.ipynb"):
        shutil.copy(path, tree / "notebooks")
    shutil.rmtree(tree / "_build")
    (tree / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    (tree / "digitlib" / "data.py").write_text("raise SystemExit('the data was loaded')")
    status, out, err = run_build(tree, "site", PYTHONPATH=str(tree))
    assert status == 0, err
    assert runs(tree) == []
    assert out.count("executed before") == 2
    assert "size 1" in page(tree, "one")
    assert "noindex" not in page(tree, "one")
    listed = (tree / "_build" / "html" / "sitemap.xml").read_text()
    assert [line.rpartition("/")[2] for line in re.findall("<loc>(.*?)</loc>", listed)] == [
        *("index.html", "one.html", "two.html"),  # and the two that stand alone
        *("index.html", "index.html"),
    ]


def test_site_refuses_a_chapter_with_a_cell_that_never_ran(tree):
    for path in (tree / "_build" / "executed").glob("*.ipynb"):
        shutil.copy(path, tree / "notebooks")
    edit(tree, "two", '"execution_count": 2', '"execution_count": null')
    status, _, err = run_build(tree, "site")
    assert status == 1
    assert "notebooks/two.ipynb: cell 3 was never run; `make notebooks`" in err


def test_notebooks_stores_clean_runs_on_mnist(tree):
    status, _, err = run_build(tree, "notebooks")
    assert status == 0, err
    stored = files(tree / "notebooks")
    text = stored[tree / "notebooks" / "one.ipynb"].decode()
    assert text.endswith("}\n")
    nb = json.loads(text)
    assert "key" not in nb["metadata"]["digitlib"]
    assert set(nb["metadata"]) == {"digitlib", "kernelspec", "language_info"}
    assert [cell["metadata"] for cell in nb["cells"]] == [{}, {}, {"tags": ["parameters"]}, {}, {}]
    assert nb["cells"][3]["outputs"][0]["text"] == ["size 1\n"]
    # the stored chapters count as run: nothing is executed again, and nothing in them changes
    assert run_build(tree, "notebooks")[0] == 0
    assert runs(tree) == []
    assert files(tree / "notebooks") == stored


@pytest.mark.parametrize(
    ("data", "cell", "message"),
    [
        ("sample", "print(1)", "Only runs on MNIST"),
        ("mnist", "import sys; print('hot', file=sys.stderr)", "two, cell 4 wrote to stderr"),
    ],
)
def test_notebooks_stores_all_or_nothing(tree, data, cell, message):
    edit(tree, "two", "print('size', SIZE)", cell)
    before = files(tree / "notebooks")
    status, _, err = run_build(tree, "notebooks", DIGITLIB_DATA=data)
    assert status == 1
    assert message in err
    assert files(tree / "notebooks") == before


def test_a_folder_that_cannot_be_written_is_one_line(tree):
    shutil.rmtree(tree / "_build")
    (tree / "_build").write_text("a file")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert re.fullmatch(r"\nThe build stopped: \S*_build: .+\n", err)
