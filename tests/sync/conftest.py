"""Fixtures of the command line for this folder."""

from __future__ import annotations

from command_line import command

__all__ = ["command"]
