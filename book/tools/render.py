"""Stage the pages and the chapters' runs, and let jupyter-book render them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape, unescape
from importlib.metadata import version
from pathlib import Path

import claims
import nbformat
import yaml
from chapters import ROOT, BuildError, chapters, digest, plain, tags, write

from digitlib import live

DATA = {"mnist": "MNIST", "sample": "the small sample, not MNIST"}
BANNER = (
    "This copy was built on a small sample of other digits, not on MNIST: "
    "its numbers are not the book's."
)

MOVED = {  # pages that were found elsewhere before, and where they are now
    **{f"notebooks/{n:02}_your_own_digits": "notebooks/13_your_own_digits" for n in (9, 10)},
    **{f"notebooks/{n}_reading_a_page": "notebooks/14_reading_a_page" for n in (10, 11)},
    **{f"notebooks/{n}_shipping": "notebooks/15_shipping" for n in (10, 11, 12)},
    "notebooks/11_matrix": "notebooks/09_when_to_answer",
    "notebooks/12_matrix": "notebooks/09_when_to_answer",
    "book/recipes/1_dropout": "book/recipes#dropout",
    "book/recipes/2_sigmoid": "book/recipes#sigmoid",
    "book/recipes/3_one_hot": "book/recipes#one-hot",
    "book/recipes/4_matrix": "book/recipes#matrix",
    "book/recipes/5_steps": "book/recipes#steps",
    "book/recipes/6_convnet": "book/recipes#convnet",
    "book/recipes/7_fast": "book/recipes#fast",
    "book/recipes/8_accurate": "book/recipes#accurate",
}


def in_words(run):
    """What a run was, for readers: data set, date, versions, parameters."""
    names = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}
    uses = [f"{name} {run['versions'][key]}" for key, name in names.items()]
    uses += [f"{key} = {value!r}" for key, value in run.get("parameters", {}).items()]
    return f"Run on {DATA[run['data']]}, {run['date']}, with {', '.join(uses)}"


def heading(nb):
    """A chapter's name and its question, the two sides of the colon in its heading."""
    name, _, question = nb.cells[0].source.partition("\n")[0].removeprefix("# ").partition(": ")
    return name, question[:1].upper() + question[1:]


def kept(cell, folder):
    """Move what a cell keeps for the live pages to scripts, which load also where nothing is served."""
    for output in cell.get("outputs", []):
        if live.MIME in output.get("data", {}):
            name, content = output.data[live.MIME]["name"], output.data[live.MIME]["content"]
            line = f"digitlib.data = {{...digitlib.data, {name}: {json.dumps(content)}}};\n"
            (folder / f"{name}.js").write_text(f"window.digitlib ??= {{}};\n{line}", "utf-8")
    if "outputs" in cell:
        cell.outputs = [one for one in cell.outputs if live.MIME not in one.get("data", {})]


def with_results(name, text, recorded):
    """The guesses of a chapter's text, their results filled in from what its run recorded."""

    def filled(found):
        try:
            said = unescape(found[1]).format(**recorded)
        except (KeyError, ValueError) as error:
            raise BuildError(f"{name}: a guess has the result {found[1]!r}: {error!r}") from error
        return f'data-result="{escape(re.sub(r"-(?=[0-9])", "−", said))}"'

    return re.sub(r'data-result="(.*?)"', filled, text)


def stage(notebooks, source):
    """Lay out a folder for jupyter-book: pages, chapters with their stamps, tables."""
    shutil.rmtree(source, ignore_errors=True)
    left_out = shutil.ignore_patterns("__pycache__", "bench", "claims", "tools", "web")
    shutil.copytree(ROOT / "book", source / "book", ignore=left_out)
    web = source / "extra" / "draw"
    shutil.copytree(ROOT / "book" / "web", web)
    (source / "extra" / "train").mkdir()
    page = (
        (web / "train.html").read_text("utf-8").replace("<head>", '<head>\n<base href="../draw/">')
    )
    (source / "extra" / "train" / "index.html").write_text(page, "utf-8")
    (web / "train.html").unlink()
    (web / "data").mkdir()
    moved(source / "extra")
    for style in ("palette.css", "live.css", "draw.css"):
        shutil.copy(ROOT / "book" / "web" / style, source / "book" / "_static")
    shutil.copy(ROOT / "_toc.yml", source)
    runs = ["| Chapter | Data | Seconds | Date |", "|---|---|--:|---|"]
    asked = ["| chapter | its question |", "|:---|:---|"]
    for name, nb in notebooks.items():
        run = nb.metadata["digitlib"]
        title, question = heading(nb)
        link = f"[{title}](../notebooks/{name}.ipynb)"
        runs.append(f"| {link} | {DATA[run['data']]} | {run['seconds']:.0f} | {run['date']} |")
        asked.append(f"| {link} | {question} |")
        page = nbformat.from_dict(nb)
        recorded = dict(claims.recorded(nb))
        for cell in page.cells:
            kept(cell, web / "data")
            if cell.cell_type == "markdown":
                cell.source = with_results(name, cell.source, recorded)
            if "injected-parameters" in tags(cell):
                cell.metadata.tags.append("remove-cell")
        stamp = f":::{{div}} run-stamp\n{in_words(run)}; {run['seconds']:.0f} s.\n:::"
        page.cells.append(nbformat.v4.new_markdown_cell(stamp, id="run-stamp"))
        write(source / "notebooks" / f"{name}.ipynb", page)

    stamps = [nb.metadata["digitlib"] for nb in notebooks.values()]
    last = in_words(max(stamps, key=lambda run: run["date"])) + "."
    write(source / "book" / "_run.md", "\n".join([*runs, "", last, ""]))
    write(source / "book" / "_chapters.md", "\n".join([*asked, ""]))
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["html"]["extra_footer"] += " " + last
    if any(run["data"] != "mnist" for run in stamps):
        config["html"]["announcement"] = BANNER
        config["sphinx"]["config"]["myst_html_meta"] = {"robots": "noindex"}
    else:
        site = config["sphinx"]["config"]["html_baseurl"]
        names = [*pages(), "draw/index", "train/index"]
        urls = "".join(f"<url><loc>{site}{name}.html</loc></url>\n" for name in names)
        head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        (source / "extra" / "sitemap.xml").write_text(f"{head}{urls}</urlset>\n", "utf-8")
    write(source / "_config.yml", yaml.safe_dump(config))


