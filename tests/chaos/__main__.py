"""``python -m chaos``."""

import sys

from chaos.storm import main

sys.exit(main())
