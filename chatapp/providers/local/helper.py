"""The process of the local model: llama.cpp's own HTTP server on a free loopback port.

It is run as a script, imports nothing of chatapp and is not patched by gevent. It prints one line,
`ready URL`, when the model answers, and runs as long as its standard input stays open. Its parent
holds the other end, so it ends even if the parent is killed with -9. The output of llama.cpp goes
to standard error.
"""

import argparse
import importlib
import os
import secrets
import sys
from typing import Any

SLOTS = 4
"""Replies generated at the same time; more wait their turn. One thread generates about 130 tokens a
second, so four readers still get text as fast as they read."""

SLOT_TOKENS = 4096
"""Prompt and reply of one chat: about eight long turns of a small model.

Each slot has its own memory (370 MB for four slots of SmolLM2): if they shared it, a long chat
would end the others with an error.
"""

REPLY_TOKENS = 1024
"""The default. A small model that starts to repeat itself must not fill the whole slot: that would
leave no room for the next question."""

TEMPERATURE, TOP_P, REPEAT_PENALTY = 0.2, 0.9, 1.1
"""The defaults: the first two are from SmolLM2's model card, the third keeps it out of loops."""

ERRORS_AND_WARNINGS = 2
"""llama.cpp's verbosity. The next level writes several lines for each reply."""

NICE = 5
"""Generation uses every core it gets; the server that passes its tokens on must come first."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve one GGUF model over HTTP until standard input ends.")
    parser.add_argument("model", help="path of a GGUF file")
    parser.add_argument("--name", required=True, help="the model's name in replies")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    report = _take_stdout()
    os.nice(NICE)
    _server, url = _serve(options.model, options.name, options.threads)
    os.write(report, f"ready {url}\n".encode())
    os.close(report)
    sys.stdin.buffer.read()
    os._exit(0)


def _take_stdout() -> int:
    """Keep standard output for our one line: anything that a C library prints goes to the log."""
    report = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return report


def _serve(model: str, name: str, threads: int) -> tuple[Any, str]:
    """Load the model and listen.

    The server runs in its own threads as long as the object is kept.
    """
    llama = importlib.import_module("xllamacpp")
    parameters = llama.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {name}
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * SLOT_TOKENS
    parameters.n_predict = REPLY_TOKENS
    parameters.sampling.temp = TEMPERATURE
    parameters.sampling.top_p = TOP_P
    parameters.sampling.penalty_repeat = REPEAT_PENALTY
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.verbosity = ERRORS_AND_WARNINGS
    parameters.ui = False
    # Slots hold their prompts; llama.cpp's second cache for them may grow to 8 GB.
    parameters.cache_ram_mib = 0
    parameters.cache_idle_slots = False
    # A path that cannot be guessed keeps out other users of this machine, and web pages.
    parameters.api_prefix = f"/{secrets.token_hex(16)}"
    parameters.cors_origins = ""
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    server = llama.Server(parameters)
    return server, server.listening_address + parameters.api_prefix


if __name__ == "__main__":
    main()
