"""A return as a spreadsheet: written for people to fill in, and read back with care.

`write` makes the workbook; `cells` reads the cells of one that somebody sent, in a process of its own; `read` finds the
answers in them.
"""
