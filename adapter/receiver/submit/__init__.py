"""``Claim/$submit``: a claim decided while its sender waits, and nothing stored."""
