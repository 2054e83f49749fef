"""What a run asks and by what it decides, as one name: answers of other rules are no reason to pass a claim over."""

from __future__ import annotations

from hashlib import sha256

from adapter import __version__
from adapter.layers import Layers
from adapter.reconcile import Adjudicator


def query_name(layers: Layers, adjudicator: Adjudicator) -> str:
    """The name that checkpoints are kept under; it changes with every mapping, policy and setting that decides."""
    digest = sha256(__version__.encode())
    told = (adjudicator.mappings.version, adjudicator.identifier_system, adjudicator.site_timezone, adjudicator.lenient)
    digest.update(repr(told).encode())
    for layer in layers.layers:
        for path in sorted(each for each in layer.root.rglob("*") if each.is_file()):
            digest.update(f"\0{path.relative_to(layer.root)}\0".encode() + path.read_bytes())
    return f"Claim {digest.hexdigest()[:16]}"
