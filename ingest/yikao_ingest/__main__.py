"""`python -m yikao_ingest` is `yikao`."""

from yikao_ingest.cli import main

main()
