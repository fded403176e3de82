"""docs/notifications.md: each message as Discord shows it, rendered by the filter that the role uses."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from docs.generate.data import ROOT
from docs.generate.markdown import page, table

HEAD = """\
The role `teal.platform.notification` sends a message to Discord for each step of a build, a release or a rollback. It
consists of handlers: a play lists the role and notifies the handler of a topic, and `notification_event` holds the
content. GitHub's variables supply the user, the commit and the run. In a rescue, Ansible supplies the failed task and the
reason.

```yaml
rescue:
  - name: Record the failure
    ansible.builtin.set_fact:
      notification_event: {version: 1.1.0, serving: 1.0.0 on blue}
    changed_when: true
    notify: deploy failed

  # Handlers that are notified in a rescue are lost if the play then fails, unless they run now.
  - name: Send the notification now
    ansible.builtin.meta: flush_handlers
```

`notification_discord_webhook` holds the webhook (default: the environment variable `DISCORD_WEBHOOK_URL`), or
`notification_discord_webhook_secret` names a secret of AWS Secrets Manager with the webhook. Without a webhook, no message
is sent.

A message never stops a play: if Discord is down, slow or refuses the message, the play prints a warning and continues. A
webhook that does not answer within 5 s (`notification_timeout`) is not tried again in the same run, except once for the
outcome. So a hanging webhook delays a run by seconds, and only after the weights have moved.

The messages by topic, each with all fields that it can have:"""

EVENT: dict[str, Any] = {
    "environment": "staging",
    "application": "assistant",
    "component": "cluster",
    "slot": "green",
    "version": "1.1.0",
    "from_version": "1.0.0",
    "digest": "sha256:4f5a0c1be2d3" + "0" * 52,
    "from_digest": "sha256:9b8c7d6e5f4a" + "0" * 52,
    "who": "octocat",
    "trigger": "Deploy to staging",
    "duration": 192,
    "commit": "1f3b2c4d5e6f7a8b9c0d",
    "commit_message": "Stream tokens as they come (@everyone, look)",
    "commit_url": "https://github.com/example/assistant/commit/1f3b2c4d5e6f7a8b9c0d",
    "run_url": "https://github.com/example/assistant/actions/runs/42",
    "serving": "1.0.0 on blue",
    "how_back": "ansible-playbook playbooks/rollback.yml -i inventories/staging",
    "failed_task": "Wait for the slot to be ready",
    "reason": "2 of 2 pods: CrashLoopBackOff\nlast log line: Connection to db refused",
    "at": "2026-11-23T09:00:00+00:00",
}
PROVISION = (
    "environment",
    "application",
    "who",
    "trigger",
    "duration",
    "commit",
    "commit_url",
    "run_url",
    "at",
)
FAILURE = ("component",)
GATE = (
    "environment",
    "application",
    "version",
    "who",
    "trigger",
    "commit",
    "commit_message",
    "commit_url",
    "at",
)
OF_TOPIC: dict[str, tuple[str, ...]] = {
    "provision succeeded": PROVISION,
    "provision failed": PROVISION + FAILURE,
    "destroy succeeded": PROVISION,
    "destroy failed": PROVISION + FAILURE,
    "drift found": PROVISION,
    "gate refused": GATE,
    "gate overridden": GATE,
}
MORE: dict[str, dict[str, Any]] = {
    "provision failed": {
        "failed_task": "Create the cluster",
        "reason": "LimitExceeded: 100 clusters at most",
    },
    "destroy failed": {"failed_task": "Delete the cluster", "reason": "ResourceInUse: it has node groups"},
    "deploy succeeded": {
        "metrics": {"coverage": "81.2 %", "bugs": 0},
        "analysis": "analysis passed. Measured: new version 900 requests, 0 failed (0.00 %)",
        "serving": "1.1.0 on green",
    },
    "traffic switched": {"serving": "1.1.0 on green"},
    "rolled back": {
        "version": "1.0.0",
        "from_version": "1.1.0",
        "digest": EVENT["from_digest"],
        "from_digest": EVENT["digest"],
        "failed_task": "Integration tests",
        "reason": "3 of 41 integration tests failed",
    },
    "rollback failed": {"version": "1.0.0", "from_version": "1.1.0", "serving": "1.1.0 on green"},
    "release held": {
        "failed_task": "System tests",
        "reason": "1 of 12 system tests failed; the workflow input `on-failure` is `hold`",
        "serving": "1.1.0 on green",
    },
    "gate refused": {
        "failed_task": "Check the quality gate",
        "reason": "new_coverage is 61.5, and fails below 80\nnew_bugs is 2, and fails above 0",
        "metrics": {"coverage": "71.0 %", "bugs": 2},
    },
    "gate overridden": {"reason": "SonarCloud is down; fix for incident 4711"},
    "drift found": {"details": "network: a rule of the security group assistant-staging-nodes was removed"},
}


def embeds() -> ModuleType:
    """Return the filter plugin. The repository is the collection teal.platform: .collections links to it."""
    import ansible_collections

    folder = str(ROOT / ".collections" / "ansible_collections")
    if folder not in ansible_collections.__path__:
        ansible_collections.__path__.append(folder)
    return importlib.import_module("ansible_collections.teal.platform.plugins.filter.discord_embeds")


def examples() -> dict[str, dict[str, Any]]:
    """Return an example of each message, by topic."""
    plugin = embeds()
    found = {}
    for topic in plugin.TOPICS:
        event = {key: EVENT[key] for key in OF_TOPIC.get(topic, tuple(EVENT)) if key in EVENT}
        event |= MORE.get(topic, {})
        if not topic.startswith(("provision", "destroy")):
            event.pop("component", None)
        found[topic] = plugin.discord_embeds(event, topic)[0]
    return found


def whole_page() -> str:
    plugin = embeds()
    colours = {plugin.GREEN: "green", plugin.RED: "red", plugin.AMBER: "amber", plugin.TEAL: "teal"}
    parts = [HEAD]
    for topic, embed in examples().items():
        parts += [
            f"## {topic}",
            f"**{embed['title']}** ({colours[embed['color']]})",
            embed.get("description", ""),
        ]
        parts.append(table(["", ""], [[field["name"], _cell(field["value"])] for field in embed["fields"]]))
        parts.append(f"<sub>{embed['footer']['text']} · {embed['timestamp']}</sub>")
    return page("Discord notifications", *parts)


def _cell(value: str) -> str:
    if value.startswith("```"):
        return f"`{value.strip('`').strip()}`"
    return value.replace("\n", "<br>")
