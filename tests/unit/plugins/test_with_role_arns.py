"""The filter that puts ARNs in place of what IAM roles are for."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.with_role_arns import with_role_arns

ROLES = {"deploy": "arn:deploy", "database_user": "arn:user"}


def test_role_names_are_replaced_by_arns() -> None:
    entries = [{"role": "deploy", "groups": ["g"]}, {"role": "database-user"}, {"role_arn": "arn:own"}]
    assert with_role_arns(entries, ROLES) == [
        {"role_arn": "arn:deploy", "groups": ["g"]},
        {"role_arn": "arn:user"},
        {"role_arn": "arn:own"},
    ]
    assert entries[0] == {"role": "deploy", "groups": ["g"]}
    assert with_role_arns([{"role": "deploy"}], ROLES, "principal_arn") == [{"principal_arn": "arn:deploy"}]


def test_unknown_role_is_reported_with_the_known_roles() -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"IAM role 'qa' not found\. The environment has: database_user, deploy"
    ):
        with_role_arns([{"role": "qa"}], ROLES)
