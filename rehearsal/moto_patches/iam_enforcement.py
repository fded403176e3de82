"""IAM, once enforced (`POST /moto-api/reset-auth`): signatures of REST services, resources, refusals."""

from __future__ import annotations

import json
from typing import Any

from botocore.awsrequest import AWSRequest
from moto.core.request import determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model
from moto.iam.access_control import IAMPolicyStatement, IAMRequest, PermissionResult
from moto.iam.models import iam_backends
from werkzeug.exceptions import HTTPException

from rehearsal.aws_calls import error

UNKNOWN = "*"
"""moto's name for a resource that it cannot determine; this patch uses the same."""

JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
"""What AWS's JSON services call what its query services call otherwise."""

ARNS = {
    "dynamodb": {"TableName": "arn:aws:dynamodb:{region}:{account}:table/{value}"},
    "ecr": {"repositoryName": "arn:aws:ecr:{region}:{account}:repository/{value}"},
    "eks": {
        **dict.fromkeys(("nodegroupName", "addonName", "associationId", "principalArn"), ""),
        "name": "arn:aws:eks:{region}:{account}:cluster/{value}",
    },
    "iam": {
        "RoleName": "arn:aws:iam::{account}:role/{value}",
        "PolicyArn": "{value}",
        "OpenIDConnectProviderArn": "{value}",
    },
    "lambda": {"FunctionName": "arn:aws:lambda:{region}:{account}:function:{value}"},
    "rds": {"DBInstanceIdentifier": "arn:aws:rds:{region}:{account}:db:{value}"},
    "secretsmanager": {
        "SecretId": "arn:aws:secretsmanager:{region}:{account}:secret:{value}-000000",
        "Name": "arn:aws:secretsmanager:{region}:{account}:secret:{value}-000000",
    },
    "sns": {"TopicArn": "{value}", "Name": "arn:aws:sns:{region}:{account}:{value}"},
    "ssm": {"Name": "arn:aws:ssm:{region}:{account}:parameter{value}"},
    "sts": {"RoleArn": "{value}"},
    "elasticloadbalancing": {
        "RuleArn": "{value}",
        "ListenerArn": "{value}",
        "TargetGroupArn": "{value}",
        "LoadBalancerArn": "{value}",
    },
}
"""By service (as in a signature): the parameters that name a call's resource, and its ARN; empty: unknown."""

UNSCOPED = ("ec2", "autoscaling", "elasticloadbalancing")
"""Services whose Describe calls AWS can't scope to a resource."""

NO_RESOURCE = "none"
"""Their resource: only `*` matches it."""


PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
"""What IAM's actions begin with, where it isn't the service of the signature."""

TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""What DynamoDB asks rights for, by the parts of a TransactWriteItems."""


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    actions()
    signatures()
    resources()
    refusals()


def actions() -> None:
    """moto names an action by the signature's service and the API's operation. IAM knows some by other names:
    CloudWatch's, API Gateway's (its HTTP methods), and those of DynamoDB's transactions."""
    check = IAMRequest.check_action_permitted

    def check_action_permitted(self: IAMRequest, resource: str) -> None:
        for action in names_of(self._action, self._method, self._body):
            self._action = action
            check(self, resource)

    IAMRequest.check_action_permitted = check_action_permitted


def names_of(action: str, method: str, body: bytes) -> list[str]:
    """What IAM calls the rights that a call needs."""
    service, _, operation = action.partition(":")
    if service == "apigateway":
        return [f"apigateway:{method}"]
    if operation == "TransactWriteItems":
        parts = {part for item in json.loads(body)["TransactItems"] for part in item}
        return sorted(f"dynamodb:{TRANSACTIONS[part]}" for part in parts)
    return [f"{PREFIXES.get(service, service)}:{operation}"]


