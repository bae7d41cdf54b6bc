"""How the C library gives memory back to the system.

glibc's malloc learns from the first large text that such texts come and go, and keeps the room of
all later ones, up to 32 MB each: a burst of large replies would be paid for until the restart. With
a fixed threshold each large block is a mapping of its own, which goes when it is freed.
"""

import ctypes

# From malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3

LARGE_BYTES = 128 << 10  # glibc's own first value: a page fault more for each is nothing beside its copy
FREE_BYTES = 1 << 20  # at the heap's end, kept for the next small blocks


def give_back_large_blocks() -> bool:
    """For this process, from now on. False where the C library has no such switch: musl does it by
    itself."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)) and bool(mallopt(M_TRIM_THRESHOLD, FREE_BYTES))
