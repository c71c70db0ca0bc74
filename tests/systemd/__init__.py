"""The units under a real systemd: ``make test-systemd`` boots one in a container, and a service in it.

    overlay of / (in memory) → built wheel in /opt/veille, units of deploy/ → systemd boots (systemd-nspawn, no network)
       → a newsroom on the container's loopback → ready, reload, hang, kill, clash, secret, full disk … → power off

Needs root, systemd-nspawn and a Python outside /root and /home; ``machine.obstacle`` says what is missing.
"""
