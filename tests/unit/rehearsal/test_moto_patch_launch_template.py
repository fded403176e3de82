"""The patch of launch templates: moto still needs it, and it works."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto.ec2.responses.launch_templates import LaunchTemplates

from rehearsal.moto_patches import launch_template as patch


def second_version() -> dict[str, Any]:
    ec2 = boto3.client("ec2")
    ec2.create_launch_template(LaunchTemplateName="ttt", LaunchTemplateData={"InstanceType": "t3.small"})
    return ec2.create_launch_template_version(
        LaunchTemplateName="ttt", SourceVersion="1", LaunchTemplateData={"KeyName": "k"}
    )["LaunchTemplateVersion"]["LaunchTemplateData"]


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    original = LaunchTemplates.create_launch_template_version
    monkeypatch.setattr(LaunchTemplates, "create_launch_template_version", original)


def test_moto_still_lacks_it(aws: Any) -> None:
    if LaunchTemplates.create_launch_template_version.__module__ == patch.__name__:
        pytest.skip("another test in this process has patched moto")
    assert second_version() == {"KeyName": "k"}, "moto keeps the source version's data: remove the patch"


def test_moto_cannot_delete_versions() -> None:
    if getattr(LaunchTemplates, "delete_launch_template_versions", None):
        made = LaunchTemplates.delete_launch_template_versions.__module__
        assert made == patch.__name__, "moto deletes versions: remove the patch"


def test_all_versions_except_the_default_are_deleted(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    patch.deleted_versions()
    second_version()
    ec2 = boto3.client("ec2")
    answer = ec2.delete_launch_template_versions(LaunchTemplateName="ttt", Versions=["1", "2"])
    assert [one["VersionNumber"] for one in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
    assert [one["VersionNumber"] for one in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [1]
    found = ec2.describe_launch_template_versions(LaunchTemplateName="ttt")["LaunchTemplateVersions"]
    assert [one["VersionNumber"] for one in found] == [1]
    made = ec2.create_launch_template_version(LaunchTemplateName="ttt", LaunchTemplateData={"KeyName": "k"})
    assert made["LaunchTemplateVersion"]["VersionNumber"] == 3


def test_new_version_keeps_the_data_of_its_source(aws: Any, restored: None) -> None:
    patch.source_versions()
    assert second_version() == {"InstanceType": "t3.small", "KeyName": "k"}
