"""What fuzzers begin with, and how it is spoilt: real messages first, then every way to damage them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from fuzz.mutations import NASTY, mutated

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "notifications" / "recorded"
STORIES = ROOT / "fixtures" / "stories"
MARKER = "ZZ-CANARY-4711"
"""Stands in what a sender or a server writes, and in nothing that we say."""
LARGEST_SEED = 60_000
"""Bytes; larger files teach a parser nothing that smaller ones do not."""
MOST_EXAMPLES = 400

_TOKENS = (
    b"\x00", b"\r\n", b"\r\n\r\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1b[31m", b"{", b"}", b"[" * 400,
    b'"', b'":', b",", b"NaN", b"1e999", b"-0", b"9" * 5000, b"\\ud800", b"\\u003a", b"null", b'{"a":1,"a":2}',
    b"\x1f\x8b\x08\x00", b"0\r\n\r\n", b"ffffffffffffffff\r\n", MARKER.encode(),
)  # fmt: skip
_HEADER_TEXTS = (
    "", " ", "0", "-1", "5", "120", "99999999999999999999", "1e9", "\u0661", "Wed, 21 Oct 2026 07:28:00 GMT",
    "Wed, 21 Oct 2026 07:28:00 +999999999999", "Wed, 21 Oct 99999 07:28:00 -0000", "Wed, 31 Feb 2026 07:28:00 GMT",
    "21 Oct", "00:00", "Fri, 31 Dec 9999 23:59:59 -2359", "Sat, 01 Jan 0001 00:00:00 +2359", "," * 50,
    "Bearer", "Bearer ", 'Bearer error="invalid_token"', f'Bearer error="{MARKER}"', "Basic eDp5", "application/json",
    "application/fhir+json; charset=utf-16", "text/html", f"text/{MARKER}", "gzip", "deflate", "identity", "gzip, gzip",
    "chunked", "../../etc/passwd", "\x1b[31mred", "Claim/1", "Claim/" + "x" * 65, "http://[::1", "//elsewhere.test/x",
    "http://xn--a-ecp.test/", "http://fhir.test:99999/", "http://fhir.test/fhir?page=2", "javascript:alert(1)",
    "x" * 9000,
)  # fmt: skip
HEADERS = (
    "Authorization", "X-Signature", "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding",
    "X-Medplum-Deleted-Resource", "Expect", "Connection", "Upgrade", "Host", "Date", "Retry-After", "WWW-Authenticate",
    "Location", "Content-Location", "Link", "ETag", "X-Progress", "Cookie", "Forwarded", "traceparent", "x",
)  # fmt: skip


@cache
def messages() -> tuple[bytes, ...]:
    """Notifications that were recorded, stories, and real examples where ``FHIR_EXAMPLES`` names their folder."""
    return tuple(path.read_bytes() for path in _files())


def _files() -> Iterator[Path]:
    yield from sorted(RECORDED.glob("*.json"))
    yield from sorted(STORIES.glob("*/0_bundle.json"))
    folder = os.environ.get("FHIR_EXAMPLES")
    found = sorted(Path(folder).rglob("*.json")) if folder else []
    small = [path for path in found if path.stat().st_size <= LARGEST_SEED]
    yield from Random(0).sample(small, min(len(small), MOST_EXAMPLES))


def message(random: Random) -> bytes:
    """A message, mostly spoilt: as FHIR, as bytes, or both."""
    seed = random.choice(messages())
    if random.random() < 0.7:
        seed = spoilt_json(seed, random)
    return spoilt_bytes(seed, random) if random.random() < 0.3 else seed


def spoilt_json(content: bytes, random: Random) -> bytes:
    """The JSON with a few elements changed; what is none, or became too deep to write, as it is."""
    try:
        value = mutated(json.loads(content), random.getrandbits(32))
        return json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return content


def spoilt_bytes(content: bytes, random: Random) -> bytes:
    """One to four pieces cut out, doubled, overwritten or put in."""
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(content))
        size = random.choice((0, 1, 2, 8, 200))
        piece = random.choice((random.choice(_TOKENS), random.randbytes(size), content[at : at + size] * 2, b""))
        content = content[:at] + piece + content[at + size :]
    return content


def header_text(random: Random) -> str:
    """A header's value: a known nasty one, or any characters."""
    if random.random() < 0.8:
        return random.choice(_HEADER_TEXTS)
    return "".join(chr(random.choice((random.randint(0, 255), random.randint(32, 126)))) for _ in range(12))


def headers(random: Random, usual: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """The usual headers, some of them lost, doubled or spoilt, and others beside them, as the wire has them."""
    chosen = [each for each in usual.items() if random.random() < 0.93]
    for _ in range(random.choice((0, 0, 0, 1, 2, 5))):
        chosen.insert(random.randint(0, len(chosen)), (random.choice(HEADERS), header_text(random)))
    return [(name.lower().encode(), text.encode("latin-1", "replace")) for name, text in chosen]


def nasty(random: Random) -> object:
    """Any value in the place of one."""
    return random.choice(NASTY)


def pieces(content: bytes, random: Random) -> list[bytes]:
    """The content in up to five pieces that end anywhere, some of them empty."""
    cuts = sorted(random.randint(0, len(content)) for _ in range(random.choice((0, 0, 1, 4))))
    return [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
