"""Connections on which a head is slow to come."""

from __future__ import annotations

import socket

import pytest
from fuzz.receiving import listening

from adapter.receiver import protocol

HEAD = b"GET /health/live HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="nothing comes"),
        pytest.param([HEAD], id="a head without an end"),
        pytest.param([HEAD + b"\r\n", HEAD], id="the second head has none"),
    ],
)
def test_a_head_that_does_not_end_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch, sent: list[bytes]
) -> None:
    monkeypatch.setattr(protocol, "LONGEST_HEAD", 0.2)
    answers = bytearray()
    with socket.create_connection(("127.0.0.1", listening()), timeout=20) as line:
        for piece in sent:
            line.sendall(piece)
            if piece.endswith(b"\r\n\r\n"):
                answers += line.recv(65536)
        while some := line.recv(65536):  # it hangs up: nothing more comes
            answers += some
    assert answers.count(b"HTTP/1.1 200") == sum(piece.endswith(b"\r\n\r\n") for piece in sent)


def test_a_head_in_pieces_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LONGEST_HEAD", 30.0)
    with socket.create_connection(("127.0.0.1", listening()), timeout=20) as line:
        for byte in HEAD + b"Connection: close\r\n\r\n":
            line.sendall(bytes([byte]))
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
