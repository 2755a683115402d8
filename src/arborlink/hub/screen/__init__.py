"""A model of a terminal's screen, and the process that keeps one for each terminal.

The model is pure: bytes in, and out the bytes that make a terminal that was just reset show the
same. It never answers anything.
"""
