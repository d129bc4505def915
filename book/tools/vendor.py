"""Put LiteRT.js, the runtime of the page "Write digits", into one script that any page can load.

Needs npm and the network; run it again only for another version. The book is built from what it
wrote.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from digitlib.export import script

PACKAGE = "@litertjs/core@2.5.3"
SHA256 = "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd"
NOTICE = f"// {PACKAGE}, Copyright Google LLC, Apache License 2.0, see LICENSE beside this file.\n"
# what its module imports, without the loading of further files
LOADER = """async (Library) => {
  const library = new Library(await ModuleFactory({
    wasmBinary: digitlib.wasm, print() {}, printErr() {},
  }));
  delete window.ModuleFactory;
  return library;
}"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        command = [shutil.which("npm") or "npm", "pack", "--silent", PACKAGE]
        name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        archive = Path(folder) / name.stdout.strip()
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            raise SystemExit(f"{PACKAGE} has SHA-256 {found}; expected {SHA256}")
        with tarfile.open(archive) as files:
            module, glue, wasm = (
                files.extractfile(f"package/{path}").read()
                for path in (
                    "dist/index.js",
                    "wasm/litert_wasm_compat_internal.js",
                    "wasm/litert_wasm_compat_internal.wasm",
                )
            )
    # the module becomes a function, so that a page opened from a folder can run it
    body, exported = module.decode().split("\nexport {")
    head, body = body.split('import { createWasmLib } from "@litertjs/wasm-utils";')
    names = exported.partition("}")[0]
    glue = (
        f"{glue.decode()}\nwindow.ModuleFactory = ModuleFactory;\n"
        f"digitlib.litert = ((navigator, console) => {{\n{head}\nconst createWasmLib = {LOADER};\n{body}\n"
        f"return {{{names}}};\n}})({{}}, {{log() {{}}, warn() {{}}}});\n"  # no GPU, no chatter
    )
    out = Path(__file__).resolve().parents[1] / "web" / "litert.js"
    out.write_bytes(NOTICE.encode() + script("glue", glue.encode()) + script("wasm", wasm))
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
