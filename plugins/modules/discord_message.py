# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: discord_message
short_description: Tell Discord, without ever being in the way
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Sends a message by M(community.general.discord) and adds what that module lacks.
  - When Discord says that it is too much (429), it waits as long as Discord asks. Other failures that may
    pass are tried again.
  - An attempt that gets no answer within O(timeout) is the last one. For the rest of the run, messages to that webhook
    are left out, and one with O(final) gets one attempt. So a webhook that hangs holds a run for seconds.
  - It never fails. When a message can't be sent in the end, or the webhook is none, that is a warning.
  - The webhook is in no result and no message.
  - A message changes nothing that is managed, so it is never C(changed). In check mode nothing is sent.
options:
  webhook_url:
    description:
      - Address of the webhook, C(https://discord.com/api/webhooks/<id>/<token>).
      - With C(?thread_id=<digits>) at its end the message goes to that thread of the channel. A forum needs one.
      - Empty, with O(webhook_secret) empty too, to send nothing.
    type: str
    default: ""
  webhook_secret:
    description:
      - Name of the secret in AWS Secrets Manager that holds the address.
      - It is read if O(webhook_url) is empty.
    type: str
    default: ""
  region:
    description: AWS region of O(webhook_secret). By default that of the environment variables.
    type: str
  profile:
    description: AWS profile by which O(webhook_secret) is read.
    type: str
  embeds:
    description: The message's embeds, for example of P(teal.platform.discord_embeds#filter).
    type: list
    elements: dict
    required: true
  attempts:
    description: How often a message is tried, at most.
    type: int
    default: 4
  wait_limit:
    description: How many seconds are waited between attempts, at most, in all.
    type: int
    default: 60
  timeout:
    description: How many seconds an attempt may take, at most.
    type: float
    default: 5
  final:
    description: Whether the message is the outcome of the run. It is tried once also if the webhook hung before.
    type: bool
    default: true
seealso:
  - module: community.general.discord
attributes:
  action:
    description: Runs on the controller, and M(community.general.discord) where the task runs.
    support: full
  check_mode:
    description: Sends nothing in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Say that a release is live
  teal.platform.discord_message:
    webhook_url: "{{ lookup('ansible.builtin.env', 'DISCORD_WEBHOOK_URL') }}"
    embeds: "{{ {'version': '1.1.0'} | teal.platform.discord_embeds('deploy succeeded') }}"
"""

RETURN = r"""
sent:
  description: Whether Discord has taken the message.
  returned: always
  type: bool
attempts:
  description: How often it was tried.
  returned: always
  type: int
"""
