"""The page's own files: compressed for those who take it, and kept by their content's address."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from chatapp.web.assets import JOINED, SHEETS, UNINDENTED, Assets, lean_script

SCRIPT = b"export const word = 'word';\n" * 40


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    (tmp_path / "css").mkdir()
    for sheet in SHEETS:
        (tmp_path / f"css/{sheet}.css").write_text(f"/* {sheet} */")
    (tmp_path / "main.js").write_bytes(SCRIPT)
    (tmp_path / "font.woff2").write_bytes(b"\x00\x01")
    return Assets(tmp_path)


@pytest.fixture
def client(assets: Assets) -> Any:
    app = Flask("assets", static_folder=None)
    assets.install(app)
    return app.test_client()


def test_text_is_compressed_for_those_who_take_it(client: Any, assets: Assets) -> None:
    url = assets.url("main.js")
    for accepted in ("gzip", "br, gzip;q=0.5", "*"):
        packed = client.get(url, headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.data) == SCRIPT
    for accepted in ("", "br", "gzip;q=0"):
        plain = client.get(url, headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in plain.headers and plain.data == SCRIPT
        assert plain.headers["Vary"] == "Accept-Encoding"
        assert plain.headers["ETag"] != packed.headers["ETag"]
    assert "Content-Encoding" not in client.get(assets.url("font.woff2"), headers={"Accept-Encoding": "gzip"}).headers


def test_an_address_with_the_version_is_kept_for_good_and_no_other(client: Any, assets: Assets) -> None:
    kept = client.get(assets.url("main.js"))
    assert "immutable" in kept.headers["Cache-Control"]
    assert kept.mimetype == "text/javascript"
    named = client.get(f"/static/main.js?v={assets.url('').split('@')[1].rstrip('/')}")
    assert "immutable" in named.headers["Cache-Control"]
    for other in ("/static/main.js", "/static/main.js?v=0", "/static/@0123456789ab/main.js"):
        reply = client.get(other)
        assert reply.data == SCRIPT and reply.headers["Cache-Control"] == "no-cache"
        again = client.get(other, headers={"If-None-Match": reply.headers["ETag"]})
        assert again.status_code == 304 and not again.data


def test_the_version_follows_the_content(assets: Assets, tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text("changed")
    assert Assets(tmp_path).url("main.js") != assets.url("main.js")


@pytest.mark.slow
def test_scripts_mean_the_same_without_their_comments() -> None:
    esbuild = Path(sys.prefix) / "npm/node_modules/.bin/esbuild"
    if not esbuild.exists():
        pytest.skip("esbuild is not installed: make test does it")
    static = Path(__file__).parents[2] / "static"
    command = [str(esbuild), "--minify", "--legal-comments=none", "--loader=js"]
    for script in [*static.glob("js/**/*.js"), *static.glob("vendor/**/*.mjs")]:
        data = script.read_bytes()
        whole, lean = (
            subprocess.check_output(command, input=text)
            for text in (data, lean_script(data, script.relative_to(static).as_posix().startswith(UNINDENTED)))
        )
        assert whole == lean, script


def test_the_sheets_are_one_file_in_their_order(client: Any) -> None:
    text = client.get(f"/static/{JOINED}").text
    assert [text.index(f"/* {sheet} */") for sheet in SHEETS] == sorted(
        text.index(f"/* {sheet} */") for sheet in SHEETS
    )


def test_a_script_of_ours_comes_without_its_comments_and_with_its_lines(tmp_path: Path) -> None:
    script = """\
// @ts-check
/**
 * Says /* something.
 */
const a = "/* no comment */"; // stays
  /** @type {number} */ const b = 1;
  // gone
/* one line */
export { a, b };
"""
    (tmp_path / "css").mkdir()
    for sheet in SHEETS:
        (tmp_path / f"css/{sheet}.css").touch()
    (tmp_path / "js").mkdir()
    (tmp_path / "js/a.js").write_text(script)
    app = Flask("assets", static_folder=None)
    Assets(tmp_path).install(app)
    text = app.test_client().get("/static/js/a.js", follow_redirects=True).text
    kept = {
        4: 'const a = "/* no comment */"; // stays',
        5: "const b = 1;",
        8: "export { a, b };",
    }
    assert text.split("\n") == [kept.get(number, "") for number in range(10)]


@pytest.mark.parametrize("name", ["", "missing.js", "../app.py", "@", "@x", "@x/", "@x/../main.js", "css"])
def test_what_is_not_there_is_not_found(client: Any, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