def moved(extra):
    """At an address that a page had before, lead to where it is now."""
    for old, new in MOVED.items():
        page, _, part = new.partition("#")
        to = f"{os.path.relpath(f'{page}.html', os.path.dirname(old))}{f'#{part}' * bool(part)}"
        path = extra / f"{old}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Moved</title>\n'
            f'<link rel="icon" href="data:,">\n<meta http-equiv="refresh" content="0; url={to}">\n<link rel="canonical" href="{to}">\n'
            f'<p>This page is now <a href="{to}">here</a>.</p>\n</html>\n',
            "utf-8",
        )


def pages():
    """The pages of the book in the order of _toc.yml."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def jupyter_book(source, out, *options):
    """What jupyter-book says of a folder, and whether it failed."""
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", str(source), "--path-output", out, *options]
    known = os.environ.get("PYTHONPATH", "")
    paths = os.pathsep.join(filter(None, [str(ROOT), str(ROOT / "book" / "tools"), known]))
    result = subprocess.run(
        command, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    said = plain(result.stdout + result.stderr).replace(f"{source}{os.sep}", "")
    return said, bool(result.returncode)


def broken_links(folder):
    """The lines of Sphinx's link check that tell of a broken link to another site."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        said, failed = jupyter_book(folder / "source", out, "--builder", "linkcheck")
    broken = [line for line in said.splitlines() if "broken" in line]
    if failed and not broken:
        raise BuildError("the links were not asked for:\n" + "\n".join(said.splitlines()[-30:]))
    return broken


def render(folder):
    """Render what is staged in folder/source, put it in the place of folder/html.

    Gives False if that is what is there already.
    """
    source, html, old = folder / "source", folder / "html", folder / "html.old"
    tools = [version(p) for p in ("jupyter-book", "myst-nb", "sphinx", "sphinx-book-theme")]
    # the page of digitlib is made from its docstrings
    paths = [*source.rglob("*"), *(ROOT / "digitlib").rglob("*.py"), *ROOT.glob("book/tools/*.py")]
    parts = [(str(p), p.read_bytes()) for p in sorted(paths) if p.is_file()]
    key = digest(tools, *(part for pair in parts for part in pair))
    if old.exists() and not html.exists():  # a swap was killed halfway
        os.replace(old, html)
    if (html / ".key").exists() and (html / ".key").read_text() == key:
        return False
    print("  rendering", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        output, failed = jupyter_book(source, out, "-W", "-n", "--keep-going")
        if failed:
            lines = output.splitlines()
            told = [line for line in lines if re.search("WARNING|ERROR|CRITICAL", line)]
            raise BuildError("jupyter-book failed:\n" + "\n".join(told or lines[-30:]))
        fresh = Path(out) / "_build" / "html"
        missing = [page for page in pages() if not (fresh / f"{page}.html").exists()]
        if missing:
            raise BuildError(f"jupyter-book made no page of {', '.join(missing)}.\n{output}")
        (fresh / ".key").write_text(key)
        shutil.rmtree(old, ignore_errors=True)
        if html.exists():
            os.replace(html, old)
        os.replace(fresh, html)
    shutil.rmtree(old, ignore_errors=True)
    return True


def stored():
    """The chapters in notebooks/ with their stored outputs, each of them run."""
    notebooks = chapters()
    for name, nb in notebooks.items():
        unrun = [
            number
            for number, cell in enumerate(nb.cells, 1)
            if cell.cell_type == "code" and cell.source and not cell.execution_count
        ]
        if unrun or "digitlib" not in nb.metadata:
            what = f"cell {unrun[0]} was never run" if unrun else "holds no record of its run"
            raise BuildError(f"notebooks/{name}.ipynb: {what}; `make notebooks` runs all chapters.")
    return notebooks
