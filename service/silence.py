"""Imported by the server that workers are forked off, and by nobody else: from then on it and they are silent.

What a worker has to say comes back as its call's result. But one that is ended while it starts, as on a machine of many
cores after a short run, would print a traceback on the terminal of somebody for whom nothing went wrong.
"""

import os
import sys

if sys.argv[:1] == ["-c"] and "multiprocessing.forkserver" in sys.modules:  # an import elsewhere must silence nobody
    _nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(_nowhere, 2)
    os.close(_nowhere)
