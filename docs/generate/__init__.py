"""Writes what in the documentation follows from the data: `python -m docs.generate`, or `make docs`.

Whole pages (the reference, environments) and marked blocks inside of hand-written ones. A test fails
when what is committed is not what this would write.
"""
