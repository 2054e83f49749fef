"""``serve``: the door is here, ``work`` lies behind it, ``gaps`` finds what never came, ``submit`` is an operation."""
