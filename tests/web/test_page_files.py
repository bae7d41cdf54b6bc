"""The page's files: libraries as their packages have them, and the list of modules."""

import posixpath
import re
from hashlib import sha256
from pathlib import Path

from chatapp.web.page_modules import VIEWER_ENTRY, page_modules

STATIC = Path(__file__).parents[2] / "static"
VENDOR = STATIC / "vendor"
OURS = {"README.md", "SHA256SUMS"}


def test_vendored_files_are_unchanged_and_each_has_its_licence_and_its_row() -> None:
    sums = dict(line.split()[::-1] for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    files = [file for file in VENDOR.rglob("*") if file.is_file() and file.name not in OURS]
    assert sums == {file.relative_to(VENDOR).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}
    readme = (VENDOR / "README.md").read_text()
    for folder in {file.parent for file in files}:
        assert f"{folder.name}/LICENSE" in sums and f"| `{folder.name}/` |" in readme


def test_modules_are_found_from_the_entry_on_each_once(tmp_path: Path) -> None:
    (tmp_path / "js/deep").mkdir(parents=True)
    (tmp_path / "js/main.js").write_text(
        'import { a } from "./deep/a.js";\nimport {\n  b,\n} from "../vendor/b.mjs";\n'
    )
    (tmp_path / "js/deep/a.js").write_text('import "../main.js";\n/** @type {import("./types.js").T} */\n')
    (tmp_path / "js/deep/types.js").write_text("export {};\n")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/b.mjs").write_text('const text = "from \\"./c.js\\"";\n')
    assert page_modules(tmp_path) == ["js/main.js", "js/deep/a.js", "vendor/b.mjs"]


def test_every_module_of_the_page_is_loaded() -> None:
    loaded: set[str] = set()
    # Beside the pages: the element, which imports its chat from the server that it is told; a worker, a frame.
    waiting = ["js/main.js", VIEWER_ENTRY, "js/probe.js", "js/chatapp-chat.js", "js/element/embedded-chat.js"]
    waiting += ["js/workers/highlight.js", "js/frame/diagram.js"]
    while waiting:
        new = {*page_modules(STATIC, waiting.pop())} - loaded
        loaded |= new
        waiting += [at_need for module in new for at_need in imported_at_need(module)]
    present = {file.relative_to(STATIC).as_posix() for file in (STATIC / "js").rglob("*.js")}
    assert present - loaded <= {"js/state/types.js"}  # it holds types alone
    assert "vendor/remend/index.js" in loaded


def imported_at_need(module: str) -> list[str]:
    names = re.findall(r'import\("(\.[^"]+\.m?js)"\)', (STATIC / module).read_text("utf-8"))
    return [posixpath.normpath(posixpath.join(posixpath.dirname(module), name)) for name in names]
