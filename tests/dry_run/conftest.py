"""Fixtures of the command line for this folder; hypothesis gives the same examples on every run."""

from __future__ import annotations

from command_line import command, folder
from hypothesis import settings

settings.register_profile("repeated", derandomize=True, deadline=None, database=None)
settings.load_profile("repeated")

__all__ = ["command", "folder"]
