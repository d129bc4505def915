"""What does a chapter's run depend on, beside itself, the data, and the parameters?"""

import ast
import functools
import platform
import re
from importlib.metadata import packages_distributions, version

from chapters import ROOT, BuildError

PACKAGES = ("keras", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow")


def versions():
    """{name: version} of what the numbers may depend on."""
    builds = packages_distributions().get("tensorflow")  # or tensorflow-cpu, or another
    if not builds:
        raise BuildError("there is no TensorFlow: pip install tensorflow-cpu")
    found = {"python": platform.python_version(), "tensorflow": version(builds[0])}
    return found | {package: version(package) for package in PACKAGES}


def module(name):
    """The file of a module of digitlib, or None."""
    place = ROOT.joinpath(*name.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()), None)


@functools.cache
def parsed(code):
    """What code imports, and the strings in it."""
    imports, strings = set(), set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
        elif isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return imports, strings


def closure(nb):
    """The files of the project that a chapter's run depends on.

    Those are the modules of digitlib that it reaches by import, and the files under book/results
    and book/web that their code names: "web/matrix.js", or just "study" for a record of that name.
    """
    code = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    found = set()
    imports, strings = parsed(re.sub(r"^( *)[%!].*$", r"\1pass", code, flags=re.MULTILINE))
    waiting = [*imports]
    while waiting:
        name = waiting.pop()
        path = module(name) if name.split(".")[0] == "digitlib" else None
        if path and path not in found:
            found.add(path)
            more, named = parsed(path.read_text(encoding="utf-8"))
            waiting += more
            strings = strings | named
    for path in [*ROOT.glob("book/results/**/*.*"), *ROOT.glob("book/web/*")]:
        record = path.parent.name != "web" and path.stem in strings
        if record or f"{path.parent.name}/{path.name}" in strings:
            found.add(path)
    return sorted(found)
