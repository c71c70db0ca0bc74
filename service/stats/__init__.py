"""What came in, what was removed, what repeats: the figures behind ``veille stats``, and the page made of them.

store → report.gather → Report → the command's tables and JSON lines, or page.render → one HTML file
"""
