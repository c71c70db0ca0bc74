"""How the archive is looked through: lines beside rows, sealed files beside the manifest, raw copies beside payloads.

lines of a file ─┐
                 ├→ alignment → damage      (records: each line, what stands in it and what it refers to)
rows about it  ──┘
"""
