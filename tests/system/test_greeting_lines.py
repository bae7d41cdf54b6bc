"""What a start prints works as it is, in every dialect; and so do the lines of the README and of docs/dialects.md."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/dialects.md")
MISSING = "ID"  # stands for what another line answers, as … does


def curl_lines(text: str) -> list[str]:
    lines = re.findall(r"(?m)^(?:  \w* +)?(curl .*)$", text.replace("\\\n", " "))
    assert lines
    return [line for line in lines if f"/{MISSING}" not in line and "…" not in line]


def test_every_printed_line_is_answered(own_server: Any, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    config = tmp_path / "chatapp.toml"
    config.write_text('default_provider = "mock"\n[providers.mock]\ntype = "mock"\ninterval_s = 0\n')
    server = own_server(CHATAPP_CONFIG=str(config))
    documented = "\n".join((ROOT / page).read_text("utf-8") for page in PAGES)
    lines = curl_lines(server.log()) + curl_lines(documented.replace("http://127.0.0.1:8000", server.url))
    quiet = [line.replace("curl ", "curl --silent --show-error --fail ", 1) for line in dict.fromkeys(lines)]
    with PdfWriter() as pdf:
        pdf.add_blank_page(200, 200)
        pdf.write(tmp_path / "plan.pdf")
    running = [
        subprocess.Popen(["sh", "-c", line], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in quiet
    ]
    for line, process in zip(quiet, running, strict=True):
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0 and output, (line, errors.decode())