def signatures() -> None:
    """Calls of REST services without a body (eks, lambda, apigateway, route53, backup: every GET) are
    answered with SignatureDoesNotMatch: moto takes the query string, or the headers, for the body."""
    build = IAMRequest._create_aws_request

    def create_aws_request(self: IAMRequest) -> AWSRequest:
        request = build(self)
        form = (self._headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded")
        if not self._body and not form:
            request.data = b""
        return request

    IAMRequest._create_aws_request = create_aws_request


def resources() -> None:
    """moto checks the resource of S3's calls alone: for the other services, a statement that is scoped to an
    ARN never permits anything. Here the resource is read from the call's parameters where `ARNS` knows how;
    where it doesn't, an Allow counts whatever its scope, and a scoped Deny doesn't count. Likewise an Allow
    counts whatever its Condition (moto takes one for a Deny), and a conditional Deny doesn't count."""
    authorize = BaseResponse._authenticate_and_authorize_normal_action
    permitted = IAMPolicyStatement.is_action_permitted

    def authenticate_and_authorize(self: BaseResponse, resource: str = UNKNOWN) -> None:
        authorize(self, resource_of(self) if resource == UNKNOWN else resource)

    def is_action_permitted(
        self: IAMPolicyStatement, action: str, resource: str = UNKNOWN, *rest: Any
    ) -> Any:
        if "Condition" in self._statement and not any(rest):
            if self._statement["Effect"] == "Deny":
                return PermissionResult.NEUTRAL
            self = IAMPolicyStatement({k: v for k, v in self._statement.items() if k != "Condition"})
        scoped = self._statement.get("Resource", UNKNOWN) not in (UNKNOWN, [UNKNOWN])
        if resource != UNKNOWN or not scoped:
            return permitted(self, action, resource, *rest)
        unscoped = IAMPolicyStatement({**self._statement, "Resource": UNKNOWN})
        answer = permitted(unscoped, action, resource, *rest)
        return PermissionResult.NEUTRAL if answer is PermissionResult.DENIED else answer

    BaseResponse._authenticate_and_authorize_normal_action = authenticate_and_authorize
    IAMPolicyStatement.is_action_permitted = is_action_permitted


def refusals() -> None:
    """moto refuses as the query services do, whatever the service: where JSON or another XML is spoken,
    boto3 cannot read it, and says `403`."""
    authorize = BaseResponse._authenticate_and_authorize_normal_action

    def authenticate_and_authorize(self: BaseResponse, resource: str = UNKNOWN) -> None:
        try:
            authorize(self, resource)
        except HTTPException as e:
            model, kind = get_service_model(self.boto3_service_name), self.headers.get("Content-Type", "")
            protocol = determine_request_protocol(model, kind)
            if protocol not in ("query", "ec2"):
                code = JSON_CODES.get(e.error_type, e.error_type) if "json" in protocol else e.error_type
                _, body = error(self.boto3_service_name, self._get_action(), kind, code, e.message)
                e.description = body.decode()
            raise

    BaseResponse._authenticate_and_authorize_normal_action = authenticate_and_authorize


def role_arn(response: BaseResponse, name: str) -> str:
    """The ARN of a role, with its path: of the one that stands, or of the one that is asked for."""
    account = response.current_account
    for role in iam_backends[account][response.partition].roles.values():
        if role.name == name:
            return role.arn
    return f"arn:{response.partition}:iam::{account}:role{response._get_param('Path') or '/'}{name}"


def resource_of(response: BaseResponse) -> str:
    """The ARN of what a call is about, as far as `ARNS` can tell; else UNKNOWN."""
    authorization = response.headers.get("Authorization", "")
    service = "".join(authorization.partition("Credential=")[2].partition(",")[0].split("/")[3:4])
    action = response._get_action()  # finds the path's parameters, too
    if service in UNSCOPED and action.startswith("Describe"):
        return NO_RESOURCE
    for name, template in ARNS.get(service, {}).items():
        value = response._get_param(name)
        if isinstance(value, str) and value:
            if not template:
                return UNKNOWN
            if value.startswith("arn:"):
                return value
            if name == "RoleName":
                return role_arn(response, value)
            # Public parameters of Systems Manager are nobody's account's.
            account = "" if value.startswith("/aws/service/") else response.current_account
            return template.format(value=value, region=response.region, account=account)
    return UNKNOWN
