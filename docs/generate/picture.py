"""The picture of the demo in README.md: `docs/demo.svg`, rendered from the transcript `docs/demo.txt`.

The library rich renders it. It is installed together with molecule (requirements-dev.txt).
"""

from __future__ import annotations

import io

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from rich.theme import Theme

from docs.generate import demo

TITLE = "make demo"
#: A dark window with a border: readable on a white page and on a black one.
TERMINAL = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        *((72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (86, 212, 221), (201, 209, 217)),
    ],
)
STYLES = {
    "demo.heading": "bold cyan",
    "demo.command": "bold",
    "demo.blue": "blue",
    "demo.green": "green",
    "demo.failed": "red",
}
#: GitHub loads nothing from elsewhere into a picture, so the fonts are those of the reader's machine.
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>make demo: a deploy and a rollback under load</title>
<style>
.{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; line-height: {line_height}px; \
font-variant-ligatures: none; }}
.{unique_id}-title {{ font-family: FONTS; font-size: 18px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONTS", FONTS)


class Highlighter(RegexHighlighter):
    """Give the demo's two releases the colours of their slots."""

    base_style = "demo."
    highlights = (
        r"(?P<blue>\bblue\b|\b1\.0\.0\b(?: (?=.*█)[ ▁-█]+)?)",
        r"(?P<green>\bgreen\b|\b1\.1\.0\b(?: (?=.*█)[ ▁-█]+)?)",
        r"^ +(?P<failed>failed) ",
        r"^(?P<heading>━━ .*)$",
        r"^(?P<command>\$ .*)$",
    )


def svg() -> str:
    """Return the picture. Raises ValueError if the transcript is not whole."""
    lines = demo.excerpt()
    console = Console(
        record=True,
        width=max(map(len, lines)) + 1,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        theme=Theme(STYLES),
        highlight=False,
    )
    highlight = Highlighter()
    for line in [*lines, ""]:
        console.print(highlight(Text(line)), soft_wrap=True)
    picture = console.export_svg(title=TITLE, theme=TERMINAL, code_format=FRAME, unique_id="demo")
    return "".join(f"{line.rstrip()}\n" for line in picture.splitlines() if line.strip())
