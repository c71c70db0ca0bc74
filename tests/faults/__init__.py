"""What is done to an archive to see whether it keeps its promises.

scribe.py    fills an archive through the real parts, without a network, and says what is durable
audit.py     opens the archive as the next start does, and compares it with what was said
stumble.py   a scribe that is killed before one of its steps on the disk
mutants.py   scribes that break the protocol, for those who must notice
sequel.py    the command once more after a failure, and nothing is missing
trace.py     the command under strace
nursery.py   starts scribes and commands in no time, so that many can be killed
"""
