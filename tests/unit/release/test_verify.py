"""What a release has to answer, how long things take in words, and which image is meant."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import deploy, http_probe, images
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, seconds, span
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer, Service, look_up
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.verify import (
    Check,
    Limits,
    _watched,
    verify,
)

from rehearsal import certificates

from .fake_environment import Controller, Environment, who

HEALTH = json.dumps({"status": "UP", "components": [{"db": {"ok": True}}]}).encode()


@pytest.mark.parametrize(
    ("check", "answer", "reported"),
    [
        (Check("/"), Answer(200), ""),
        (Check("/"), Answer(500, b"boom"), "/ returned 500 Internal Server Error: boom, expected 200"),
        (Check("/"), Answer(502, b"<html>page</html>"), "/ returned 502 Bad Gateway, expected 200"),
        (Check("/", status=401), Answer(401), ""),
        (Check("/"), Answer(0, error="timed out"), "/ returned no answer (timed out), expected 200"),
        (Check("/", latency=100), Answer(200, seconds=0.05), ""),
        (Check("/", latency=100), Answer(200, seconds=0.2), "/ took 200 ms, and at most 100 ms are allowed"),
        (Check("/", contains="hello"), Answer(200, b"hello you"), ""),
        (
            Check("/", contains="hello"),
            Answer(200, b"bye"),
            "/ returned an answer without 'hello': 200 OK: bye",
        ),
        (Check("/h", json={"status": "UP", "components.0.db.ok": True}), Answer(200, HEALTH), ""),
        (
            Check("/h", json={"status": "DOWN"}),
            Answer(200, HEALTH),
            "/h returned status = 'UP', expected 'DOWN'",
        ),
        (Check("/h", json={"a.b": 1}), Answer(200, HEALTH), "/h returned a.b = None, expected 1"),
        (Check("/h", json={"a": 1}), Answer(200, b"text"), "/h did not return JSON: 200 OK: text"),
    ],
)
def test_check(check: Check, answer: Answer, reported: str) -> None:
    assert check.wrong(answer) == reported


def test_look_up_walks_objects_and_lists() -> None:
    document = {"a": [{"b": 1}], "c.d": 2}
    assert look_up(document, "a.0.b") == 1
    assert look_up(document, "a.1.b") is None
    assert look_up(document, "a.b") is None
    assert look_up(None, "a") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90", 90),
        (90, 90),
        ("90s", 90),
        ("10m", 600),
        ("1h", 3600),
        ("1d", 86400),
        ("1.5m", 90),
        ("1d12h", 129600),
        ("1h 30m", 5400),
        (" 1D ", 86400),
    ],
)
def test_lengths_of_time(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "-1s",
        "inf",
        "nan",
        "10 minutes",
        "15 sec",
        "12h1d",
        "1h1h",
        "1e3s",
        "1_0s",
        "１s",
        "1d12",
        True,
        "9999999d",
    ],
)
def test_invalid_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seconds(text)


def test_span_formats_durations() -> None:
    assert [span(x) for x in (0.42, 9.9, 42, 60, 200, 7500)] == [
        "0.4 s",
        "9.9 s",
        "42 s",
        "1 min",
        "3 min 20 s",
        "2 h 5 min",
    ]


# -- the preview -------------------------------------------------------------------------------------


def test_command_gets_the_preview_and_its_output_hides_the_token(
    environment: Environment, tmp_path: Path
) -> None:
    """It runs while the preview is open; what it prints of the token is hidden."""
    controller = Controller(environment)
    assert controller.deploy("1.0.0") == "committed"
    seen = tmp_path / "seen"
    program = (
        "import json,os,pathlib,sys;e=os.environ;"
        f"pathlib.Path({str(seen)!r}).write_text(json.dumps({{k:v for k,v in e.items() if k.startswith('RELEASE_')}}));"
        "print('token is', e['RELEASE_PREVIEW_TOKEN']);sys.exit(3)"
    )
    begun = deploy.begin(
        controller.context, deploy.Request(image="2", tag="2", version="2", config_name="c"), who(), 60, 0
    )
    assert begun.lease and begun.release
    environment.bring_up(begun.release, begun.lease, lambda _: None)
    with pytest.raises(StepFailed) as failed:
        verify(
            controller.context,
            begun.lease,
            begun.release,
            [],
            [sys.executable, "-c", program],
            Limits(),
            {},
            SlotMonitor.of(environment, begun.release),
        )
    reported = json.loads(seen.read_text())
    assert reported["RELEASE_URL"] == "https://assistant.example"
    assert reported["RELEASE_VERSION"] == "2"
    assert len(reported["RELEASE_PREVIEW_TOKEN"]) >= 32
    assert reported["RELEASE_PREVIEW_TOKEN"] not in str(failed.value)
    assert "token is ********" in str(failed.value)
    assert "exit status 3" in str(failed.value)
    assert environment.previews() == []


def test_command_is_killed_with_its_children_at_the_limit(environment: Environment) -> None:
    """What it leaves behind would keep its output open."""
    clock, context = Clock(), Controller(environment).context
    context.store.clock = clock
    began = clock.steady()
    reported = _watched(
        ["sh", "-c", "sleep 30 & echo begun; sleep 30"], dict(os.environ), 1, context, lambda: None
    )
    assert reported == "begun\n\nit did not end within 1.0 s"
    assert clock.steady() - began < 10


# -- a real connection ---------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> Any:
    """A TLS server for assistant.example on loopback that reports what it was asked, and its certificate's file."""
    ca = certificates.authority(tmp_path / "ca")
    pair = certificates.server(tmp_path, "server", ["assistant.example"], ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = server.accept()
                with context.wrap_socket(plain, server_side=True) as connection:
                    asked = connection.recv(4096)
                    body = json.dumps({"asked": asked.decode()}).encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1], ca.cert_file
    server.close()


