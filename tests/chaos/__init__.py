"""The service while all goes wrong around it, and stories are published all the while.

supervisor.py   the daemon as a process, started again after a failure, as its systemd unit has it
world.py        sites, clock, disk, what has been published and what has been archived
faults.py       one thing after the other that goes wrong, and is lifted again
storm.py        all of them, one after the other: how long until it works again, and the books in the end
"""
