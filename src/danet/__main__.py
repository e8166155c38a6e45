"""``python -m danet`` is ``danet``."""

from danet.cli import main

main()
