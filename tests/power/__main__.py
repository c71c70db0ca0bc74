"""``python -m power``."""

import sys

from power.cuts import main

sys.exit(main())
