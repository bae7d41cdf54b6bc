"""`chatapp chat`: a client of a running server, in a terminal or a pipe.

`following` reads a run through cuts and restarts, `conversation` is what is said where, `screens`
shows it, `session` is the talk at a prompt, `once` the one without. None of it knows the stores: it
sees what any client sees.
"""
