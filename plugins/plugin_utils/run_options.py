# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks the command line of a playbook for options with which it would run nothing or the wrong tasks.

Each function is pure. It yields sentences that say what is wrong and what to run instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.splitter import parse_kv

#: Tags that molecule skips in each run. No task of the collection has them.
MOLECULE_TAGS = {"molecule-notest", "notest", "molecule-idempotence-notest"}
#: Extra variables that select a release.
SELECTORS = ("image_tag", "image_digest", "to", "from", "digest")
#: All short extra variables of the playbooks; a test compares them with the roles and `playbooks/meta`.
SHORT = (
    *SELECTORS,
    *("reason", "force", "lock_wait", "passed", "output", "drift_summary", "at_once", "recover_only"),
    *("confirm", "destroy_protected", "patch_nodes"),
)
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def left_out_by_options(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that skip tasks by tag or name. `options` are those of ansible-playbook."""
    tags = [tag for tag in options.get("tags") or () if tag != "all"]
    if tags:
        yield (
            f"--tags {','.join(tags)} (or ANSIBLE_RUN_TAGS): no task has a tag, so nothing would run. "
            "To provision one component, use --limit <component>"
        )
    if skipped := [tag for tag in options.get("skip_tags") or () if tag not in MOLECULE_TAGS]:
        yield (
            f"--skip-tags {','.join(skipped)} (or ANSIBLE_SKIP_TAGS): a run needs all of its tasks. "
            "To exclude a component, use --limit '!<component>'"
        )
    if options.get("start_at_task"):
        yield (
            f"--start-at-task '{options['start_at_task']}': the checks and look-ups before that task would be "
            "skipped. Run the same command without the option: tasks change only what differs"
        )
    if options.get("step"):
        yield "--step: a skipped task leaves a release half done. Use --check --diff to see the changes first"


def unsafe_configuration(strategy: str, hash_behaviour: str) -> Iterator[str]:
    """Yield configuration that changes the behaviour of the playbooks."""
    if not strategy.endswith("linear") and strategy.rpartition(".")[2] != "debug":
        yield (
            f"ANSIBLE_STRATEGY={strategy}: with it, a failed check does not stop the other components. "
            "Unset it, since the playbooks set the strategy of each play"
        )
    if hash_behaviour != "replace":
        yield (
            f"ANSIBLE_HASH_BEHAVIOUR={hash_behaviour}: a mapping of an inventory must replace the default, not be "
            "merged with it. Unset it"
        )


def several_inventories(
    sources: Sequence[str], groups: Mapping[str, Sequence[str]], molecule: str = ""
) -> Iterator[str]:
    """Yield the problems of the inventories: no hosts, or more than one environment.

    `molecule` is the folder of molecule's own inventory, which has no hosts.
    """
    given = [source for source in sources if not molecule or not source.startswith(molecule)]
    components = {
        host
        for name, hosts in groups.items()
        for host in hosts
        if name not in ("all", "ungrouped") and host.partition(".")[0] == name
    }
    environments = sorted({host.partition(".")[2] for host in components})
    if not groups.get("all"):
        yield (
            f"the inventory {' '.join(given) or '(none)'} has no hosts, so nothing would run. "
            "Use an existing one: -i inventories/<environment>"
        )
    elif len(given) > 1 or len(environments) > 1:
        yield (
            f"{' and '.join(map(_short, given))}: use one inventory at a time, with one environment "
            f"(here: {', '.join(environments) or 'none'}). The settings of one would be used for the other. "
            "Use one: -i inventories/<environment>"
        )


def nothing_to_run_on(
    wanted: Sequence[str], groups: Mapping[str, Sequence[str]], hosts: Collection[str], limit: str
) -> Iterator[str]:
    """Yield why no play would have a host. `wanted` are the groups of the plays, `hosts` the hosts of the run."""
    members = {host for name in wanted for host in groups.get(name, ())}
    if not wanted or not groups.get("all") or members & set(hosts):
        return
    names = " or ".join(wanted)
    if members:
        yield f"--limit {limit} excludes {names}, so nothing would run. Remove the option, or add :{wanted[0]}"
    else:
        yield f"the inventory has no host in the group {names}, so nothing would run"


def another_environment(host: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Yield settings of a component that are of another environment than its host."""
    component, dot, environment = host.partition(".")
    named, application = settings.get("platform_environment"), settings.get("platform_application")
    if dot and named and named != environment:
        yield (
            f"platform_environment is '{named}', but the host {component}.{environment} belongs to '{environment}'. "
            f"Use the inventory of that environment: -i inventories/{named}"
        )
    elif (name := settings.get("platform_name")) and named and name != f"{application}-{named}":
        yield f"platform_name is '{name}', but it is computed from platform_application and platform_environment. Remove it"
    if settings.get("platform_state", "present") != "present":
        yield (
            f"platform_state is '{settings['platform_state']}', which only playbooks/destroy.yml may set. To destroy an "
            "environment, run that playbook"
        )


def lost_words(given: Sequence[Any], known: Collection[str]) -> Iterator[str]:
    """Yield `-e` arguments of which Ansible would lose words, or turn words into variables.

    `-e reason="two words"` reaches Ansible as `reason=two words`, which it reads as `reason=two`.
    """
    for argument in map(str, given):
        if not argument or argument[0] in "@/.[{":
            continue
        try:
            pairs = parse_kv(argument)
        except AnsibleError:
            continue  # Ansible rejects the argument itself
        dropped = str(pairs.pop("_raw_params", ""))
        strange = [name for name in pairs if name not in known] if len(pairs) > 1 else []
        if not dropped and not strange:
            continue
        name, _sign, value = argument.partition("=")
        # The value of another variable may be a secret.
        clear = name in SHORT and pairs.keys() <= {*SHORT, *strange}
        shown = argument if clear else f"{name}=…"
        lost = f"would lose '{dropped}'" if dropped and clear else "would lose words"
        if not dropped:
            lost = f"would set the variable {strange[0]}"
        better = f"{name}='{value}'" if clear and len(pairs) == 1 + len(strange) else "reason='two words'"
        yield f'-e "{shown}" {lost}. Quote the value for Ansible as well: -e "{better}"'


def unexpected_variables(
    extra: Collection[str], takes: Collection[str], known: Collection[str], playbook: str
) -> Iterator[str]:
    """Yield extra variables that the playbook would ignore, or that users must not set."""
    for name in extra:
        if name.startswith("__") or name in ("platform_state", "platform_component"):
            yield f"-e {name}: the playbooks set this variable themselves. Remove it"
        elif name in SELECTORS and name not in takes:
            accepted = f"It accepts {', '.join(takes)}" if takes else "It accepts no release"
            yield f"-e {name}: {playbook} would ignore it. {accepted}"
        elif name not in known and (close := difflib.get_close_matches(name, SHORT, n=1, cutoff=0.8)):
            yield f"-e {name} is not known: did you mean {close[0]}?"


def two_credentials(profiles: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a profile that is set together with AWS keys, which AWS modules reject."""
    keys = [name for name in KEYS if environ.get(name)]
    for variable, profile in {**profiles, "AWS_PROFILE": environ.get("AWS_PROFILE", "")}.items():
        if profile and keys:
            without = f"unset {variable}" if variable in environ else f"-e {variable}=''"
            yield (
                f"{variable} is '{profile}', and the shell has {', '.join(keys)}. AWS modules accept only one of them. "
                f"To use the profile: unset {' '.join(keys)}. To use the keys: {without}"
            )


def report(problems: Sequence[str]) -> str:
    """Return all problems as one message."""
    lines = [f"  - {problem}{'' if problem.endswith('?') else '.'}" for problem in dict.fromkeys(problems)]
    return "\n".join(["The playbook did not start. Nothing was read or changed.", *lines])


def _short(source: str) -> str:
    path = PurePath(source)
    return "/".join(path.parts[-2:])
