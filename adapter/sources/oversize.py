"""Claims with more lines than anybody looks at are cut down as they come in, so that nothing downstream meets them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.limits import Limits


def within_limits(located: Located, limits: Limits) -> Located:
    """The resource as it is; of a claim over the limit only what tells whether it is one of ours, and the fault."""
    items = located.resource.get("item")
    if located.kind != "Claim" or not isinstance(items, list) or len(items) <= limits.max_claim_lines:
        return located
    words = f"the claim has {len(items)} lines, over the limit of {limits.max_claim_lines} (ADAPTER_MAX_CLAIM_LINES)"
    fault = Issue("too-long", words, "Claim.item", located.place("Claim.item"))
    cut = located.resource | {"item": [{"productOrService": [_service(each) for each in items]}]}
    return replace(located, resource=cut, faults=(*located.faults, fault))


def _service(item: Any) -> Any:
    return item.get("productOrService") if isinstance(item, dict) else item
