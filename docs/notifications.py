"""Writes docs/notifications.md, each topic as Discord shows it: `python docs/notifications.py`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "plugins" / "filter"))

from discord_embeds import AMBER, GREEN, RED, TEAL, TOPICS, discord_embeds  # noqa: E402

HEAD = """# What Discord is told

<!-- Written by docs/notifications.py. Do not edit. -->

The role `teal.platform.notification` has handlers only. A play that has it among its roles notifies a topic;
`notification_event` holds what is to be said. Who, commit and run come from GitHub's variables, and in a
rescue the failed step and its reason from Ansible.

```yaml
rescue:
  - name: Record the failure
    ansible.builtin.set_fact:
      notification_event: {version: 1.1.0, serving: 1.0.0 on blue}
    changed_when: true
    notify: deploy failed

  # Handlers notified in a rescue are lost if the play then fails, unless they run now.
  - name: Send the notification now
    ansible.builtin.meta: flush_handlers
```

The webhook is `notification_discord_webhook` (by default the environment variable `DISCORD_WEBHOOK_URL`), or
the secret of AWS Secrets Manager that `notification_discord_webhook_secret` names. Without one, nobody is
told. If Discord is down, slow or refuses, that is a warning, and the play goes on. A webhook that gives no answer
within 5 s (`notification_timeout`) is not tried again in that run, but for one attempt to send the outcome: it
holds a run for seconds, and the weights have moved by then.

Each topic, with all that can be known of it:
"""

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
    "deploy succeeded": {"metrics": {"coverage": "81.2 %", "bugs": 0}, "serving": "1.1.0 on green"},
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
        "reason": "1 of 12 system tests failed; the workflow was told to hold",
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
COLORS = {GREEN: "green", RED: "red", AMBER: "amber", TEAL: "teal"}


def examples() -> dict[str, dict[str, Any]]:
    """An embed for each topic."""
    events = {
        topic: {key: EVENT[key] for key in OF_TOPIC.get(topic, tuple(EVENT)) if key in EVENT}
        | MORE.get(topic, {})
        for topic in TOPICS
    }
    for topic, event in events.items():
        if not topic.startswith(("provision", "destroy")):
            event.pop("component", None)
    return {topic: discord_embeds(event, topic)[0] for topic, event in events.items()}


def render() -> str:
    """The whole page."""
    parts = [HEAD]
    for topic, embed in examples().items():
        parts.append(f"## {topic}\n\n**{embed['title']}** ({COLORS[embed['color']]})\n")
        if text := embed.get("description"):
            parts.append(text + "\n")
        rows = [f"| {field['name']} | {_cell(field['value'])} |" for field in embed["fields"]]
        parts.append("\n".join(["| | |", "|---|---|", *rows]) + "\n")
        parts.append(f"<sub>{embed['footer']['text']} · {embed['timestamp']}</sub>\n")
    return "\n".join(parts)


def _cell(value: str) -> str:
    if value.startswith("```"):
        return f"`{value.strip('`').strip()}`"
    return value.replace("\n", "<br>")


if __name__ == "__main__":
    (ROOT / "docs" / "notifications.md").write_text(render())
