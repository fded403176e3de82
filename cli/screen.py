"""Where a live view is shown: in place on a terminal, else as blocks of text."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from typing import TextIO

from cli import view

#: The alternate screen without a cursor, and the way back from it.
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
TOP, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """Shows lines in place of those before them. The last ones stay on the terminal."""

    def __init__(self, out: TextIO, environ: Mapping[str, str]) -> None:
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")
        self.out = out
        self.terminal = out.isatty() and environ.get("TERM", "dumb") != "dumb"
        self.last: list[str] = []

    def __enter__(self) -> Screen:
        if self.terminal:
            self.out.write(ENTER)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.terminal:
            self.out.write(LEAVE + "".join(f"{line}\n" for line in self.last))
            self.out.flush()

    def show(self, lines: list[str], new: bool) -> None:
        """Show lines. Without a terminal they are printed only if they are `new`."""
        self.last = lines
        if self.terminal:
            size = shutil.get_terminal_size()
            rows = [f"{fit(line, size.columns)}{REST_OF_LINE}" for line in lines[: size.lines - 1]]
            self.out.write(TOP + "\n".join(rows) + REST_OF_SCREEN)
        elif new:
            self.out.write("".join(f"{line}\n" for line in [*lines, ""]))
        self.out.flush()


def fit(line: str, columns: int) -> str:
    """Return as much of a line as a terminal of so many columns shows."""
    while view.width(line) > columns:
        line = line[:-1]
    return line
