"""``python -m adapter``."""

from adapter.cli.main import run

run()
