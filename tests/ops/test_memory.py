"""Memory goes back to the system."""

import platform
import subprocess
import sys

import pytest

BURST = """
import re, sys
from chatapp.ops.memory import give_back_large_blocks

def resident_mb():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10

assert give_back_large_blocks()
before = resident_mb()
small = []
for size in range(200_000, 20_000_000, 1_000_000):  # the small blocks between them would pin a heap
    large = [b"x" * size for _ in range(4)]
    small.append(bytes(1000))
    del large
print(resident_mb() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library does it by itself")
def test_a_burst_of_large_blocks_leaves_nothing_behind() -> None:
    ran = subprocess.run([sys.executable, "-c", BURST], capture_output=True, text=True, check=True, timeout=60)
    assert int(ran.stdout) < 8