def test_request_uses_the_address_and_the_domain(tls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port, certificate = tls
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http_probe._trust.cache_clear()
    answer = Service("assistant.example", port).get("127.0.0.1", "/x", {"X-Release-Preview": "t"})
    asked = answer.json()["asked"]
    assert answer.status == 200
    assert asked.startswith("GET /x HTTP/1.1\r\n")
    assert f"Host: assistant.example:{port}\r\n" in asked
    assert "X-Release-Preview: t\r\n" in asked
    other = Service("other.example", port).get("127.0.0.1", "/x")
    assert other.status == 0
    assert other.error.startswith(
        "certificate of other.example at 127.0.0.1 is not trusted: Hostname mismatch"
    )
    http_probe._trust.cache_clear()


def test_refused_connection_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    answer = Service("assistant.example", port).get("127.0.0.1", "/")
    assert answer.status == 0
    assert "refused" in answer.error


# -- images ------------------------------------------------------------------------------------------


def _push(ecr: Any, tag: str) -> str:
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "tag": tag}
    )
    return ecr.put_image(repositoryName="assistant", imageManifest=manifest, imageTag=tag)["image"][
        "imageId"
    ]["imageDigest"]


def test_image_is_deployed_by_its_digest(aws: None) -> None:
    ecr = boto3.client("ecr")
    uri = ecr.create_repository(repositoryName="assistant")["repository"]["repositoryUri"]
    digest = _push(ecr, "1.4.2")
    by_tag = images.resolve(ecr, "assistant", "1.4.2", "")
    assert by_tag == images.Image(f"{uri}@{digest}", "1.4.2", digest)
    assert images.resolve(ecr, "assistant", "", digest) == by_tag
    with pytest.raises(
        images.ImageMissing, match=r"has no image 9\.9; its latest tags are: 1\.4\.2\. To push it"
    ):
        images.resolve(ecr, "assistant", "9.9", "")
    with pytest.raises(Refused, match="ECR repository 'other' does not exist"):
        images.resolve(ecr, "other", "1.4.2", "")


def test_latest_tags_are_those_pushed_last(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECR's pages are in no order, and the tag of a slot is no name of an image."""
    ecr = boto3.client("ecr")
    pages = [
        [{"imagePushedAt": f"2026-01-{day:02}", "imageTags": [f"1.{day}", "live-x"]} for day in days]
        for days in ([5, 1, 3], [9, 2], [8, 4, 7, 6])
    ]

    def call(self: Any, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        assert operation == "DescribeImages"
        number = int(given.get("nextToken", "0"))
        more = {"nextToken": str(number + 1)} if number < 2 else {}
        return {"imageDetails": pages[number], **more}

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", call)
    assert images._tags(ecr, "assistant") == ["1.9", "1.8", "1.7", "1.6", "1.5", "1.4", "1.3", "1.2"]


def test_image_in_a_slot_is_tagged(aws: None) -> None:
    ecr = boto3.client("ecr")
    ecr.create_repository(
        repositoryName="assistant",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "live-*"}],
    )
    old, new = _push(ecr, "1.0"), _push(ecr, "1.1")

    def tags() -> dict[str, list[str]]:
        found = ecr.describe_images(repositoryName="assistant")["imageDetails"]
        return {image["imageDigest"]: sorted(image["imageTags"]) for image in found}

    images.tag_in_slot(ecr, "assistant", old, "live-shop-blue")
    images.tag_in_slot(ecr, "assistant", old, "live-shop-blue")
    assert tags() == {old: ["1.0", "live-shop-blue"], new: ["1.1"]}
    assert images.resolve(ecr, "assistant", "", old).tag == "1.0"
    images.tag_in_slot(ecr, "assistant", new, "live-shop-blue")
    assert tags() == {old: ["1.0"], new: ["1.1", "live-shop-blue"]}
    with pytest.raises(Refused, match="has no image sha256:00"):
        images.tag_in_slot(ecr, "assistant", "sha256:" + "0" * 64, "live-shop-blue")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ImageTagAlreadyExistsException"])
