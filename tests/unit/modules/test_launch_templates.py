from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import launch_templates

from rehearsal.moto_patches import ec2 as patch

TAGS = {"Application": "shop", "Environment": "test", "Component": "instance", "CollectionVersion": "1"}
DATA = {
    "InstanceType": "t3.small",
    "MetadataOptions": {"HttpTokens": "required"},
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "Encrypted": True}}],
}


@pytest.fixture
def ec2(aws: Any) -> Any:
    patch.launch_template_tags()
    return boto3.client("ec2")


@pytest.fixture
def wanted() -> dict[str, Any]:
    return {"templates": [{"name": "shop-test-blue", "data": DATA, "tags": {"Slot": "blue"}}], "tags": TAGS}


def template(ec2: Any) -> dict:
    (found,) = ec2.describe_launch_templates(LaunchTemplateNames=["shop-test-blue"])["LaunchTemplates"]
    return found


def default(ec2: Any) -> dict:
    versions = ec2.describe_launch_template_versions(
        LaunchTemplateName="shop-test-blue", Versions=["$Default"]
    )
    return versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_second_run_creates_no_template(ec2: Any, wanted: dict, run_module: Any) -> None:
    assert run_module(launch_templates, check=True, **wanted)["changed"]
    assert not ec2.describe_launch_templates()["LaunchTemplates"]
    made = run_module(launch_templates, **wanted)
    assert made["templates"]["shop-test-blue"] == {"id": template(ec2)["LaunchTemplateId"], "version": 1}
    assert {tag["Key"]: tag["Value"] for tag in template(ec2)["Tags"]} == {
        **TAGS,
        "Slot": "blue",
        "Name": "shop-test-blue",
    }
    assert not run_module(launch_templates, **wanted)["changed"]
    assert not run_module(launch_templates, check=True, **wanted)["changed"]


def test_version_of_a_release_is_kept(ec2: Any, wanted: dict, run_module: Any) -> None:
    run_module(launch_templates, **wanted)
    ec2.create_launch_template_version(
        LaunchTemplateName="shop-test-blue", LaunchTemplateData={"InstanceType": "m5.large"}
    )
    assert not run_module(launch_templates, **wanted)["changed"]
    assert default(ec2)["InstanceType"] == "t3.small"


def test_change_creates_a_version_and_makes_it_the_default(ec2: Any, wanted: dict, run_module: Any) -> None:
    run_module(launch_templates, **wanted)
    wanted["templates"][0]["data"] = {**DATA, "InstanceType": "t3.large"}
    reported = run_module(launch_templates, check=True, **wanted)
    assert reported["changed"] and default(ec2)["InstanceType"] == "t3.small"
    assert run_module(launch_templates, **wanted)["templates"]["shop-test-blue"]["version"] == 2
    assert default(ec2)["InstanceType"] == "t3.large"
    assert not run_module(launch_templates, **wanted)["changed"]


@pytest.mark.parametrize(
    "data",
    [
        {**DATA, "MetadataOptions": {"HttpTokens": "optional"}},
        {**DATA, "KeyName": "backdoor"},
        {key: value for key, value in DATA.items() if key != "BlockDeviceMappings"},
    ],
)
def test_changed_default_version_is_drift(ec2: Any, wanted: dict, run_module: Any, data: dict) -> None:
    run_module(launch_templates, **wanted)
    ec2.create_launch_template_version(LaunchTemplateName="shop-test-blue", LaunchTemplateData=data)
    ec2.modify_launch_template(LaunchTemplateName="shop-test-blue", DefaultVersion="2")
    assert run_module(launch_templates, check=True, **wanted)["changed"]
    assert run_module(launch_templates, **wanted)["changed"]
    assert not run_module(launch_templates, **wanted)["changed"]


def test_tags_are_corrected(ec2: Any, wanted: dict, run_module: Any) -> None:
    run_module(launch_templates, **wanted)
    which = [template(ec2)["LaunchTemplateId"]]
    ec2.delete_tags(Resources=which, Tags=[{"Key": "Slot"}])
    assert run_module(launch_templates, check=True, **wanted)["changed"]
    assert run_module(launch_templates, **wanted)["changed"]
    assert not run_module(launch_templates, **wanted)["changed"]


def test_undeclared_template_is_deleted_and_foreign_template_is_kept(
    ec2: Any, wanted: dict, run_module: Any
) -> None:
    run_module(launch_templates, **wanted)
    ec2.create_launch_template(LaunchTemplateName="foreign", LaunchTemplateData={"InstanceType": "t3.micro"})
    assert run_module(launch_templates, state="absent", tags=TAGS)["changed"]
    names = [entry["LaunchTemplateName"] for entry in ec2.describe_launch_templates()["LaunchTemplates"]]
    assert names == ["foreign"]
    assert not run_module(launch_templates, state="absent", tags=TAGS)["changed"]


def test_order_of_lists_is_not_drift(ec2: Any, wanted: dict, run_module: Any) -> None:
    tags = [{"Key": "Name", "Value": "x"}, {"Key": "Environment", "Value": "test"}]
    kinds = [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")]
    data = {**DATA, "TagSpecifications": kinds, "SecurityGroupIds": ["sg-2", "sg-1"]}
    wanted["templates"][0]["data"] = data
    run_module(launch_templates, **wanted)
    turned = [{"ResourceType": kind["ResourceType"], "Tags": tags[::-1]} for kind in kinds[::-1]]
    ec2.create_launch_template_version(
        LaunchTemplateName="shop-test-blue",
        LaunchTemplateData={**data, "TagSpecifications": turned, "SecurityGroupIds": ["sg-1", "sg-2"]},
    )
    ec2.modify_launch_template(LaunchTemplateName="shop-test-blue", DefaultVersion="2")
    assert not run_module(launch_templates, **wanted)["changed"]
    tags[0]["Value"] = "y"
    assert run_module(launch_templates, check=True, **wanted)["changed"]


def test_nested_defaults_of_ec2_are_no_drift() -> None:
    found = {"MetadataOptions": {"HttpTokens": "required", "State": "applied"}, "Extra": 1}
    assert launch_templates.matching_part({"MetadataOptions": {"HttpTokens": "required"}}, found) == {
        "MetadataOptions": {"HttpTokens": "required"}
    }
    assert launch_templates.matching_part([{"a": 1}], [{"a": 2, "b": 3}]) == [{"a": 2}]
    assert launch_templates.matching_part([{"a": 1}], []) == []
