"""What may stand in a policy: the promises that every policy file keeps, whoever wrote it.

A rule that no file switches on, a code that no table lists, a reason code that contradicts its decision: each would
change decisions without a word, so each is a fault with file and line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from itertools import pairwise

from adapter.coverage.registry import RULES, Rule
from adapter.errors import ConfigurationFault
from adapter.layers import Layers
from adapter.mapping.code_files import NcciFile, ReasonEntry, ServiceEntry
from adapter.mapping.tables import Payers
from adapter.policy.book import Policy
from adapter.policy.codes import CodeList, CodeLists
from adapter.policy.files import Outcome, PolicyFile, Reference, RuleFile
from adapter.policy.layering import PolicyRule
from adapter.yaml_lines import Lined, Steps

Faults = Iterator[ConfigurationFault]

CARC_OF = {"PEND": ["252"], "REVIEW": ["133"], "WARN": [], "APPROVE": []}
"""The CARC that a decision carries; a denial or rejection says its own."""
OPEN = frozenset({"133", "252"})
"""CARC of lines that are not decided."""
OPEN_DECISIONS = frozenset({"PEND", "REVIEW"})
"""The decisions that leave a line open."""
NECESSITY = frozenset({"50", "55", "56"})
"""Not necessary, experimental, unproven: coverage is decided here, never treatment (Cigna A015, Purpose)."""
INCOMPLETE, UNPROCESSABLE = "16", "MA130"
"""A claim that cannot be processed as sent; the remark beside it names the field."""
REGULAR_RATE = "M69"
"""The one remark of a warning that is no alert (row 67)."""
BASIS, BASIS_FILE = "Common claim rules", "policies/common/basis.md"
"""Our own document, as citations call it: its sections can be looked up."""


# --- rule files


def named(lined: Lined, rule: str, stem: str) -> Faults:
    """A rule stands in the file of its name, so that no two files state it."""
    if rule != stem:
        yield lined.fault(f"rule {rule} stands in a file of another name", ("rule",), f"call the file {rule}.yaml")


def against_rule(lined: Lined, read: RuleFile, rule: Rule, below: PolicyRule | None) -> Faults:
    """The values and outcomes a rule uses are there, here or in the policy below, and no others."""
    for part, wanted in (("values", rule.values), ("outcomes", rule.outcomes)):
        given = set(getattr(read, part))
        taken_over = set(getattr(below.file, part)) if below else set()
        for name in sorted(set(wanted) - given - taken_over):
            yield lined.fault(f"rule {read.rule} needs {part}.{name}", (part,))
        for name in sorted(given - set(wanted)):
            yield lined.fault(f"rule {read.rule} has no {part}.{name}", (part, name))


def dates(lined: Lined, read: RuleFile) -> Faults:
    for name, series in read.values.items():
        days = [each.effective for each in series.dated]
        for index, (earlier, later) in enumerate(pairwise(days)):
            if later <= earlier:
                place = ("values", name, "dated", index + 1, "effective")
                yield lined.fault(f"{later} does not come after {earlier}", place, "order values by date")


def decisions(lined: Lined, read: RuleFile) -> Faults:
    """What each decision says (contract, ClaimResponse): its CARC, and to the reader what to do."""
    for name, outcome in read.outcomes.items():
        at = ("outcomes", name)
        wanted = CARC_OF.get(outcome.decision)
        if wanted is None and (len(outcome.carc) != 1 or OPEN & set(outcome.carc)):
            yield lined.fault(f"{outcome.decision} without a CARC of its own", at, "say why, by one reason code")
        elif wanted is not None and outcome.carc != wanted:
            hint = f"carc: {wanted}".replace("'", '"')
            yield lined.fault(f"{outcome.decision} with another CARC", at, hint)
        if outcome.decision in ("REVIEW", "APPROVE") and outcome.rarc:
            yield lined.fault(f"{outcome.decision} with a remark code, which nobody would see", (*at, "rarc"))
        if not outcome.fix.strip():
            yield lined.fault(f"{name} tells the reader nothing to do", at, "add fix: what to do next")


def unknowns(lined: Lined, read: RuleFile, rule: Rule) -> Faults:
    """Unknown never becomes an approval or a denial: what stands for missing evidence is asked about."""
    for name, outcome in read.outcomes.items():
        if name in rule.unknown and outcome.decision not in OPEN_DECISIONS:
            problem = f"{name} means that evidence is missing, which decides nothing"
            yield lined.fault(problem, ("outcomes", name), "decision: PEND or REVIEW")


def reasons(lined: Lined, read: RuleFile, codes: CodeLists) -> Faults:
    """Every reason code is in its table, alive, and in the company it needs."""
    for name, outcome in read.outcomes.items():
        at = ("outcomes", name)
        for part, written, listed in (("carc", outcome.carc, codes.carc), ("rarc", outcome.rarc, codes.rarc)):
            for problem in _dead_or_unknown(written, listed):
                yield lined.fault(problem, (*at, part))
        carc, rarc = _entries(outcome.carc, codes.carc), _entries(outcome.rarc, codes.rarc)
        for problem in (*_remarks(outcome, carc, rarc), *_meaning(outcome, rarc)):
            yield lined.fault(problem, (*at, "carc"))


def _dead_or_unknown(written: list[str], listed: CodeList[ReasonEntry]) -> Iterator[str]:
    for code in written:
        entry = listed.get(code)
        if entry is None:
            yield f"{listed.name} {code} is in no table"
        elif entry.end is not None:
            yield f"{listed.name} {code} is dead since {entry.end}"


def _entries(written: list[str], listed: CodeList[ReasonEntry]) -> dict[str, ReasonEntry]:
    return {code: entry for code in written if (entry := listed.get(code)) is not None}


def _remarks(outcome: Outcome, carc: Mapping[str, ReasonEntry], rarc: Mapping[str, ReasonEntry]) -> Iterator[str]:
    """A remark that tells something stands where one is needed, and none that asks for action beside a warning."""
    telling = [code for code, entry in rarc.items() if not entry.alert and code != UNPROCESSABLE]
    needy = [code for code, entry in carc.items() if entry.needs_remark]
    if needy and not telling:
        yield f"CARC {needy[0]} needs a remark code that is not an alert"
    if outcome.decision == "WARN" and set(telling) - {REGULAR_RATE}:
        yield f"a warning carries alerts and {REGULAR_RATE} only"


def _meaning(outcome: Outcome, rarc: Mapping[str, ReasonEntry]) -> Iterator[str]:
    """CARC 16 is for a claim that is wrong, never for a document; and medical necessity is not decided here."""
    if INCOMPLETE in outcome.carc and outcome.decision != "REJECT":
        yield f"CARC {INCOMPLETE} rejects; it is not for {outcome.decision}"
    if INCOMPLETE in outcome.carc and (papers := [code for code, entry in rarc.items() if entry.document]):
        yield f"RARC {papers[0]} asks for a document, which CARC {INCOMPLETE} is not for; pend with 252"
    if necessity := sorted(NECESSITY & set(outcome.carc)):
        yield f"CARC {necessity[0]} speaks of medical necessity; coverage is decided here"


def services(lined: Lined, read: RuleFile, listed: CodeList[ServiceEntry]) -> Faults:
    for index, code in enumerate(read.applies_to):
        if listed.get(code) is None:
            yield lined.fault(f"service code {code} is in no table", ("applies_to", index))


# --- references


def sections(layers: Layers) -> frozenset[str]:
    """The headings of our own document."""
    texts = [(each.root / BASIS_FILE).read_text(encoding="utf-8") for each in layers.holding(BASIS_FILE)]
    lines = [line for text in texts for line in text.splitlines()]
    return frozenset(line.removeprefix("## ").strip() for line in lines if line.startswith("## "))


def references(lined: Lined, read: RuleFile, listed: CodeList[ServiceEntry], known: Collection[str]) -> Faults:
    """A reference to our own document leads to one of its sections; other places are for codes that exist."""
    for at, reference in _references(read):
        for code in reference.by_code:
            if listed.get(code) is None:
                yield lined.fault(f"service code {code} is in no table", (*at, "by_code", code))
        for place, each in ((at, reference), *(((*at, "by_code", code), it) for code, it in reference.by_code.items())):
            if each.document == BASIS and each.section not in known:
                yield lined.fault(f"{BASIS} has no section {each.section!r}", place, f"see {BASIS_FILE}")


def _references(read: RuleFile) -> Iterator[tuple[Steps, Reference]]:
    yield ("reference",), read.reference
    for name, series in read.values.items():
        for index, entry in enumerate(series.dated):
            yield ("values", name, "dated", index, "reference"), entry.reference


def unnamed_documents(layers: Layers, policies: Mapping[str, Policy]) -> Faults:
    """References to documents that no policy names as its own or as one it cites: new ones, or misspelt."""
    known = {name for each in policies.values() for name in (each.header.document, *each.header.documents)}
    for policy, stated in ((name, rule) for name, each in policies.items() for rule in each.rules.values()):
        for at, reference in _references(stated.stated) if stated.layer == policy else ():
            for document in sorted({each.document for each in (reference, *reference.by_code.values())} - known):
                lined = layers.lined(f"policies/{policy}/{stated.file.rule}.yaml")
                yield lined.fault(f"no policy names the document {document!r}", at, "add it to documents: of a policy")


def elements(layers: Layers, found: Mapping[str, Collection[str]], policies: Mapping[str, Policy]) -> Faults:
    """Elements of documentation are those that policies ask for: each has a place, and there is no other.

    ``found``: the elements of ``documentation.yaml``, by the folder of a FHIR version.
    """
    asked = {name for each in policies.values() for name in _asked_for(each)}
    for folder, names in found.items():
        lined = layers.lined(f"{folder}/documentation.yaml")
        for name in sorted(asked - set(names)):
            yield lined.fault(f"policies ask for {name!r}, and nothing says where it is found", ("elements",))
        for name in sorted(set(names) - asked):
            near = get_close_matches(name, asked, 1)
            hint = f"do you mean {near[0]!r}?" if near else f"elements: {', '.join(sorted(asked))}"
            yield lined.fault(f"no policy asks for {name!r}", ("elements", name), hint)


def _asked_for(policy: Policy) -> Iterator[str]:
    for rule in policy.rules.values():
        series = rule.file.values.get("documentation_elements")
        yield from (name for entry in (series.dated if series else ()) for name in entry.value)


# --- policies


def header(lined: Lined, read: PolicyFile, folder: str) -> Faults:
    """A policy is what its folder is called, its dates follow each other, and it says which claims it lies on."""
    if read.policy != folder:
        yield lined.fault(f"policy {read.policy!r} stands in the folder {folder!r}", ("policy",), "name both alike")
    for name, day in (("end", read.end), ("next_review", read.next_review)):
        if day is not None and day < read.effective:
            yield lined.fault(f"{name} {day} lies before effective {read.effective}", (name,))
    if read.overlay is None:
        return
    if not (read.overlay.payer or read.overlay.plans or read.overlay.states):
        yield lined.fault("an overlay that lies on every claim", ("overlay",), "name its payer, plans or states")
    if read.overlay.over_plan and not read.overlay.states:
        yield lined.fault("over_plan is for the rules of a state", ("overlay", "over_plan"), "name its states")
    if read.extends is not None:
        hint = "state only what differs; the rest is the policy's that it lies on"
        yield lined.fault("an overlay extends no policy", ("extends",), hint)


def payers(layers: Layers, known: Payers, policies: Mapping[str, Policy], common: str) -> Faults:
    """Payers name policies that exist, of different dates, and overlays payers that exist."""
    for payer in known.payers.values():
        lined = layers.lined(payer.file)
        dated: dict[date, str] = {}
        for index, name in enumerate(payer.policies):
            at, policy = ("policies", index), policies.get(name)
            if policy is None:
                yield lined.fault(f"no policy {name!r}", at, f"policies: {', '.join(sorted(policies))}")
            elif policy.header.overlay is not None:
                yield lined.fault(f"{name!r} is an overlay, no policy of a payer", at)
            elif rival := dated.get(policy.header.effective):
                yield lined.fault(f"{rival} and {name} both begin on {policy.header.effective}", at)
            else:
                dated[policy.header.effective] = name
    for name, policy in policies.items() if known.payers else ():
        yield from _lies_on(_lined(layers, name), policy, known, policies, common)


def _lies_on(lined: Lined, policy: Policy, known: Payers, policies: Mapping[str, Policy], common: str) -> Faults:
    """A policy is used: as the common one, by a payer, by another policy, or as an overlay of a payer we know."""
    read, name = policy.header, policy.header.policy
    if read.overlay is not None:
        if read.overlay.payer is not None and read.overlay.payer not in known.payers:
            hint = f"payers: {', '.join(sorted(known.payers))}"
            yield lined.fault(f"no payer {read.overlay.payer!r}", ("overlay", "payer"), hint)
    elif not (
        name == common
        or any(name in each.policies for each in known.payers.values())
        or any(each.header.extends == name for each in policies.values())
    ):
        yield lined.fault(f"nothing uses the policy {name!r}", ("policy",), "name it in a payer's file, or say overlay")


def vanished(layers: Layers, known: Payers, policies: Mapping[str, Policy], common: str) -> Faults:
    """Checks that nobody switched off on purpose: every rule is stated, and a payer's policy has all common ones."""
    if common not in policies:
        yield ConfigurationFault(layers.shown(f"policies/{common}/policy.yaml"), 1, "there are no common rules")
        return
    switched_on = {rule for policy in policies.values() for rule in policy.rules}
    for name in sorted(set(RULES) - switched_on):
        where = layers.shown(f"policies/{common}/{name}.yaml")
        yield ConfigurationFault(where, 1, f"no policy states the rule {name}", "a check must not vanish")
    if policies[common].header.end is not None:
        yield _lined(layers, common).fault("the common rules do not end: they bind whoever pays", ("end",))
    for name in sorted({name for payer in known.payers.values() for name in payer.policies}):
        if missing := sorted(set(policies[common].rules) - set(policies[name].rules)):
            problem = f"lacks {len(missing)} of the rules that bind whoever pays: {', '.join(missing[:3])} ..."
            yield _lined(layers, name).fault(problem, ("extends",), f"extends: {common}")


def _lined(layers: Layers, policy: str) -> Lined:
    return layers.lined(f"policies/{policy}/policy.yaml")


# --- code lists


def same_day_edits(lined: Lined, read: NcciFile, listed: CodeList[ServiceEntry]) -> Faults:
    """Pairs and unit limits are of codes that exist, and no pair stands twice."""
    seen: set[tuple[str, str]] = set()
    for index, pair in enumerate(read.pairs):
        for code in (pair.column_one, pair.column_two):
            if listed.get(code) is None:
                yield lined.fault(f"service code {code} is in no table", ("pairs", index))
        if (pair.column_one, pair.column_two) in seen:
            yield lined.fault(f"the pair {pair.column_one}, {pair.column_two} stands twice", ("pairs", index))
        seen.add((pair.column_one, pair.column_two))
    for code in read.mue:
        if listed.get(code) is None:
            yield lined.fault(f"service code {code} is in no table", ("mue", code))
