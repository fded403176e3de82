"""Identities, launch templates and names."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.drift import world
from tests.unit.drift.harness import Case, aws

ROLE = {"RoleName": "drift-bastion"}
OWN = f"arn:aws:iam::{world.ACCOUNT}:policy/drift/drift-boundary"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
GITHUB = f"arn:aws:iam::{world.ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
ALIAS = "a.drift.example.com"


def document(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def detach_profile() -> None:
    aws("iam").remove_role_from_instance_profile(InstanceProfileName="drift-bastion", **ROLE)


def template(data: dict[str, Any]) -> None:
    ec2 = aws("ec2")
    number = ec2.create_launch_template_version(LaunchTemplateName="drift-blue", LaunchTemplateData=data)[
        "LaunchTemplateVersion"
    ]["VersionNumber"]
    ec2.modify_launch_template(LaunchTemplateName="drift-blue", DefaultVersion=str(number))


def record(target: str) -> None:
    alias = {"HostedZoneId": "Z32O12XQLNTSW2", "DNSName": target, "EvaluateTargetHealth": False}
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {"Name": ALIAS, "Type": "A", "AliasTarget": alias},
    }
    aws("route53").change_resource_record_sets(
        HostedZoneId=world.zone("drift.example.com"), ChangeBatch={"Changes": [change]}
    )


def remove_validation() -> None:
    route53, zone = aws("route53"), world.zone("drift.example.com")
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    changes = [{"Action": "DELETE", "ResourceRecordSet": one} for one in found if one["Name"].startswith("_")]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def certificate() -> str:
    found = aws("acm").list_certificates()["CertificateSummaryList"]
    return next(one["CertificateArn"] for one in found if one["DomainName"] == "c.drift.example.com")


CASES = {
    "amazon.aws.iam_managed_policy": Case(
        arguments=lambda: {
            "name": "drift-boundary",
            "path": "/drift/",
            "description": "Boundary",
            "policy": document("s3:*"),
            "only_version": True,
            "tags": world.TAGS,
            "purge_tags": False,
        },
        rows={
            "CreatePolicy.PolicyDocument": lambda: aws("iam").create_policy_version(
                PolicyArn=OWN, PolicyDocument=json.dumps(document("*")), SetAsDefault=True
            ),
            "CreatePolicy.Tags": lambda: aws("iam").untag_policy(PolicyArn=OWN, TagKeys=["ManagedBy"]),
        },
        fixed={"CreatePolicy.Description": "AWS cannot change it after creation"},
    ),
    "amazon.aws.iam_role": Case(
        arguments=lambda: {
            "name": "drift-bastion",
            "path": "/drift/",
            "boundary": OWN,
            "description": "Bastion",
            "create_instance_profile": False,
            "delete_instance_profile": False,
            "managed_policies": [SSM],
            "assume_role_policy_document": world.TRUST,
            "tags": world.TAGS,
            "purge_tags": False,
        },
        rows={
            "AttachRolePolicy.PolicyArn": lambda: aws("iam").detach_role_policy(PolicyArn=SSM, **ROLE),
            "CreateRole.AssumeRolePolicyDocument": lambda: aws("iam").update_assume_role_policy(
                PolicyDocument=json.dumps(world.TRUST).replace("ec2.amazonaws.com", "lambda.amazonaws.com"),
                **ROLE,
            ),
            "CreateRole.Description": lambda: aws("iam").update_role(Description="changed", **ROLE),
            "CreateRole.PermissionsBoundary": lambda: aws("iam").delete_role_permissions_boundary(**ROLE),
            "CreateRole.Tags": lambda: aws("iam").untag_role(TagKeys=["ManagedBy"], **ROLE),
        },
    ),
    "amazon.aws.iam_policy": Case(
        arguments=lambda: {
            "iam_type": "role",
            "iam_name": "drift-bastion",
            "policy_name": "own",
            "policy_json": document("s3:GetObject"),
        },
        rows={
            "PutRolePolicy.PolicyDocument": lambda: aws("iam").put_role_policy(
                PolicyName="own", PolicyDocument=json.dumps(document("*")), **ROLE
            ),
        },
    ),
    "amazon.aws.iam_instance_profile": Case(
        arguments=lambda: {
            "name": "drift-bastion",
            "path": "/drift/",
            "role": "drift-bastion",
            "tags": world.TAGS,
            "purge_tags": False,
        },
        rows={
            "AddRoleToInstanceProfile": detach_profile,
            "CreateInstanceProfile.Tags": lambda: aws("iam").untag_instance_profile(
                InstanceProfileName="drift-bastion", TagKeys=["ManagedBy"]
            ),
        },
    ),
    "teal.platform.iam_oidc_provider": Case(
        arguments=lambda: {"url": "https://token.actions.githubusercontent.com", "tags": world.TAGS},
        rows={
            "CreateOpenIDConnectProvider.Tags": lambda: aws("iam").tag_open_id_connect_provider(
                OpenIDConnectProviderArn=GITHUB, Tags=[{"Key": "Application", "Value": "x"}]
            ),
        },
        fixed={
            "CreateOpenIDConnectProvider.ClientIDList": "moto cannot remove one; see test_iam_oidc_provider.py"
        },
    ),
    "teal.platform.launch_templates": Case(
        arguments=lambda: {
            "templates": [
                {
                    "name": "drift-blue",
                    "data": {"InstanceType": "t3.small", "MetadataOptions": {"HttpTokens": "required"}},
                }
            ],
            "tags": world.TAGS,
        },
        rows={
            "CreateLaunchTemplate.LaunchTemplateData.InstanceType": lambda: template(
                {"InstanceType": "t3.large", "MetadataOptions": {"HttpTokens": "required"}}
            ),
            "CreateLaunchTemplate.LaunchTemplateData.MetadataOptions.HttpTokens": lambda: template(
                {"InstanceType": "t3.small", "MetadataOptions": {"HttpTokens": "optional"}}
            ),
            "CreateLaunchTemplate.TagSpecifications": lambda: aws("ec2").delete_tags(
                Resources=[
                    aws("ec2").describe_launch_templates(LaunchTemplateNames=["drift-blue"])[
                        "LaunchTemplates"
                    ][0]["LaunchTemplateId"]
                ],
                Tags=[{"Key": "ManagedBy"}],
            ),
        },
    ),
    "amazon.aws.route53": Case(
        arguments=lambda: {
            "state": "present",
            "hosted_zone_id": world.zone("drift.example.com"),
            "record": ALIAS,
            "type": "A",
            "alias": True,
            "alias_hosted_zone_id": "Z32O12XQLNTSW2",
            "value": "lb.example.com.",
            "overwrite": True,
        },
        rows={"ChangeResourceRecordSets.ChangeBatch.Changes": lambda: record("evil.example.com")},
    ),
    "teal.platform.dns_certificate": Case(
        arguments=lambda: {
            "domain_name": "c.drift.example.com",
            "hosted_zone": world.zone("drift.example.com"),
            "tags": world.TAGS,
        },
        rows={
            "ChangeResourceRecordSets.ChangeBatch.Changes": remove_validation,
            "RequestCertificate.Tags": lambda: aws("acm").remove_tags_from_certificate(
                CertificateArn=certificate(), Tags=[{"Key": "ManagedBy"}]
            ),
        },
        fixed={"RequestCertificate.ValidationMethod": "AWS cannot change it after creation"},
    ),
}
