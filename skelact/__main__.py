"""`python -m skelact`."""

from skelact.cli import main

main()
