"""Generates documentation from the code and the inventories: `python -m docs.generate`, or `make docs`.

It writes whole pages (the reference, environments) and marked blocks in other pages. A test fails if a
committed page is not current.
"""
