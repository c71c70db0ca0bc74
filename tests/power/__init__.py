"""Power cuts without hardware: what is on a device at a random moment must hold every promise made until then.

cuts.py    writes, cuts, recovers and compares, again and again
disks.py   file systems whose device can be copied at any moment, page cache left out
"""
