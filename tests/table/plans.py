"""Benefit plans that the rows about plan parameters need: overlays as a site would write them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from adapter.bootstrap import build, mapping_layers
from adapter.layers import shipped_mappings
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings

TERMS: dict[str, tuple[str, str, Any]] = {
    # plan: the rule, its value and what the plan document says
    "no-coaching": ("plan_terms", "excluded_codes", ["0591T", "0592T", "0593T"]),
    "no-telehealth": ("face_to_face", "telehealth", "excluded"),
    "filed-in-90-days": ("timely_filing", "filing_limit_days", 90),
    "assessment-required": ("prior_assessment", "prior_initial_assessment", "deny"),
    "assessment-advised": ("prior_assessment", "prior_initial_assessment", "warn"),
    "supervised": ("supervision", "supervision", "pend"),
}


class _WrittenOut(yaml.SafeDumper):
    """Mapping files take no aliases: what is said twice is written twice."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


@cache
def with_plans(*, brief: bool = False) -> Adjudicator:
    """The shipped mappings with an overlay for each of these plans of Cigna's, brief ones without what they share."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for plan, (rule, name, value) in TERMS.items():
            _write(root, plan, rule, name, value, brief)
        return build(Settings.model_construct(), mapping_layers([root]))


def _write(root: Path, plan: str, rule: str, name: str, value: Any, brief: bool) -> None:
    source = next(path for path in shipped_mappings().glob(f"policies/*/{rule}.yaml"))
    stated = yaml.safe_load(source.read_text(encoding="utf-8"))
    reference = {"document": f"Plan document {plan}", "section": "1"}
    dated = {"effective": "2020-01-01", "value": value, "reference": reference, "reason": "the plan says so"}
    stated["values"][name]["dated"] = [dated]
    stated |= {"reference": reference}
    if brief:
        stated["values"] = {name: stated["values"][name]}
    header = {
        "policy": f"plan-{plan}",
        "title": f"Plan {plan}",
        "uri": f"https://plans.example.org/{plan}",
        "version": "1",
        "effective": "2020-01-01",
        "overlay": {"payer": "cigna", "plans": [plan]},
        "decides": False,
        "document": f"Plan document {plan}",
    }
    folder = root / "policies" / f"plan-{plan}"
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text(yaml.safe_dump(header), encoding="utf-8")
    (folder / f"{rule}.yaml").write_text(yaml.dump(stated, Dumper=_WrittenOut, sort_keys=False), encoding="utf-8")
