"""What passes between a program far away and the terminal here. Pure but for `local.py`'s caller.

`sequences` splits output, `restraint` says what of it may reach the terminal, `modes` remembers
what it changed there, `keys` reads what the terminal sends. None of them writes or reads itself.
"""
