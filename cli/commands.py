"""The commands of `teal`, their arguments, and the variables that each passes to its playbook."""

from __future__ import annotations

import argparse
import difflib
import json
import math
from typing import Any, NoReturn

from cli.inventories import environments

#: Seconds between two refreshes of `teal status ENVIRONMENT --watch`.
PAUSE = 5.0
#: Arguments whose name is also the name of the playbook's variable.
PASSED = ("image_tag", "image_digest", "to", "reason", "force")

DESCRIPTION = "Run a playbook of this repository for one environment."
EPILOG = """\
Options after -- are passed to ansible-playbook, such as: teal deploy staging 1.4.2 -- --check --diff
The exit code is that of ansible-playbook. It is 2 if the call was refused before Ansible started."""


class Parser(argparse.ArgumentParser):
    """Prints the reason of a refusal first, and ends with exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nNothing was run. {self.format_usage()}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = Parser(
        prog="teal",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, playbook: str, summary: str, **variables: Any) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]} (playbooks/{playbook}.yml).",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.set_defaults(playbook=playbook, variables=variables)
        command.add_argument(
            "environment", metavar="ENVIRONMENT", type=_environment, help="folder in inventories/"
        )
        return command

    deploy = add("deploy", "deploy", "deploy a release")
    deploy.add_argument(
        "image_tag", metavar="TAG", type=_text, help="tag of the image, or its digest (sha256:...)"
    )
    _reason(deploy, required=False)
    _force(deploy)

    rollback = add("rollback", "rollback", "roll back to the release before, or to another one")
    _reason(rollback)
    rollback.add_argument(
        "--to",
        metavar="RELEASE",
        type=_text,
        help="number (r42), tag, version or digest of the release (default: the release before)",
    )
    _force(rollback)

    status = add("status", "status", "show slots, weights, lock and latest releases")
    status.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=_pause,
        const=PAUSE,
        help=f"refresh the view until Ctrl-C, with a pause of SECONDS after each read (default: {PAUSE:g})",
    )

    add("provision", "provision", "build the components, or update them to what the inventory says")
    add(
        "reconcile",
        "retire",
        "end a release whose run was interrupted; no slot is scaled down",
        recover_only=True,
    )
    _reason(add("unlock", "unlock", "break the release lock, on record"))
    return top


def variables(given: argparse.Namespace) -> dict[str, Any]:
    """Return the extra variables of a parsed command line, under the names that the playbook knows."""
    found = {name: value for name in PASSED if (value := getattr(given, name, None))}
    if found.get("image_tag", "").startswith("sha256:"):
        found["image_digest"] = found.pop("image_tag")
    return {**given.variables, **found}


def as_json(values: dict[str, Any]) -> str:
    """Return variables as the one argument of `-e`. Ansible takes no text in it for a template."""
    return json.dumps({name: _untemplated(value) for name, value in values.items()}, ensure_ascii=False)


def _untemplated(value: Any) -> Any:
    template = isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))
    return {"__ansible_unsafe": value} if template else value


def _reason(command: argparse.ArgumentParser, required: bool = True) -> None:
    command.add_argument(
        "--reason",
        metavar="TEXT",
        type=_text,
        required=required,
        help="why, for the record; a text that begins with a dash: --reason='-5 %% orders'",
    )


def _force(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--force",
        choices=("same", "rolled_back"),
        help="same: deploy again what is live; rolled_back: deploy a release that was rolled back",
    )


def _text(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("is empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("is not UTF-8 text") from None
    return value


def _environment(value: str) -> str:
    known = environments()
    if value in known:
        return value
    close = difflib.get_close_matches(value, known, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    raise argparse.ArgumentTypeError(
        f"{value!r} is not in inventories/. Known: {', '.join(known) or 'none'}.{meant}"
    )


def _pause(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(
            f"{value!r} is not a number from 1 to 3600. ENVIRONMENT comes before --watch"
        )
    return seconds
