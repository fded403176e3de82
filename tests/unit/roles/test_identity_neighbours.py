"""No role can reach or take over another environment of the account, regardless of its name and tags."""

from __future__ import annotations

import pytest
from iam_judge import Reference, requests
from iam_simulator import allowed
from rendered_identity import Rendered, tags
from role_requests import actions

REFERENCE = Reference()
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
#: Resources that environments share, or that belong to no environment until they are tagged.
SHARED = ("ecr:", "iam:CreateServiceLinkedRole", "route53:", "apigateway:")
#: Services without documented conditions on tags: Route 53 is limited by names, IAM by the path.
WITHOUT_TAGS = ("route53:", "iam:")


def neighbour(environment: str, application: str = "assistant") -> Rendered:
    """Return an environment like STAGING under other names, with all components that the actions need."""
    return Rendered("staging", platform_environment=environment, platform_application=application)


@pytest.mark.parametrize(
    "other",
    [
        neighbour("test-2"),
        neighbour("testing"),
        neighbour("test", "assistant-test-2"),
        neighbour("alarms", "assistant-test"),
        neighbour("production"),
    ],
    ids=lambda other: other.name,
)
@pytest.mark.parametrize("role", ["provision", "deploy", "qa"])
def test_no_action_of_a_role_reaches_another_environment(role: str, other: Rendered) -> None:
    test = neighbour("test")
    context = {
        "iam:PassedToService": "ec2.amazonaws.com",
        "iam:PermissionsBoundary": other.arn("iam", f"policy/{other.name}/{other.name}-boundary"),
    }
    reached = []
    for action in actions(role, test.components | {"instance"}):
        if action.startswith(SHARED):
            continue
        asked = list(requests(REFERENCE, other, role, action, context))
        if not any("aws:ResourceTag/Environment" in request.context for request in asked):
            continue  # it touches nothing that is there already
        # A call with the other environment's tags in the request, and a call that claims the resource.
        claims = [
            {**request.context, **tags("test", request=True)}
            if any(key.startswith("aws:RequestTag") for key in request.context)
            else request.context
            for request in asked
        ]
        for contexts in ([request.context for request in asked], claims):
            if all(
                test.may(role, request.action, request.resource, **said)
                for request, said in zip(asked, contexts, strict=True)
            ):
                reached.append(str(asked[0]))
    assert not reached, "\n".join(reached)


@pytest.mark.parametrize(
    "other", [neighbour("test-2"), neighbour("production")], ids=lambda other: other.name
)
def test_boundary_alone_separates_resources_with_tags(other: Rendered) -> None:
    """It holds for any policies that the provision role adds to itself or to another role of its environment."""
    test = neighbour("test")
    reached = [
        str(request)
        for action in actions("provision", test.components | {"instance"})
        if not action.startswith((*WITHOUT_TAGS, "ecr:"))
        for request in requests(REFERENCE, other, "provision", action, {})
        if "aws:ResourceTag/Environment" in request.context
        and allowed([EVERYTHING], test.boundary, request.action, request.resource, request.context)
    ]
    assert not reached, "\n".join(reached)


def test_certificate_of_another_environment_is_neither_claimed_nor_replaced() -> None:
    test = Rendered("test")
    certificate = test.arn("acm", "certificate/1")
    claim, own, foreign = tags("test", request=True), tags("test"), tags("production")
    for action in ("AddTagsToCertificate", "ImportCertificate", "DeleteCertificate"):
        assert not test.may("provision", f"acm:{action}", certificate, **foreign, **claim), action
    assert test.may("provision", "acm:RequestCertificate", **claim)
    assert test.may("provision", "acm:ImportCertificate", test.arn("acm", "certificate/*"), **claim)
    assert test.may("provision", "acm:ImportCertificate", certificate, **own)
    assert not test.may("provision", "acm:ImportCertificate", certificate)
    assert not test.may("provision", "acm:DeleteCertificate", certificate)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("acm:DeleteCertificate", "certificate/1"),
        ("apigateway:DELETE", "/apis/a1"),
        ("cloudwatch:DeleteAlarms", "alarm:x"),
        ("logs:DeleteLogGroup", "log-group:x"),
        ("logs:PutLogEvents", "log-group:x:log-stream:y"),
    ],
)
def test_boundary_denies_resources_of_another_environment_in_every_service(
    action: str, resource: str
) -> None:
    test = Rendered("test")
    arn = test.arn(action.partition(":")[0], resource)
    assert allowed([EVERYTHING], test.boundary, action, arn, tags("test"))
    assert not allowed([EVERYTHING], test.boundary, action, arn, tags("production"))


def test_boundary_limits_dns_by_name_and_excludes_s3() -> None:
    """Route 53 has no conditions on tags, and no role uses S3."""
    production, key = Rendered("production"), "route53:ChangeResourceRecordSetsNormalizedRecordNames"

    def may(action: str, **context: str) -> bool:
        return allowed([EVERYTHING], production.boundary, action, "arn:aws:route53:::hostedzone/Z1", context)

    assert may("route53:ChangeResourceRecordSets", **{key: "assistant.example.com"})
    assert not may("route53:ChangeResourceRecordSets", **{key: "test.assistant.example.com"})
    for action in (
        "route53:DeleteHostedZone",
        "route53:DisableHostedZoneDNSSEC",
        "s3:GetObject",
        "s3:PutObject",
    ):
        assert not may(action), action


@pytest.mark.parametrize(
    "action",
    ["acm:AddTagsToCertificate", "ec2:CreateVpc", "kms:CreateKey", "lambda:TagResource", "sns:CreateTopic"],
)
def test_no_resource_gets_the_tags_of_another_environment(action: str) -> None:
    test = Rendered("test")
    assert not allowed([EVERYTHING], test.boundary, action, "*", tags("production", request=True))
    assert allowed([EVERYTHING], test.boundary, action, "*", tags("test", request=True))
