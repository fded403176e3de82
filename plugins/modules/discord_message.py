# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Documentation of the action plugin discord_message."""

from __future__ import annotations

DOCUMENTATION = r"""
module: discord_message
short_description: Send a message to Discord; a failure is a warning
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Sends a message with M(community.general.discord), and adds retries and a timeout.
  - If Discord limits the rate (429), waits as long as Discord requests. Retries other failures that may be temporary.
  - Does not retry after an attempt without a response within O(timeout). For the rest of the run, messages to that
    webhook are skipped, except that a message with O(final) gets one attempt. So a webhook that hangs delays a run by
    seconds only.
  - Never fails. If the message cannot be sent, or the webhook is invalid, prints a warning.
  - Neither the result nor a message contains the webhook.
  - The result is never C(changed). Sends nothing in check mode.
options:
  webhook_url:
    description:
      - URL of the webhook, C(https://discord.com/api/webhooks/<id>/<token>).
      - With C(?thread_id=<digits>) at the end, the message is sent to that thread of the channel. A forum channel
        requires a thread.
      - If both this and O(webhook_secret) are empty, nothing is sent.
    type: str
    default: ""
  webhook_secret:
    description:
      - Name of the secret in AWS Secrets Manager that holds the URL.
      - Only used if O(webhook_url) is empty.
    type: str
    default: ""
  region:
    description: AWS region of O(webhook_secret). By default the region of the environment variables.
    type: str
  profile:
    description: AWS profile to read O(webhook_secret) with.
    type: str
  embeds:
    description: Embeds of the message, such as those of P(teal.platform.discord_embeds#filter).
    type: list
    elements: dict
    required: true
  attempts:
    description: Maximum number of attempts.
    type: int
    default: 4
  wait_limit:
    description: Maximum number of seconds to wait between attempts, in total.
    type: int
    default: 60
  timeout:
    description: Maximum number of seconds for one attempt.
    type: float
    default: 5
  final:
    description: Whether the message is the outcome of the run. It gets one attempt even if the webhook hung before.
    type: bool
    default: true
seealso:
  - module: community.general.discord
attributes:
  action:
    description: Runs on the controller, and M(community.general.discord) where the task runs.
    support: full
  check_mode:
    description: Sends nothing.
    support: full
"""

EXAMPLES = r"""
- name: Notify Discord of a live release
  teal.platform.discord_message:
    webhook_url: "{{ lookup('ansible.builtin.env', 'DISCORD_WEBHOOK_URL') }}"
    embeds: "{{ {'version': '1.1.0'} | teal.platform.discord_embeds('deploy succeeded') }}"
"""

RETURN = r"""
sent:
  description: Whether Discord accepted the message.
  returned: always
  type: bool
attempts:
  description: Number of attempts.
  returned: always
  type: int
"""
