"""Every error the adapter raises on purpose, in one tree.

AdapterError
├── UsageError          the operator fixes the command line or a setting            exit 2
├── ConfigurationError  the owner of a mapping or policy fixes a file, line named   exit 2
├── SourceError         the source could not be reached or refused us               exit 4
│   └── AccessRefused   our credentials were not enough; says at which step         exit 4
├── InputError          something that was sent cannot be read; the rest is read on  (an issue)
└── WriteError          an answer was decided but could not be written              exit 3
    └── AuditError      what is done cannot be entered in the audit, so it is not   exit 3

A denial, a pended line and a rejection are answers, never errors.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class AdapterError(Exception):
    """Base of all: the message says what failed, where, and what to do."""

    exit_code = 3


class UsageError(AdapterError):
    """The command line or a setting asks for something impossible."""

    exit_code = 2


class ConfigurationError(AdapterError):
    """Mappings or policies that will not load; lists every fault, not only the first."""

    exit_code = 2

    def __init__(self, faults: list[ConfigurationFault]) -> None:
        self.faults = sorted(dict.fromkeys(faults), key=lambda fault: (fault.file, fault.line))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True)
class ConfigurationFault:
    """One fault of one file: where it stands, what is wrong, how to mend it."""

    file: str
    line: int
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}" + (f" ({self.hint})" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome, still free of FHIR.

    ``code`` is of https://hl7.org/fhir/R4/valueset-issue-type.html, ``expression`` a FHIRPath with indexes,
    ``where`` the file and line, or the resource, that it stands in.
    """

    code: str
    text: str
    expression: str = ""
    where: str = ""
    severity: str = "error"


@dataclass(eq=False)
class SourceError(AdapterError):
    """The source could not be reached, refused us, or did not answer in FHIR."""

    problem: str
    hint: str = ""
    exit_code: int = field(default=4, init=False)

    def __str__(self) -> str:
        return self.problem + (f". {self.hint}" if self.hint else "")


class Step(StrEnum):
    """What has to go well, in this order, for a server to let us do our work."""

    DISCOVERY = "discovery"
    TOKEN = "token"  # noqa: S105 - a word, no password
    SCOPE = "scope"
    READ = "read"
    WRITE = "write"


@dataclass(eq=False)
class AccessRefused(SourceError):
    """A server did not let us in, or not do what we asked for."""

    step: Step = Step.READ

    def __str__(self) -> str:
        return f"access failed at the step {self.step}: {SourceError.__str__(self)}"


@dataclass(eq=False)
class InputError(AdapterError):
    """A file, or a part of one, that cannot be read. It becomes an issue of an OperationOutcome; the rest goes on."""

    problem: str
    code: str = "structure"
    """As in ``Issue``."""
    line: int = 1

    def __str__(self) -> str:
        return self.problem


def raised_at(error: BaseException) -> str:
    """The kind of an unexpected error and the line it came from; never its message, which may hold health data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


class WriteError(AdapterError):
    """An answer could not be written; its claim counts as unanswered."""


class AuditError(WriteError):
    """What is about to be done cannot be entered in the audit, or the audit is not as we left it: it is not done."""
