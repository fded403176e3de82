from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import http_api

from rehearsal.moto_patches import apigateway as patch

TAGS = {"Application": "shop", "Environment": "staging"}
LOG = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/vendedlogs/shop-staging/api"


# moto reads its paths once in a process, so they are patched before any test runs.
patch.apply({})


@pytest.fixture
def functions(aws: Any) -> dict[str, str]:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = boto3.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(trust))
    archive = io.BytesIO()
    zipfile.ZipFile(archive, "w").close()
    arns = {}
    for name in ("hello", "bye"):
        function = boto3.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="x.y",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": archive.getvalue()},
        )
        arns[name] = function["FunctionArn"]
    return arns


@pytest.fixture
def wanted(functions: dict[str, str]) -> dict[str, Any]:
    return {
        "name": "shop-staging",
        "description": "for a test",
        "functions": functions,
        "routes": [
            {"route": "GET /hello", "function": "hello", "authorization": "NONE"},
            {"route": "POST /hello", "function": "hello"},
            {"route": "GET /bye", "function": "bye", "authorization": "JWT"},
        ],
        "jwt": {"issuer": "https://issuer.example", "audience": ["shop"]},
        "access_log_group_arn": LOG,
        "tags": TAGS,
    }


@pytest.fixture
def gateway(functions: Any) -> Any:
    return boto3.client("apigatewayv2")


def api_id(gateway: Any) -> str:
    return gateway.get_apis()["Items"][0]["ApiId"]


def routes(gateway: Any) -> dict[str, str]:
    found = gateway.get_routes(ApiId=api_id(gateway))["Items"]
    return {route["RouteKey"]: route["AuthorizationType"] for route in found}


def policy(function: str) -> list[dict]:
    client = boto3.client("lambda")
    try:
        return json.loads(client.get_policy(FunctionName=function)["Policy"])["Statement"]
    except client.exceptions.ResourceNotFoundException:
        return []


def test_second_run_creates_no_api(wanted: dict, gateway: Any, run_module: Any) -> None:
    assert run_module(http_api, check=True, **wanted)["changed"]
    assert not gateway.get_apis()["Items"]
    made = run_module(http_api, **wanted)
    assert made["url"] == gateway.get_apis()["Items"][0]["ApiEndpoint"]
    assert routes(gateway) == {"GET /hello": "NONE", "POST /hello": "AWS_IAM", "GET /bye": "JWT"}
    assert len(gateway.get_integrations(ApiId=made["api_id"])["Items"]) == 2
    stage = gateway.get_stage(ApiId=made["api_id"], StageName="$default")
    assert stage["AutoDeploy"] and stage["AccessLogSettings"]["DestinationArn"] == LOG
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    (statement,) = policy("hello")
    source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
    assert source == f"arn:aws:execute-api:ap-northeast-2:123456789012:{made['api_id']}/*/*"
    assert not run_module(http_api, **wanted)["changed"]
    assert not run_module(http_api, check=True, **wanted)["changed"]


def test_new_api_is_awaited_until_it_is_listed(
    wanted: dict, late_lists: dict[str, int], run_module: Any
) -> None:
    made = run_module(http_api, **wanted)
    assert made["changed"] and made["api_id"]
    assert max(late_lists.values()) > 3
    assert not run_module(http_api, **wanted)["changed"]


def test_api_of_a_killed_run_is_completed(wanted: dict, gateway: Any, run_module: Any) -> None:
    gateway.create_api(Name="shop-staging", ProtocolType="HTTP", Tags=TAGS)
    assert run_module(http_api, **wanted)["changed"]
    assert len(gateway.get_apis()["Items"]) == 1
    assert not run_module(http_api, **wanted)["changed"]


