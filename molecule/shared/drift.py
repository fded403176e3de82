"""Change an environment without Ansible: `drift.py <name of the environment's resources>`."""

from __future__ import annotations

import sys

import boto3


def main(name: str) -> None:
    services = ("ec2", "elbv2", "eks", "cloudwatch", "logs")
    ec2, elb, eks, alarms, logs = (boto3.client(service) for service in services)

    vpc = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"][0]
    ec2.delete_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "ManagedBy"}])

    balancer = elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]
    ec2.authorize_security_group_ingress(
        GroupId=balancer["SecurityGroups"][0],
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ],
    )
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    https = next(listener for listener in listeners if listener["Protocol"] == "HTTPS")
    elb.modify_listener(ListenerArn=https["ListenerArn"], SslPolicy="ELBSecurityPolicy-2016-08")

    if name in eks.list_clusters()["clusters"]:
        nodegroup = eks.list_nodegroups(clusterName=name)["nodegroups"][0]
        scaling = {"minSize": 1, "maxSize": 1, "desiredSize": 1}
        eks.update_nodegroup_config(clusterName=name, nodegroupName=nodegroup, scalingConfig=scaling)
    else:
        logs.put_retention_policy(logGroupName=f"/{name}/service", retentionInDays=1)

    alarm = alarms.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"][0]
    alarms.delete_alarms(AlarmNames=[alarm["AlarmName"]])


if __name__ == "__main__":
    main(sys.argv[1])
