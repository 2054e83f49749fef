"""Just enough HTML: elements from plain text, which is always escaped unless it is markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = ("meta", "br")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | None) -> Html:
    """An element; a trailing underscore of an attribute's name is dropped, other ones become hyphens."""
    written = "".join(f' {_named(key)}="{escape(value)}"' for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{together(*children)}</{name}>")


def together(*children: str) -> Html:
    """Several pieces one after another."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in children))


def _named(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


# --- pieces of a page


def chip(word: str, kind: str) -> Html:
    """A word set apart; its colour never stands alone."""
    return tag("strong", word, class_=f"chip {kind}")


def code(text: str) -> Html:
    """Text as machines write it."""
    return tag("code", text) if text else Html()


def table(kind: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Html:
    """A table whose cells carry their column's name, for where it is too narrow to have columns."""
    columns = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in head)))
    body = [
        tag("tr", *(tag("td", cell, data_label=name) for name, cell in zip(head, row, strict=True))) for row in rows
    ]
    return tag("table", columns, tag("tbody", *body), class_=kind)


def terms(pairs: Iterable[tuple[str, str]]) -> Html:
    entries = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs]
    return tag("dl", *entries) if entries else Html()
