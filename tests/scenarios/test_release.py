"""Releases as users run them: playbooks in their own processes, with load, faulty images and faults.

tests/unit/release/test_interruption.py tests an interruption at each call. These tests use real processes, pods and load.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from .cloud import DOMAIN, Cloud, new

# -- as it should be ---------------------------------------------------------------------------------


def test_deploy_and_rollback_under_load_lose_nothing(clean: Cloud) -> None:
    before, tag = clean.live(), new(clean)
    with clean.load() as counted:
        clean.deploy(tag)
        assert clean.live() == tag
        clean.play("rollback", reason="to see it")
    assert clean.live() == before
    assert counted["failed"] == 0, counted
    assert set(counted["versions"]) == {before, tag}
    assert [title.split(": ", 1)[1] for title in clean.messages()] == [
        f"traffic goes to {tag}",
        f"{tag} is live",
        f"rolled back to {before}",
    ]
    if not clean.extra.get("release_image_repository"):
        ecr = clean.session.client("ecr", endpoint_url=clean.config["aws"]["url"])
        images = ecr.describe_images(repositoryName="assistant")["imageDetails"]
        kept = [
            image["imageTags"] for image in images if any(t.startswith("live-") for t in image["imageTags"])
        ]
        assert sorted(tags[0] for tags in kept) == sorted([before, tag])


def test_second_rollback_is_reported_and_changes_nothing(clean: Cloud) -> None:
    before = clean.live()
    clean.deploy(new(clean))
    clean.play("rollback")
    text = clean.play("rollback")
    assert "NOTHING TO DO" in text
    assert "is live since the rollback" in text
    assert clean.live() == before


def test_cold_rollback_deploys_an_older_release(clean: Cloud) -> None:
    before = clean.live()
    clean.deploy(new(clean))
    clean.play("retire", at_once=True)
    # A rollback runs no migration: this one would fail with the earlier image.
    text = clean.play("rollback", slot_migration_command=["false"])
    assert "COLD ROLLBACK" in text
    assert clean.live() == before


@pytest.mark.parametrize(
    "service",
    [
        pytest.param({"SERVICE_DRAIN_SECONDS": "2"}, id="drains"),
        pytest.param(
            {"SERVICE_DRAIN_SECONDS": "0", "SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS": "1"},
            id="a-connection-a-request",
            marks=pytest.mark.long,
        ),
    ],
)
def test_evicted_pods_under_load_lose_nothing(clean: Cloud, service: dict[str, str]) -> None:
    """The service must drain its connections. A plain Tomcat loses some requests (`make bench-switch` counts them)."""
    tag = new(clean, "slow")  # 0.1 s per request, so that requests are always in flight
    clean.deploy(tag, slot_config={"SERVICE_SLOW_SECONDS": "0.1", **service})
    with clean.load() as counted:
        clean.replace_pods()
    print(f"{service}: {counted['failed']} of {counted['requests']} requests failed {counted['failures']}")
    assert counted["failed"] == 0, counted


# -- bad images ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "verdict", "start_timeout"),
    [
        ("crash", "crashes: .* exit code 1", 600),
        pytest.param(
            "never-ready", "did not become ready within 30 s.*\n.*statuscode: 503", 30, marks=pytest.mark.long
        ),
        pytest.param("error", "/ returned 500", 600, marks=pytest.mark.long),
        pytest.param("slow", "/ took [0-9]+ ms, and at most", 600, marks=pytest.mark.long),
        ("wrong-version", "reports version .*-other", 600),
    ],
)
def test_faulty_image_gets_no_traffic_and_fails_fast(
    clean: Cloud, behaviour: str, verdict: str, start_timeout: int
) -> None:
    before, tag = clean.live(), new(clean, behaviour)
    expected = {"release_version": tag} if behaviour == "wrong-version" else {}
    checks = [{"path": "/", "status": 200, "latency": 1000}]
    with clean.load() as load:
        began = time.monotonic()
        text = clean.deploy(
            tag, fails=True, release_checks=checks, slot_start_timeout=start_timeout, **expected
        )
        took = time.monotonic() - began
    print(f"{behaviour}: verdict after {took:.1f} s")
    assert re.search(verdict, text), text[-3000:]
    assert "untouched. No request reached the new release." in text
    # A run that waits for the time limit takes longer than the limit.
    assert took < start_timeout or behaviour == "never-ready"
    assert load["failed"] == 0, load
    assert set(load["versions"]) == {before}
    assert any("was aborted before it received traffic" in title for title in clean.messages())


def test_missing_image_ends_the_deploy_before_a_release_begins(clean: Cloud) -> None:
    if clean.extra.get("release_image_repository"):
        pytest.skip("images of another registry are not looked up")
    before = clean.state()
    text = clean.deploy("9.9.9", fails=True)
    assert "has no image 9.9.9; its latest tags are" in text
    assert clean.state() == before


def test_foreign_rule_is_reported_before_a_release_begins(clean: Cloud) -> None:
    """A maintenance page was added in front of the service."""
    elb = clean.session.client("elbv2", endpoint_url=clean.config["aws"]["url"])
    balancer = elb.describe_load_balancers(Names=["assistant-staging"])["LoadBalancers"][0]["LoadBalancerArn"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    made = elb.create_rule(
        ListenerArn=next(each["ListenerArn"] for each in listeners if each["Port"] == 443),
        Priority=10,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )
    arn, tag, before = made["Rules"][0]["RuleArn"], new(clean), clean.state()
    try:
        for words in (["--check"], []):
            text = clean.run(*clean.words("deploy", image_tag=tag), *words, fails=True)
            assert re.search(
                r"Rule 10 .*which answers with a fixed 503, has a higher priority than the slot rule", text
            )
    finally:
        elb.delete_rule(RuleArn=arn)
    assert clean.state() == before
    assert clean.messages() == []
    clean.deploy(tag)


def test_unsupported_manifests_are_refused_before_a_release_begins(clean: Cloud, tmp_path: Path) -> None:
    before, tag = clean.state(), new(clean)
    assert "has no file that ends in .yml" in clean.deploy(tag, fails=True, slot_manifests_dir=str(tmp_path))
    templates = Path(__file__).resolve().parents[2] / "roles/slot/templates"
    for name in ("config_map", "service", "deployment"):
        (tmp_path / f"{name}.yml.j2").write_text((templates / f"{name}.yml.j2").read_text())
    data = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "data"}}
    (tmp_path / "data.yml").write_text(json.dumps(data))
    text = clean.deploy(tag, fails=True, slot_manifests_dir=str(tmp_path))
    assert "data.yml: the manifests contain StatefulSet data" in text, text[-3000:]
    assert clean.state() == before
    assert clean.messages() == []
    (tmp_path / "data.yml").unlink()
    clean.deploy(tag, slot_manifests_dir=str(tmp_path))


@pytest.mark.parametrize(
    "when",
    [pytest.param({"SERVICE_DIES_SECONDS": "30"}, marks=pytest.mark.long), {"SERVICE_DIES_REQUESTS": "40"}],
)
def test_release_that_fails_after_the_switch_is_rolled_back(clean: Cloud, when: dict[str, str]) -> None:
    before, tag = clean.live(), new(clean, "dies")
    with clean.load() as load:
        text = clean.deploy(tag, fails=True, release_bake="90s", slot_config=when, release_bake_unready="60s")
        assert "Traffic was shifted back automatically." in text, text[-3000:]
        assert clean.live() == before
    print(f"{when}: {load['failed']} of {load['requests']} requests failed")
    assert set(load["versions"]) == {before, tag}
    assert any("failed" in title for title in clean.messages())


# -- faults around it ------------------------------------------------------------------------------------


def test_warm_rollback_needs_no_kubernetes(clean: Cloud) -> None:
    if clean.config["kubernetes"]["external"]:
        pytest.skip("somebody else's cluster isn't counted to fail")
    before = clean.live()
    clean.deploy(new(clean))
    clean.fault("kubernetes", mode="refuse", seconds=20)
    began = time.monotonic()
    clean.play("rollback")
    print(f"warm rollback without Kubernetes: {time.monotonic() - began:.1f} s")
    time.sleep(max(0.0, 20 - (time.monotonic() - began)))
    assert clean.live() == before


@pytest.mark.long
@pytest.mark.parametrize("fault", [{"mode": "refuse"}, {"mode": "slow", "delay": 2}, {"mode": "error"}])
def test_slow_kubernetes_delays_a_deploy_but_fails_none(clean: Cloud, fault: dict[str, Any]) -> None:
    if clean.config["kubernetes"]["external"]:
        pytest.skip("somebody else's cluster isn't counted to fail")
    tag, latest = new(clean), clean.state()[0]
    run = clean.start("deploy", image_tag=tag)
    while clean.state()[0] == latest:
        time.sleep(0.05)
        assert run.poll() is None
    clean.fault("kubernetes", seconds=8, **fault)
    text, _ = run.communicate(timeout=300)
    assert run.returncode == 0, text[-3000:]
    assert clean.live() == tag


@pytest.mark.long
def test_throttling_delays_a_deploy_but_fails_none(clean: Cloud) -> None:
    tag = new(clean)
    for operation in ("ModifyRule", "DescribeRules", "CreateRule", "DescribeTargetHealth"):
        clean.fault("aws", service="elbv2", operation=operation, code="Throttling", count=3)
    clean.fault(
        "aws", service="dynamodb", operation="TransactWriteItems", code="ThrottlingException", count=3
    )
    clean.deploy(tag)
    assert clean.live() == tag


@pytest.mark.long
def test_unavailable_discord_fails_no_deploy(clean: Cloud) -> None:
    tag = new(clean)
    extra = {
        "notification_discord_webhook": "http://127.0.0.1:9/api/webhooks/1/x",
        "notification_attempts": 1,
    }
    clean.deploy(tag, **extra)
    assert clean.live() == tag


def test_no_secret_is_shown_at_the_highest_verbosity(clean: Cloud) -> None:
    tag = new(clean)
    text = clean.run(*clean.words("deploy", image_tag=tag), "-vvv")
    text += clean.run(*clean.words("rollback"), "-vvv")
    assert "X-Release-Preview" not in text
    assert "k8s-aws-v1." not in text
    assert clean.config["discord"]["webhook_url"] not in text
    assert clean.environ["AWS_SECRET_ACCESS_KEY"] not in text.replace("test", "")
    assert DOMAIN in text
