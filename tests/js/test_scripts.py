"""The page's pure modules in node: `node --test tests/js/`, a file for each subject."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem)
def test_what_the_scripts_do(file: Path) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    done = subprocess.run([node, "--test", str(file)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
