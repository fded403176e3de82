"""What the objects of the cases need: a network, roles, keys, certificates. Made once for each run of the tests."""

from __future__ import annotations

import functools
import json

from tests.unit.drift.harness import aws

ACCOUNT = "123456789012"
TAGS = {"Environment": "staging", "Application": "shop", "ManagedBy": "teal.platform"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    ],
}


@functools.cache
def vpc() -> str:
    return aws("ec2").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]


@functools.cache
def subnets() -> list[str]:
    return [
        aws("ec2").create_subnet(
            VpcId=vpc(), CidrBlock=f"10.77.{n}.0/24", AvailabilityZone=f"ap-northeast-2{zone}"
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("abc")
    ]


@functools.cache
def group(name: str) -> str:
    return aws("ec2").create_security_group(GroupName=name, Description="x", VpcId=vpc())["GroupId"]


@functools.cache
def role(name: str) -> str:
    document = json.dumps(TRUST)
    return aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]


@functools.cache
def key(alias: str) -> str:
    kms = aws("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{alias}", TargetKeyId=arn)
    return arn


@functools.cache
def certificate(domain: str) -> str:
    return aws("acm").request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]


@functools.cache
def topic(name: str) -> str:
    return aws("sns").create_topic(Name=name)["TopicArn"]


@functools.cache
def zone(name: str) -> str:
    return (
        aws("route53")
        .create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
        .rsplit("/", 1)[-1]
    )


@functools.cache
def parameter_group(name: str) -> str:
    aws("rds").create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="x"
    )
    return name


@functools.cache
def launch_template(name: str) -> str:
    aws("ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "t3.large"}
    )
    return name


@functools.cache
def log_group(name: str) -> str:
    aws("logs").create_log_group(logGroupName=name)
    return f"arn:aws:logs:ap-northeast-2:{ACCOUNT}:log-group:{name}"


def alias(name: str) -> str:
    key(name)
    return f"alias/{name}"


@functools.cache
def bucket(name: str) -> str:
    where = {"LocationConstraint": "ap-northeast-2"}
    aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return f"arn:aws:s3:::{name}"
