"""Just enough HTML: elements from plain text, which is always escaped unless it is markup already."""

from __future__ import annotations

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
