"""Weeks in minutes: real polls, over loopback, of sites whose whole life is known beforehand.

sites.py    what each site publishes and when, how it answers, what goes wrong with it
clock.py    the time, which is moved instead of waited for
world.py    the sites as an HTTP server that answers by that clock and notes every answer
watch.py    the polling side of the service over them, jumping from due time to due time
audit.py    what the answers allowed and what was asked, worked out from the server's notes alone
"""
