"""What the coverage facts (section 1) say of whole groups of CARC and RARC: tests hold answers and policies to it."""

NEEDS_REMARK = frozenset(["16", "96", "129", "148", "226", "227", "234", "250", "251", "252", "267", "A1"])
"""Coverage facts, section 1.2."""
ALERTS = frozenset(["MA01", "MA67", "N202", "N210", "N211", "N704", "N883", "N886", "N888"])
"""Coverage facts, section 1.3."""
DEAD = frozenset({"15", "17", "38", "165"})
ABOUT_DOCUMENTS = frozenset(
    [
        "M127",
        "M136",
        "N4",
        "N206",
        "N237",
        "N443",
        "N479",
        "N480",
        "N570",
        "N674",
        "N705",
        "N706",
        "N717",
        "N718",
        "N729",
        "N730",
        "N850",
    ]
)
"""Remarks that ask for a document or say what is missing in one."""