@pytest.mark.parametrize(
    ("drift", "setting"),
    [
        (
            lambda c, i: c.delete_route(ApiId=i, RouteId=c.get_routes(ApiId=i)["Items"][0]["RouteId"]),
            "routes",
        ),
        (lambda c, i: c.create_route(ApiId=i, RouteKey="ANY /backdoor"), "routes"),
        (
            lambda c, i: c.update_route(
                ApiId=i,
                RouteId=next(
                    entry["RouteId"]
                    for entry in c.get_routes(ApiId=i)["Items"]
                    if entry["RouteKey"] == "POST /hello"
                ),
                AuthorizationType="NONE",
            ),
            "routes",
        ),
        (
            lambda c, i: c.update_stage(
                ApiId=i, StageName="$default", DefaultRouteSettings={"ThrottlingRateLimit": 9999}
            ),
            "stage",
        ),
        (lambda c, i: c.delete_access_log_settings(ApiId=i, StageName="$default"), "stage"),
        (lambda c, i: c.update_api(ApiId=i, Description="another"), "description"),
        (
            lambda c, i: boto3.client("lambda").remove_permission(
                FunctionName="hello", StatementId=f"http-api-{i}"
            ),
            "allowed",
        ),
        (
            lambda c, i: c.create_integration(
                ApiId=i,
                IntegrationType="HTTP_PROXY",
                IntegrationMethod="GET",
                IntegrationUri="https://x.example",
            ),
            "integrations",
        ),
        (
            lambda c, i: c.untag_resource(
                ResourceArn=f"arn:aws:apigateway:ap-northeast-2::/apis/{i}", TagKeys=["Extra"]
            ),
            "tags",
        ),
    ],
)
def test_drift_is_reported_and_corrected(
    wanted: dict, gateway: Any, run_module: Any, drift: Any, setting: str
) -> None:
    wanted["tags"] = {**TAGS, "Extra": "x"}
    run_module(http_api, **wanted)
    drift(gateway, api_id(gateway))
    reported = run_module(http_api, check=True, **wanted)
    assert reported["changed"]
    assert reported["diff"]["before"][setting] != reported["diff"]["after"][setting]
    assert run_module(http_api, **wanted)["changed"]
    assert not run_module(http_api, **wanted)["changed"]


def test_permission_to_call_a_removed_function_is_revoked(
    wanted: dict, gateway: Any, run_module: Any
) -> None:
    run_module(http_api, **wanted)
    wanted["routes"] = wanted["routes"][:1]
    del wanted["jwt"], wanted["access_log_group_arn"]
    assert run_module(http_api, **wanted)["changed"]
    assert routes(gateway) == {"GET /hello": "NONE"}
    assert policy("hello") and not policy("bye")
    assert not gateway.get_authorizers(ApiId=api_id(gateway))["Items"]
    assert "AccessLogSettings" not in gateway.get_stage(ApiId=api_id(gateway), StageName="$default")
    assert not run_module(http_api, **wanted)["changed"]


def test_changed_issuer_is_corrected(wanted: dict, gateway: Any, run_module: Any) -> None:
    run_module(http_api, **wanted)
    wanted["jwt"] = {"issuer": "https://another.example", "audience": ["shop"]}
    assert run_module(http_api, **wanted)["changed"]
    (authorizer,) = gateway.get_authorizers(ApiId=api_id(gateway))["Items"]
    assert authorizer["JwtConfiguration"]["Issuer"] == "https://another.example"
    assert not run_module(http_api, **wanted)["changed"]


def test_absent_keeps_other_apis(wanted: dict, gateway: Any, run_module: Any) -> None:
    run_module(http_api, **wanted)
    gateway.create_api(Name="shop-staging", ProtocolType="HTTP", Tags={"Environment": "another"})
    gone = {"name": "shop-staging", "tags": TAGS, "state": "absent"}
    assert run_module(http_api, **gone)["changed"]
    assert [api["Tags"] for api in gateway.get_apis()["Items"]] == [{"Environment": "another"}]
    assert not policy("hello") and not policy("bye")
    assert not run_module(http_api, **gone)["changed"]


def test_route_to_an_unknown_function_is_refused(wanted: dict, run_module: Any) -> None:
    wanted["routes"].append({"route": "GET /x", "function": "nobody"})
    with pytest.raises(Exception, match="function 'nobody' of route 'GET /x' is not in functions"):
        run_module(http_api, **wanted)
    assert run_module(http_api, check=True, **wanted)["changed"]


def test_jwt_authorizer_without_issuer_is_refused(wanted: dict, run_module: Any) -> None:
    del wanted["jwt"]
    with pytest.raises(Exception, match="jwt is missing, but route 'GET /bye'"):
        run_module(http_api, **wanted)
