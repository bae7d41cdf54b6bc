"""What the server stands on: gevent's patches, disk, limits, proxies of the environment."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from chatapp.errors import Unreachable
from chatapp.ops.doctor import Finding, ok, problem, warning
from chatapp.settings import Settings
from chatapp.wire.proxies import proxies_for

LEAST_FREE_BYTES = 200 << 20  # for the log of a busy hour
FREE_BYTES = 1 << 30
DESCRIPTORS = 4096  # a stream takes two: the client's and the provider's
LEAST_DESCRIPTORS = 256
PATCHED = ("socket", "ssl", "time", "threading", "select", "subprocess", "queue")
PATCHING_S = 30.0

# As a worker does: gunicorn first, then its configuration, which patches.
PROOF = f"""
import gunicorn.app.wsgiapp
from gevent import monkey
monkey.patch_all()
import chatapp.wire.upstream
print(*[name for name in {PATCHED} if not monkey.is_module_patched(name)])
"""


def look_at_machine(settings: Settings | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Without settings, which cannot be read, what they have no part in."""
    yield _patching()
    if settings is not None:
        yield _disk(settings.data)
    yield _descriptors()
    yield from _proxies(environ)


def _patching() -> Finding:
    """In a process of its own: this one is patched as a command, not as a worker."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    try:
        proof = subprocess.run(
            [sys.executable, "-c", PROOF], capture_output=True, text=True, timeout=PATCHING_S, env=quiet, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return problem("gevent", f"a worker cannot be started: {type(error).__name__}", "install chatapp again")
    if proof.returncode:
        last = (proof.stderr.strip().splitlines() or ["it gives no reason"])[-1]
        return problem("gevent", f"a worker cannot be started: {last}", "install chatapp again: pip install -e .")
    if unpatched := proof.stdout.split():
        return problem(
            "gevent",
            f"not patched in a worker: {', '.join(unpatched)}; one stream would stop all others",
            "look for what imports them at the start of Python: sitecustomize, .pth files, a profiler",
        )
    return ok("gevent", "patches a worker before anything else is imported")


def _disk(data: Path) -> Finding:
    place = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    says = f"{free / (1 << 30):.1f} GB are free for {data}"
    fix = "free some, keep logs for a shorter time (CHATAPP_LOG_RETENTION_S), or move CHATAPP_DATA"
    if free < LEAST_FREE_BYTES:
        return problem("disk", says, fix)
    return warning("disk", says, fix) if free < FREE_BYTES else ok("disk", says)


def _descriptors() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= DESCRIPTORS:
        return ok("limits", f"{'any number of' if soft == resource.RLIM_INFINITY else soft} open files")
    says = f"{soft} open files: enough for some {max(soft - 50, 0) // 2} streams in a worker"
    fix = "LimitNOFILE=65536 in the unit of systemd, or `ulimit -n 65536` before the start"
    return problem("limits", says, fix) if soft < LEAST_DESCRIPTORS else warning("limits", says, fix)


def _proxies(environ: Mapping[str, str]) -> Iterator[Finding]:
    for scheme in ("http", "https"):
        try:
            variable = proxies_for(f"{scheme}://provider.example", "providers").variable
        except Unreachable as error:
            yield problem("proxies", error.message, "correct the variable, or leave it out")
            continue
        if variable:
            yield ok("proxies", f"{scheme} goes through the proxy in {variable}")
