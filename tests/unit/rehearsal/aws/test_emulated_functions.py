"""Deployed Lambda functions, invoked directly and through an HTTP API."""

from __future__ import annotations

import http.client
import io
import json
import zipfile
from typing import Any

import pytest
from aws_resources import name

CODE = """
import json, os, boto3
def handler(event, context):
    print("called")
    if event.get("rawPath") == "/fails":
        raise ValueError("as asked")
    if event.get("rawPath") == "/buckets":
        return {"buckets": boto3.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"]}
    return {
        "statusCode": 201,
        "headers": {"X-Function": context.function_name},
        "body": json.dumps({"setting": os.environ["SETTING"], "event": event}),
    }
"""


def package(code: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("app/main.py", code)
    return made.getvalue()


@pytest.fixture(scope="module")
def function(patched: Any) -> str:
    own = name()
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = patched.client("iam").create_role(RoleName=own, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    patched.client("lambda").create_function(
        FunctionName=own,
        Runtime="python3.12",
        Handler="app/main.handler",
        Role=role,
        Code={"ZipFile": package(CODE)},
        Environment={"Variables": {"SETTING": "of a test"}},
        Timeout=20,
        Publish=True,
    )
    patched.client("lambda").create_alias(FunctionName=own, Name="live", FunctionVersion="1")
    return own


@pytest.fixture(scope="module")
def api(patched: Any, function: str) -> str:
    """Create an API for the function's alias, without the permission to invoke it; return its host name."""
    client = patched.client("apigatewayv2")
    made = client.create_api(Name=name(), ProtocolType="HTTP")
    integration = client.create_integration(
        ApiId=made["ApiId"],
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:ap-northeast-2:123456789012:function:{function}:live",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    for key, authorization in (
        ("GET /hello/{who}", "NONE"),
        ("ANY /hello/{rest+}", "NONE"),
        ("GET /buckets", "NONE"),
        ("GET /fails", "NONE"),
        ("GET /closed", "AWS_IAM"),
    ):
        client.create_route(
            ApiId=made["ApiId"],
            RouteKey=key,
            Target=f"integrations/{integration}",
            AuthorizationType=authorization,
        )
    client.create_stage(ApiId=made["ApiId"], StageName="$default", AutoDeploy=True)
    return made["ApiEndpoint"].removeprefix("https://")


def ask(cloud: Any, host: str, method: str, path: str) -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection(cloud.url.removeprefix("http://"))
    connection.request(method, path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, json.load(answer), dict(answer.getheaders())


def test_invoke(patched: Any, function: str) -> None:
    answer = patched.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"a": 1}))
    payload = json.load(answer["Payload"])
    assert json.loads(payload["body"]) == {"setting": "of a test", "event": {"a": 1}}


def test_api(patched: Any, function: str, api: str) -> None:
    assert ask(patched, api, "GET", "/hello/you")[0] == 500  # The permission is still missing.
    patched.client("lambda").add_permission(
        FunctionName=function,
        Qualifier="live",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    status, body, headers = ask(patched, api, "GET", "/hello/you?a=1&a=2")
    assert status == 201
    assert headers["x-function"] == function
    event = body["event"]
    assert event["routeKey"] == "GET /hello/{who}"
    assert event["pathParameters"] == {"who": "you"}
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert ask(patched, api, "POST", "/hello/a/b")[1]["event"]["pathParameters"] == {"rest": "a/b"}
    assert ask(patched, api, "GET", "/buckets")[:2] == (200, {"buckets": 200})
    assert ask(patched, api, "GET", "/fails")[:2] == (500, {"message": "Internal Server Error"})
    assert ask(patched, api, "GET", "/closed")[:2] == (403, {"message": "Forbidden"})
    assert ask(patched, api, "GET", "/nowhere")[:2] == (404, {"message": "Not Found"})


def test_unknown_api_is_forbidden(patched: Any) -> None:
    host = "abcdefgh.execute-api.ap-northeast-2.amazonaws.com"
    assert ask(patched, host, "GET", "/")[0] == 403
