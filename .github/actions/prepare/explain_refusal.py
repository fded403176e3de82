"""Explain why AWS refused the role: print the subject of GitHub's token and the setting that must match it.

The token itself is never printed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.request

AUDIENCE = "sts.amazonaws.com"


def subject_of(token: str) -> str:
    """Return the subject of a JSON Web Token. The signature is not verified; AWS does that."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


def explanation(subject: str, role: str) -> str:
    """Return the settings to check for the role that was refused."""
    found = re.fullmatch(r"repo:(?P<repository>[^:]+):environment:(?P<environment>.+)", subject)
    said = f"AWS refused the role {role} for a token with the subject '{subject}'."
    if not found:
        return f"{said} The job has no 'environment', and the roles trust only jobs with an environment. Add an environment."
    numbers = "with its numbers" if "@" in found["repository"] else "without numbers"
    return (
        f"{said} The role must trust exactly this subject. Set identity_github_repository to "
        f"'{found['repository']}' ({numbers}, as GitHub's tokens name this repository now). Check that "
        f"identity_github_environments has '{found['environment']}' for this role, and that AWS_ROLE is a role of this "
        "environment. Then run as an administrator: "
        "ansible-playbook playbooks/provision.yml -i inventories/<environment> --limit identity"
    )


def token() -> str:
    """Request the token from GitHub that AWS has received."""
    request = urllib.request.Request(
        f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}",
        headers={"Authorization": f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["value"])


if __name__ == "__main__":
    if "ACTIONS_ID_TOKEN_REQUEST_URL" in os.environ:
        print(f"::error title=AWS refused the role::{explanation(subject_of(token()), os.environ['ROLE'])}")
    else:
        print("::error title=No token::The job needs 'permissions: id-token: write' to assume an AWS role.")
