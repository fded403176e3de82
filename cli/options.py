"""The options of ansible-playbook after `--`: which of them are refused, and how they are shown."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NoReturn

#: Groups on which playbooks/provision.yml does nothing.
NOT_PROVISIONED = ("release", "wave_4_delivery")
_NOTHING = "runs nothing. Leave it out, or run ansible-playbook itself"
_PARTS = "leaves tasks out. Leave it out; to look first, use --check --diff"
#: Options that are refused, and why.
FLAGS = {
    **dict.fromkeys(
        ("--list-hosts", "--list-tasks", "--list-tags", "--syntax-check", "--help", "--version"), _NOTHING
    ),
    "--step": _PARTS,
}
VALUES = {
    **dict.fromkeys(("--tags", "--skip-tags", "--start-at-task"), _PARTS),
    "--inventory": "names a second inventory. Leave it out: ENVIRONMENT names the inventory",
}
#: Their other names. A short name has to be known to be found in `-vDt`.
SHORT = {"--help": ["-h"], "--tags": ["-t"], "--inventory": ["-i", "--inventory-file"]}


class Refused(Exception):
    """The call would run nothing, or something else; the message has the reason and the alternative."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"after --: {message}")


def _parser() -> argparse.ArgumentParser:
    """Return a parser of the options that matter here. It finds them in each form that ansible-playbook takes."""
    parser = _Parser(add_help=False)
    for name in FLAGS:
        parser.add_argument(name, *SHORT.get(name, ()), dest=name, action="store_true")
    for name in VALUES:
        parser.add_argument(name, *SHORT.get(name, ()), dest=name)
    parser.add_argument("--limit", "-l")
    parser.add_argument("--extra-vars", "-e")
    for flag in ("-C", "-D", "-J", "-K", "-b", "-k", "-v"):
        parser.add_argument(flag, action="count")
    return parser


def check(options: Sequence[str], command: str, environment: str, known: Collection[str]) -> None:
    """Raise Refused if the options leave nothing to run. `known` are the groups and hosts of the environment."""
    given, others = _parser().parse_known_args(list(options))
    for name, reason in {**FLAGS, **VALUES}.items():
        if getattr(given, name) not in (None, False):
            raise Refused(f"{name} {reason}")
    if playbooks := [word for word in others if re.fullmatch(r"[^-].*\.ya?ml", word)]:
        raise Refused(f"{playbooks[0]} is a second playbook. Run it with ansible-playbook")
    if given.limit is not None:
        _check_limit(given.limit, command, environment, known)


def _check_limit(limit: str, command: str, environment: str, known: Collection[str]) -> None:
    if command != "provision":
        raise Refused(f"--limit {limit}: {command} is about the component release alone. Leave out --limit")
    useful = sorted(set(known) - {*NOT_PROVISIONED, f"release.{environment}"})
    terms = [term for term in re.split(r"[,:]", limit) if term]
    if not terms or {"!all", "!*"} & set(terms):
        raise Refused(f"--limit {limit!r} leaves nothing to run. Name components, or leave it out")
    for term in terms:
        if not known or term[0] in "~@" or "[" in term:
            continue  # Ansible reads these, and the playbook refuses a run without components
        names, pattern = (known, term[1:]) if term[0] in "!&" else (useful, term)
        if not any(fnmatchcase(name, pattern) for name in names):
            components = ", ".join(name for name in useful if f"{name}.{environment}" in known)
            raise Refused(
                f"--limit {limit}: {term} is no component that provision builds in {environment}. "
                f"Components: {components}"
            )


def shown(options: Sequence[str]) -> Iterator[str]:
    """Yield the options as they are printed: without the values of variables, which may be secrets."""
    value_follows = False
    for word in options:
        long, sign, value = word.partition("=")
        if value_follows:
            yield _without_value(word)
            value_follows = False
        elif len(long) > 2 and "--extra-vars".startswith(long):
            yield f"{long}={_without_value(value)}" if sign else word
            value_follows = not sign
        elif short := re.match(r"(-[CDJKbkv]*e)(.*)", word, re.DOTALL):
            yield short[1] + (_without_value(short[2]) if short[2] else "")
            value_follows = not short[2]
        else:
            yield word


def _without_value(variable: str) -> str:
    if variable.startswith("@"):
        return variable
    name = re.match(r"\w+(?==)", variable)
    return f"{name[0]}=..." if name else "..."
