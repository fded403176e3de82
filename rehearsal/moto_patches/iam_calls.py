"""IAM: calls that moto lacks, or that it answers differently from AWS."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    IamResponse.list_instance_profiles = list_instance_profiles
    IamResponse.add_client_id_to_open_id_connect_provider = add_client_id


def list_instance_profiles(self: IamResponse) -> ActionResult:
    """Apply PathPrefix. moto ignores it and returns all profiles, which destroying one environment would delete."""
    prefix = self._get_param("PathPrefix", "/")
    backend: IAMBackend = self.backend
    found = [profile for profile in backend.get_instance_profiles() if profile.path.startswith(prefix)]
    return ActionResult({"InstanceProfiles": found, "IsTruncated": False})


def add_client_id(self: IamResponse) -> ActionResult:
    """Add AddClientIDToOpenIDConnectProvider, which moto lacks (500)."""
    backend: IAMBackend = self.backend
    provider = backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    if (client := self._get_param("ClientID")) not in provider.client_id_list:
        provider.client_id_list.append(client)
    return EmptyResult()
