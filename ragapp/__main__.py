"""``python -m ragapp``."""

from ragapp.cli.main import run

run()
