"""How long `make fuzz` takes, for requests and for frames each."""

import os
from typing import Final

SECONDS: Final = int(os.environ.get("ARBOR_FUZZ_SECONDS", "600"))
