"""The limit of open files, in a process of its own."""

import subprocess
import sys

SCRIPT = """
import resource
from chatapp.ops.open_files import raise_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300))
print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE), raise_open_files())
"""


def test_the_limit_is_raised_as_far_as_the_machine_allows() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["300", "300", "300", "300"]
