"""docs/reference/: a page for each role and each plugin, and the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.generate import data
from docs.generate.markdown import page, plain, table, value

KINDS = {
    "modules": "Modules",
    "filter": "Filters",
    "lookup": "Lookups",
    "connection": "Connections",
    "callback": "Callbacks",
}
SINGULAR = {kind: title.removesuffix("s").lower() for kind, title in KINDS.items()}


def pages() -> dict[str, str]:
    """Return the pages by their path below docs/."""
    found = {"reference/README.md": index(), "reference/playbooks.md": playbooks()}
    for role in data.roles():
        found[f"reference/roles/{role}.md"] = role_page(role)
    for kind in KINDS:
        for name in data.plugins(kind):
            found[f"reference/{kind}/{name}.md"] = plugin_page(kind, name)
    return found


def index() -> str:
    waves: dict[str, str] = {}
    for environment in data.environments():
        for wave, components in environment.waves.items():
            waves |= dict.fromkeys(components, wave.split("_")[1])
    parts = [
        "The settings of each role and the options of each plugin, as the code checks them.",
        "[Playbooks and their variables](playbooks.md).",
        "## Roles",
        "A role with a wave is a component: it is a host in an inventory.",
        table(
            ["Role", "Wave", "Description"],
            [
                [
                    f"[{role}](roles/{role}.md)",
                    waves.get(role, ""),
                    short(data.role_spec(role).get("main", {})),
                ]
                for role in data.roles()
            ],
        ),
    ]
    for kind, title in KINDS.items():
        rows = [
            [f"[{name}]({kind}/{name}.md)", short(documentation(kind, name)["documentation"])]
            for name in data.plugins(kind)
        ]
        parts += [f"## {title}", table(["Name", "Description"], rows)]
    return page("Reference", *parts)


def short(documented: dict[str, Any]) -> str:
    return plain(documented.get("short_description", ""))


def documentation(kind: str, name: str) -> dict[str, Any]:
    return data.doc_strings(data.ROOT / "plugins" / kind / f"{name}.py")


# -- roles -----------------------------------------------------------------------------------------


def role_readmes() -> dict[Path, str]:
    """Return the README.md of each role by its path."""
    return {
        data.ROOT / "roles" / role / "README.md": role_page(role, link="../{}/README.md")
        for role in data.roles()
    }


def role_page(role: str, link: str = "{}.md") -> str:
    """Return the page of a role; `link` leads to the page of another role."""
    spec = data.role_spec(role)
    main = spec.get("main", {})
    environments = [each.name for each in data.environments() if each.has(role)]
    facts = []
    if environments:
        facts.append(f"Component of: {', '.join(environments)}.")
    if needed := data.needs(role):
        facts.append("Looks up: " + ", ".join(f"[{name}]({link.format(name)})" for name in needed) + ".")
    parts = [f"{short(main)}.", paragraphs(main.get("description")), " ".join(facts)]
    for entry, content in spec.items():
        title = "Settings" if entry == "main" else f"Entry point `{entry}`"
        parts.append(f"## {title}")
        if entry != "main":
            parts += [f"{short(content)}.", paragraphs(content.get("description"))]
        options = content.get("options", {})
        defaults = data.role_defaults(role)
        parts.append(option_table(options, defaults) if options else "None.")
    return page(f"Role `teal.platform.{role}`", *parts)


def paragraphs(description: Any) -> str:
    lines = [description] if isinstance(description, str) else description or []
    return "\n\n".join(plain(line) for line in lines)


def option_table(options: dict[str, Any], defaults: dict[str, Any] | None = None) -> str:
    return table(["Name", "Type", "Default", "Description"], option_rows(options, defaults or {}, ""))


def option_rows(options: dict[str, Any], defaults: dict[str, Any], indent: str) -> Iterator[list[str]]:
    for name, option in options.items():
        kind = option.get("type", "str")
        if kind == "list" and "elements" in option:
            kind = f"list of {option['elements']}"
        if option.get("required"):
            default = "**required**"
        elif name in defaults or "default" in option:
            default = value(defaults.get(name, option.get("default")))
        else:
            default = ""
        text = plain(option.get("description", ""))
        if "choices" in option:
            choices = option["choices"]
            text += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
        yield [f"{indent}`{name}`", kind, default, text]
        nested = option.get("options") or option.get("suboptions") or {}
        yield from option_rows(nested, {}, indent + "&nbsp;&nbsp;↳ ")


# -- plugins ---------------------------------------------------------------------------------------


def plugin_page(kind: str, name: str) -> str:
    found = documentation(kind, name)
    documented = found["documentation"]
    options = dict(documented.get("options") or {})
    others = []
    for fragment in found["fragments"]:
        if own := data.fragment(fragment):
            options |= own.get("options", {})
        else:
            others.append(fragment)
    parts = [f"{short(documented)}.", paragraphs(documented.get("description"))]
    if options:
        parts += ["## Options", option_table(options)]
    if others:
        parts.append("And the options of " + ", ".join(f"`{other}`" for other in others) + ".")
    if attributes := documented.get("attributes"):
        rows = [
            [
                f"`{key}`",
                content.get("support", ""),
                plain(content.get("details") or content.get("description", "")),
            ]
            for key, content in attributes.items()
        ]
        parts += ["## Attributes", table(["Attribute", "Support", ""], rows)]
    if notes := documented.get("notes"):
        parts += ["## Notes", "\n".join(f"- {plain(note)}" for note in notes)]
    if found["examples"]:
        parts += ["## Examples", f"```yaml\n{found['examples']}\n```"]
    if found["return"]:
        parts += [
            "## Returns",
            table(["Name", "Type", "When", "Description"], return_rows(found["return"], "")),
        ]
    return page(f"{SINGULAR[kind].capitalize()} `teal.platform.{name}`", *parts)


def return_rows(content: dict[str, Any], indent: str) -> Iterator[list[str]]:
    for name, described in content.items():
        yield [
            f"{indent}`{name}`",
            described.get("type", ""),
            plain(described.get("returned", "")),
            plain(described.get("description", "")),
        ]
        yield from return_rows(described.get("contains") or {}, indent + "&nbsp;&nbsp;↳ ")


# -- playbooks -------------------------------------------------------------------------------------


def playbooks() -> str:
    """Return the page of the playbooks and the variables that -e sets."""
    specs = data.read_yaml(data.ROOT / "playbooks" / "meta" / "argument_specs.yml")["argument_specs"]
    parts = ["`ansible-playbook playbooks/<name>.yml -i inventories/<environment> [-e <variable>=<value>]`"]
    for file in sorted((data.ROOT / "playbooks").glob("*.yml")):
        plays = data.read_yaml(file)
        comments = [
            line.lstrip("# ")
            for line in file.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        ]
        steps = [play["name"] for play in plays if "name" in play]
        parts.append(f"## {file.stem}")
        if comments:
            parts.append(
                " ".join(comments) if not comments[0].startswith("ansible-playbook") else _usage(comments)
            )
        parts.append("\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)))
        options = (specs.get(file.stem) or {}).get("options") or role_variables(plays)
        if options:
            parts.append(option_table(options))
    return page("Playbooks", *parts)


def role_variables(plays: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the extra variables that the defaults of a playbook's role read, as options."""
    found: dict[str, Any] = {}
    for task in (task for play in plays for task in play.get("tasks", [])):
        called = task.get("ansible.builtin.import_role", {})
        role = called.get("name", "").removeprefix("teal.platform.")
        spec = data.role_spec(role) if role else {}
        entry = spec.get(called.get("tasks_from", "main"), {})
        for name, option in entry.get("options", {}).items():
            default = str(data.role_defaults(role).get(name, ""))
            if match := re.match(r"\{\{ \(?([a-z_]+) \| default", default):
                found[match[1]] = {"type": "str", "description": option["description"]}
    return found


def _usage(comments: list[str]) -> str:
    return "\n\n".join([f"```console\n{comments[0]}\n```", " ".join(comments[1:])]).strip()
