"""Code tables: which system a coding is of, what a local code means, which credential a qualification is, who pays.

All of it is data under ``mappings/``; this file only looks things up. Nothing here guesses: what no table lists is
handed on unrecognised, and the rules decide what that means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapter.session.model import Code


@dataclass(frozen=True, slots=True)
class CodeSystems:
    """The systems of ``mappings/tables/code-systems.yaml``: preferred URL and accepted spellings of each."""

    preferred: Mapping[str, str]
    """Key to URL: ``CPT`` to ``http://www.ama-assn.org/go/cpt``."""
    spellings: Mapping[str, str]
    """Every accepted URL or OID to its key."""

    def read(self, code: str, system: str | None) -> Code:
        """The code with the key of its system; ``written_as`` tells a spelling that is not the preferred one."""
        key = self.spellings.get(system or "")
        if key is None:
            return Code(code, None, system)
        return Code(code, key, None if self.preferred[key] == system else system)

    def urls(self, code: Code) -> tuple[str | None, ...]:
        """The URL a code was written under, then the preferred one of its system: what says something of that says it
        of every accepted spelling."""
        preferred = self.preferred.get(code.system or "")
        return (code.written_as or preferred,) if code.system is None else (code.written_as or preferred, preferred)


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A FHIR ConceptMap or ValueSet as a dictionary: (system URL, code) to code.

    https://hl7.org/fhir/R4/conceptmap.html, https://hl7.org/fhir/R4/valueset.html
    """

    name: str
    targets: Mapping[tuple[str | None, str], Code]
    file: str = ""
    listed_only: bool = False
    """A ValueSet: its codes stay what they are, and any other is dropped."""

    def translate(self, code: Code, urls: Iterable[str | None]) -> Code | None:
        """The target of a code by the first of the URLs of its system that the map lists it under, else None."""
        for url in urls:
            if (found := self.targets.get((url, code.code))) is not None:
                return found
        return None


@dataclass(frozen=True, slots=True)
class CredentialKind:
    """One kind of ``mappings/codes/credentials.yaml`` and how it is recognised."""

    key: str
    codes: frozenset[tuple[str, str]] = frozenset()
    texts: tuple[re.Pattern[str], ...] = ()
    issuers: tuple[re.Pattern[str], ...] = ()
    confirmed_by: tuple[re.Pattern[str], ...] = ()


def whole_words(phrases: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """Patterns that find each phrase as whole words, whatever its case."""
    return tuple(re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE) for phrase in phrases)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Recognises a qualification: by code, then by the words of its text, then by its issuer."""

    kinds: Sequence[CredentialKind]
    doubts: tuple[re.Pattern[str], ...] = ()

    def doubted(self, texts: Sequence[str]) -> bool:
        """Whether the words deny what they name or put it in the future: "not certified", "applicant for"."""
        return _any_found(self.doubts, texts)

    def borne_out(self, key: str, codes: Iterable[Code], issuers: Sequence[str]) -> bool:
        """Whether a code or an issuer says that a qualification is of this kind, rather than its words alone."""
        kind = next(each for each in self.kinds if each.key == key)
        return bool(kind.codes & _written(codes)) or _any_found((*kind.issuers, *kind.confirmed_by), issuers)

    def recognise(self, codes: Iterable[Code], texts: Sequence[str], issuers: Sequence[str]) -> str | None:
        """The key of the kind, None when nothing matches."""
        written = _written(codes)
        by_code = (kind.key for kind in self.kinds if kind.codes & written)
        by_text = (kind.key for kind in self.kinds if _any_found(kind.texts, texts))
        by_issuer = (kind.key for kind in self.kinds if _any_found(kind.issuers, issuers))
        for found in (by_code, by_text, by_issuer):
            if (key := next(found, None)) is not None:
                return key
        return None


def _written(codes: Iterable[Code]) -> set[tuple[str, str]]:
    return {(each.system or "", each.code) for each in codes}


def _any_found(patterns: Iterable[re.Pattern[str]], texts: Sequence[str]) -> bool:
    return any(pattern.search(text) for pattern in patterns for text in texts)


@dataclass(frozen=True, slots=True)
class Payer:
    """One payer of ``mappings/payers/``. ``names`` match from the first word on, ``name_parts`` anywhere.

    ``not_names`` are words of other business under the same name: with one of them nobody can tell whose rules apply.
    """

    key: str
    title: str
    identifiers: frozenset[tuple[str, str]] = frozenset()
    names: tuple[str, ...] = ()
    name_parts: tuple[str, ...] = ()
    not_names: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    note: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Payers:
    """Recognises a payer by identifier, then by name (affiliates included)."""

    payers: Mapping[str, Payer] = field(default_factory=dict)

    def recognise(self, identifiers: Iterable[tuple[str, str]], names: Iterable[str]) -> str | None:
        """The key of the payer; None when nobody or more than one matches, or a name speaks of other business."""
        wanted, plain = set(identifiers), [plain_name(name) for name in names]
        found = {key for key, payer in self.payers.items() if payer.identifiers & wanted}
        found = found or {key for key, payer in self.payers.items() if any(_named(payer, name) for name in plain)}
        if len(found) != 1:
            return None
        (key,) = found
        return None if any(_has_part(name, self.payers[key].not_names) for name in plain) else key


def plain_name(name: str) -> str:
    """A name for comparison: lower case, words only."""
    return " ".join(re.findall(r"[a-z0-9]+", name.casefold()))


def _named(payer: Payer, name: str) -> bool:
    padded = f" {name} "
    return any(padded.startswith(f" {each} ") for each in payer.names) or _has_part(name, payer.name_parts)


def _has_part(name: str, parts: Iterable[str]) -> bool:
    return any(f" {part} " in f" {name} " for part in parts)
