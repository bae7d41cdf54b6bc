"""The cost of a frame alone: µs to encode one, µs to decode one from 64 KB reads.

    python bench/frames.py

Each figure is the best of several rounds. On a noisy machine, trust the ratios between rows more
than single figures.
"""

import timeit
from collections.abc import Callable

from chatapp.wire.frames import Frame, NDJSONDecoder, SSEDecoder, encode

READ_BYTES = 65536
CHUNK = '{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"}}]}'

FRAMES = {
    "token, event and id": Frame("word ", "token", "1234"),
    "JSON, data only": Frame(CHUNK),
    "JSON, event and id": Frame(CHUNK, "content_delta", "1234"),
    "text beyond ASCII": Frame("naïve 😀 文字", "token", "1234"),
    "three lines": Frame("a\nb\r\nc", "token", "1234"),
}


def best_us(call: Callable[[], object], per_call: int) -> float:
    timer = timeit.Timer(call)
    number = max(1, int(0.05 / timer.timeit(1))) if per_call > 1 else 50_000
    return min(timer.repeat(7, number)) / number / per_call * 1e6


def encoding(frame: Frame) -> float:
    return best_us(lambda: encode(frame), 1)


def decoding(unit: bytes) -> float:
    count = READ_BYTES // len(unit)
    read, decoder = unit * count, SSEDecoder()
    return best_us(lambda: decoder.feed(read), count)


def ndjson() -> float:
    unit = CHUNK.encode() + b"\n"
    count = READ_BYTES // len(unit)
    read, decoder = unit * count, NDJSONDecoder()
    return best_us(lambda: decoder.feed(read), count)


def pieces(size: int) -> float:
    """µs per piece, for a line of 900 KB that arrives in pieces of `size` bytes."""
    piece, count = b"x" * size, 900_000 // size

    def feed_line() -> None:
        decoder = SSEDecoder()
        for _ in range(count):
            decoder.feed(piece)

    return best_us(feed_line, count)


def main() -> None:
    print(f"{'µs per frame':24}{'encode':>8}{'decode':>8}")
    for name, frame in FRAMES.items():
        print(f"{name:24}{encoding(frame):8.3f}{decoding(encode(frame)):8.3f}")
    no_space = encode(Frame(CHUNK)).replace(b"data: ", b"data:")
    crlf = encode(Frame(CHUNK)).replace(b"\n", b"\r\n")
    print(f"{'JSON, no space':24}{'':8}{decoding(no_space):8.3f}")
    print(f"{'JSON, CRLF':24}{'':8}{decoding(crlf):8.3f}")
    print(f"{'NDJSON line':24}{'':8}{ndjson():8.3f}")
    for size in (1, 1024):
        print(f"{f'a piece of {size} bytes':24}{'':8}{pieces(size):8.3f}")


if __name__ == "__main__":
    main()
