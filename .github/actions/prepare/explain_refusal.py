"""Says why AWS refused the role: what GitHub's token names, and which setting has to name the same.

It prints the subject of the token, never the token.
"""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.request

AUDIENCE = "sts.amazonaws.com"


def subject_of(token: str) -> str:
    """Return the subject that a JSON Web Token names; its signature is AWS's to check."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


def explanation(subject: str, role: str) -> str:
    """Return what to look at, for the role that was refused."""
    found = re.fullmatch(r"repo:(?P<repository>[^:]+):environment:(?P<environment>.+)", subject)
    said = f"AWS refused the role {role} for a token with the subject '{subject}'."
    if not found:
        return (
            f"{said} The job has no 'environment', and the roles trust jobs of an environment alone. Add one."
        )
    numbers = "with its numbers" if "@" in found["repository"] else "without numbers"
    return (
        f"{said} The role has to trust exactly this subject: set identity_github_repository to "
        f"'{found['repository']}' ({numbers}, as GitHub's tokens name this repository now), see that "
        f"identity_github_environments has '{found['environment']}' for this role, and that AWS_ROLE is a role of this "
        "environment. Then an administrator runs: "
        "ansible-playbook playbooks/provision.yml -i inventories/<environment> --limit identity"
    )


def token() -> str:
    """Ask GitHub for the token that AWS was shown."""
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
        print("::error title=No token::The job needs 'permissions: id-token: write' to take a role of AWS.")
