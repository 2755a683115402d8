"""`python -m arborlink.cli`, which is `arbor`."""

from arborlink.cli.main import main

main()