def test_refused_tag_is_reported(aws: None, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """An environment, or a registry, that was not provisioned since the tags of slots came."""
    ecr = boto3.client("ecr")

    def call(self: Any, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if operation == "BatchGetImage":
            return {"images": [{"imageManifest": "{}"}]}
        raise botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", call)
    with pytest.raises(Refused, match=rf"ecr:PutImage failed for the tag live-shop-blue: .*{code}"):
        images.tag_in_slot(ecr, "assistant", "sha256:" + "0" * 64, "live-shop-blue")


@pytest.mark.parametrize(
    ("tag", "digest", "reported"),
    [
        ("", "", "either -e image_tag"),
        ("1", "sha256:" + "0" * 64, "not both"),
        ("a b", "", "image_tag is 'a b'"),
        ("-x", "", "image_tag is '-x'"),
        ("", "sha256:abc", "image_digest is 'sha256:abc'"),
    ],
)
def test_invalid_image_name_is_refused_before_any_query(tag: str, digest: str, reported: str) -> None:
    with pytest.raises(Refused, match=reported):
        images.check(tag, digest)


def test_configuration_name_depends_on_its_values() -> None:
    first = images.config_name("assistant", {"A": "1", "B": "2"})
    assert first == images.config_name("assistant", {"B": "2", "A": "1"})
    assert first != images.config_name("assistant", {"A": "1", "B": "3"})


def test_slot_that_crashes_before_its_targets_are_healthy_fails_at_once(environment: Environment) -> None:
    controller = Controller(environment)
    assert controller.deploy("1.0.0") == "committed"
    request = deploy.Request(image="2", tag="2", version="2", config_name="c")
    begun = deploy.begin(controller.context, request, who(), 60, 0)
    assert begun.lease and begun.release
    environment.bring_up(begun.release, begun.lease, lambda _: None)
    running = environment.slots[begun.release["slot"]]
    running.healthy = False
    environment.time.on_sleep.append(lambda: setattr(running, "restarts", 1))
    began = environment.time.now
    monitor = SlotMonitor.of(environment, begun.release)
    with pytest.raises(StepFailed, match=r"did not stay up in slot green: 1 restart since .*\n.*exit code 1"):
        verify(controller.context, begun.lease, begun.release, [], [], Limits(), {}, monitor)
    assert environment.time.now - began < 5
    assert environment.previews() == []


def test_slot_without_a_version_fails_soon(environment: Environment) -> None:
    controller = Controller(environment)
    assert controller.deploy("1.0.0") == "committed"
    began = environment.time.now
    environment.behaviour["2"] = "versionless"
    assert controller.deploy("2") == "aborted"
    release = controller.store.history(1)[0]
    assert "does not report its version: /actuator/info returned 500" in release["failure"]
    assert environment.time.now - began < 10


def test_silent_address_is_waited_for_and_named(environment: Environment) -> None:
    controller = Controller(environment)
    assert controller.deploy("1.0.0") == "committed"
    get = environment.get
    silent = Answer(0, error="timed out")
    previewed = 0

    def one_is_silent(address: str, path: str, headers: Any = None, **more: Any) -> Answer:
        nonlocal previewed
        answer = get(address, path, headers, **more)
        if not headers or answer.body.startswith(b"preview"):
            return answer
        previewed += 1
        return silent if address == "52.0.0.2" and previewed < limit else answer

    environment.get = one_is_silent  # type: ignore[method-assign]
    limit = 40
    assert controller.deploy("2", version="") == "committed"
    limit = 10_000
    assert controller.deploy("3", version="") == "aborted"
    failure = controller.store.history(1)[0]["failure"]
    assert "does not report its version: /actuator/info returned no answer (timed out) at 52.0.0.2" in failure
