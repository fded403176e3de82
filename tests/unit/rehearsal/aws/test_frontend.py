"""The frontend of moto: the record of calls, injected faults, images, nodes, instances, creation times."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from aws_resources import ROLE, cluster, launch_template, name, network, nodegroup
from botocore.exceptions import ClientError

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"


def calls(cloud: Any) -> list[dict[str, Any]]:
    return cloud.call("GET", "/rehearsal/calls")[1]["calls"]


def test_calls_are_recorded_in_order(patched: Any) -> None:
    before = calls(patched)[-1]["number"] if calls(patched) else 0
    _, subnets = network(patched)
    patched.client("eks").list_clusters()
    patched.client("ec2").delete_subnet(SubnetId=subnets[0])
    with pytest.raises(ClientError):
        patched.client("ec2").delete_subnet(SubnetId=subnets[0])
    made = patched.call("GET", f"/rehearsal/calls?since={before}")[1]["calls"]
    assert [(c["service"], c["operation"], c["status"]) for c in made] == [
        ("ec2", "CreateVpc", 200),
        ("ec2", "CreateSubnet", 200),
        ("ec2", "CreateSubnet", 200),
        ("eks", "ListClusters", 200),
        ("ec2", "DeleteSubnet", 200),
        ("ec2", "DeleteSubnet", 400),
    ]
    assert made[-1]["parameters"] == {"SubnetId": subnets[0]}


def test_secrets_are_not_recorded(patched: Any) -> None:
    patched.client("secretsmanager").create_secret(Name=name(), SecretString="planted-value")
    patched.client("rds").create_db_instance(
        DBInstanceIdentifier=name(),
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="teal",
        MasterUserPassword="planted-value",
        AllocatedStorage=20,
    )
    assert "planted-value" not in str(calls(patched))


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("ec2", "DescribeVpcs", {}),
        ("elbv2", "DescribeLoadBalancers", {}),
        ("autoscaling", "DescribeAutoScalingGroups", {}),
        ("iam", "ListRoles", {}),
        ("rds", "DescribeDBInstances", {}),
        ("cloudwatch", "DescribeAlarms", {}),
        ("eks", "ListClusters", {}),
        ("lambda", "ListFunctions", {}),
        ("apigatewayv2", "GetApis", {}),
        ("route53", "ListHostedZones", {}),
        ("s3", "ListObjectsV2", {"Bucket": "bucket"}),
        ("ecr", "DescribeRepositories", {}),
        ("dynamodb", "ListTables", {}),
        ("secretsmanager", "ListSecrets", {}),
        ("service-quotas", "GetServiceQuota", {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}),
        ("resourcegroupstaggingapi", "GetResources", {}),
        ("sts", "GetCallerIdentity", {}),
    ],
)
def test_fault_has_the_format_of_the_service(
    patched: Any, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    fault = {"service": service, "operation": operation, "code": "ThrottlingException", "message": "slower"}
    assert patched.call("POST", "/rehearsal/faults", fault)[0] == 200
    client = patched.client(service)
    call = next(n for n, api in client.meta.method_to_api_mapping.items() if api == operation)
    with pytest.raises(ClientError) as refused:
        getattr(client, call)(**arguments)
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert refused.value.response["Error"]["Message"] == "slower"
    assert patched.call("GET", "/rehearsal/faults")[1]["faults"] == []
    assert (calls(patched)[-1]["operation"], calls(patched)[-1]["status"]) == (operation, 400)


def test_fault_applies_to_matching_calls(patched: Any) -> None:
    vpc, _ = network(patched)
    fault = {
        "service": "ec2",
        "operation": "CreateSubnet",
        "code": "InternalError",
        "status": 500,
        "count": 2,
    }
    patched.call("POST", "/rehearsal/faults", fault | {"match": "10.0.99.0"})
    ec2 = patched.client("ec2")
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.98.0/24")
    for _ in range(2):
        with pytest.raises(ClientError):
            ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.99.0/24")
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.99.0/24")


def test_invalid_fault_is_refused(patched: Any) -> None:
    status, answer = patched.call("POST", "/rehearsal/faults", {"servise": "ec2"})
    assert status == 400
    assert "servise" in answer["error"]


def test_new_repository_has_the_sample_images(patched: Any) -> None:
    ecr, repository = patched.client("ecr"), name()
    ecr.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    found = ecr.describe_images(repositoryName=repository)["imageDetails"]
    tags = {tag: image["imageDigest"] for image in found for tag in image["imageTags"]}
    assert tags.keys() >= {"1.0.0", "1.1.0", "1.2.0", "crash", "never-ready", "error", "slow", "dies"}
    assert len(set(tags.values())) == len(tags)
    manifest = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1.1.0"}])["images"][0]
    assert tags["1.1.0"] == f"sha256:{hashlib.sha256(manifest['imageManifest'].encode()).hexdigest()}"
    for reference in (f"{IMAGE}/{repository}:1.1.0", f"{IMAGE}/{repository}@{tags['1.1.0']}"):
        assert patched.call("GET", f"/rehearsal/images?ref={reference}") == (
            200,
            {"version": "1.1.0", "behaviour": "ok", "digest": tags["1.1.0"]},
        )
    assert patched.call("GET", f"/rehearsal/images?ref={IMAGE}/{repository}:9.9.9")[0] == 404
    assert patched.call("GET", "/rehearsal/images?ref=nginx:latest")[0] == 404


def test_push(patched: Any) -> None:
    repository = name()
    image = {"tag": "2.0.0", "repository": repository, "behaviour": "error", "version": "2.0.0-rc1"}
    assert patched.call("POST", "/rehearsal/images", image)[0] == 404
    patched.client("ecr").create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    assert patched.call("POST", "/rehearsal/images", image | {"behaviour": "lazy"})[0] == 400
    status, pushed = patched.call("POST", "/rehearsal/images", image)
    assert status == 200
    found = patched.call("GET", f"/rehearsal/images?ref={pushed['reference']}")[1]
    assert found == {"version": "2.0.0-rc1", "behaviour": "error", "digest": pushed["digest"]}
    assert patched.call("POST", "/rehearsal/images", image | {"behaviour": "ok"})[0] == 409


def test_tags_keep_their_pushed_programs(patched: Any) -> None:
    repository = name()
    patched.client("ecr").create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    digests = set()
    for tag, program in {"1": {"jar": "/a.jar"}, "2": {"command": ["a", "{port}"], "directory": "/"}}.items():
        image = {"tag": tag, "version": "1.0.0", "repository": repository, "program": program}
        pushed = patched.call("POST", "/rehearsal/images", image)[1]
        digests.add(pushed["digest"])
        for reference in (
            pushed["reference"],
            f"{pushed['reference'].rpartition(':')[0]}@{pushed['digest']}",
        ):
            assert patched.call("GET", f"/rehearsal/images?ref={reference}")[1]["program"] == program
    assert len(digests) == 2, "another program makes another image"


def test_nodes(patched: Any) -> None:
    cluster_name, _ = nodegroup(patched)
    found = [n for n in patched.call("GET", "/rehearsal/nodes")[1]["nodes"] if n["cluster"] == cluster_name]
    assert {node["az"] for node in found} == {"ap-northeast-2a", "ap-northeast-2b"}
    assert all(node["private_dns"].startswith("ip-10-0-") for node in found)
    patched.client("ec2").terminate_instances(InstanceIds=[found[0]["instance_id"]])
    after = [n for n in patched.call("GET", "/rehearsal/nodes")[1]["nodes"] if n["cluster"] == cluster_name]
    assert len(after) == 2
    assert found[0]["instance_id"] not in {node["instance_id"] for node in after}


def test_clusters_list_their_addons(patched: Any) -> None:
    own, _ = cluster(patched)
    patched.client("eks").create_addon(clusterName=own, addonName="aws-ebs-csi-driver")
    found = {c["name"]: c["addons"] for c in patched.call("GET", "/rehearsal/clusters")[1]["clusters"]}
    assert found[own] == ["aws-ebs-csi-driver"]


def test_instances_that_run_the_service(patched: Any) -> None:
    _, subnets = network(patched)
    script = f"#!/bin/bash\ndocker run {IMAGE}/assistant:1.0.0\n"
    template = launch_template(patched, UserData=base64.b64encode(script.encode()).decode())
    ec2 = patched.client("ec2")
    run = {"MinCount": 1, "MaxCount": 1, "SubnetId": subnets[0]}
    launched = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": template}, **run)["Instances"][0]
    direct = ec2.run_instances(ImageId="ami-12c6146b", UserData=script, **run)["Instances"][0]
    other = ec2.run_instances(ImageId="ami-12c6146b", **run)["Instances"][0]
    addresses = patched.call("GET", "/rehearsal/instances")[1]
    assert addresses.keys() >= {launched["InstanceId"], direct["InstanceId"]}
    assert other["InstanceId"] not in addresses
    assert len(set(addresses.values())) == len(addresses)
    service_instances = patched.call("GET", "/rehearsal/service-instances")[1]["service_instances"]
    assert {s["image"] for s in service_instances} == {f"{IMAGE}/assistant:1.0.0"}
    ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
    assert launched["InstanceId"] not in patched.call("GET", "/rehearsal/instances")[1]


def test_resources_have_creation_times(slow: Any) -> None:
    eks, ec2, elb, rds = (slow.client(service) for service in ("eks", "ec2", "elbv2", "rds"))
    own, subnets = cluster(slow)
    assert eks.describe_cluster(name=own)["cluster"]["status"] == "CREATING"
    with pytest.raises(ClientError, match="not in ACTIVE"):
        eks.create_nodegroup(clusterName=own, nodegroupName="x", nodeRole=ROLE, subnets=subnets)
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")["NatGateway"]
    assert nat["State"] == "pending"
    pending = [{"Name": "state", "Values": ["pending"]}]
    assert ec2.describe_nat_gateways(Filters=pending)["NatGateways"]
    network = ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
    table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    way_out = {
        "RouteTableId": table,
        "DestinationCidrBlock": "0.0.0.0/0",
        "NatGatewayId": nat["NatGatewayId"],
    }
    with pytest.raises(ClientError, match=r"InvalidNatGatewayID\.NotFound"):
        ec2.create_route(**way_out)
    elb.create_load_balancer(Name="slow", Subnets=subnets)
    assert elb.describe_load_balancers(Names=["slow"])["LoadBalancers"][0]["State"]["Code"] == "provisioning"
    rds.create_db_instance(
        DBInstanceIdentifier="slow",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="teal",
        MasterUserPassword="password-of-a-test",
        AllocatedStorage=20,
    )
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "creating"


def test_creation_is_immediate_by_default(patched: Any) -> None:
    cluster_name, own = nodegroup(patched)
    eks = patched.client("eks")
    assert eks.describe_cluster(name=cluster_name)["cluster"]["status"] == "ACTIVE"
    described = eks.describe_nodegroup(clusterName=cluster_name, nodegroupName=own)
    assert described["nodegroup"]["status"] == "ACTIVE"


def test_empty_registry_has_no_tags(without_images: Any) -> None:
    without_images.client("ecr").create_repository(repositoryName="assistant", imageTagMutability="IMMUTABLE")
    assert without_images.client("ecr").list_images(repositoryName="assistant")["imageIds"] == []
    status, pushed = without_images.call("POST", "/rehearsal/images", {"tag": "1.0.0"})
    assert status == 200, pushed
