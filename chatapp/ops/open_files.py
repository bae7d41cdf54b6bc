"""The limit of open files, raised to what the process may have.

A shell's usual 1,024 is for programs that call `select`, which cannot name more. Here each stream
holds two sockets, and nothing calls
`select`. Source: https://0pointer.net/blog/file-descriptor-limits.html
"""

import resource

MOST = 1 << 16  # twice what a worker's connections and their providers' need; a hard limit may be infinite


def raise_open_files() -> int:
    """Raise the soft limit, as far as the hard one allows; return it. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
