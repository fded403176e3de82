"""Messages: they fit Discord's limits whatever comes in, harm nobody, and keep no secret."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.discord_embeds import (
    GREEN,
    RED,
    TOPICS,
    discord_embeds,
    duration,
)
from ansible_collections.teal.platform.plugins.filter.failure_reason import NO_LOG, failure_reason
from ansible_collections.teal.platform.plugins.lookup.run_context import run_context
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal import discord

KEYS = [
    *("environment", "application", "component", "slot", "version", "digest", "from_version", "from_digest"),
    *("who", "trigger", "commit", "commit_message", "commit_url", "run_url", "serving", "how_back"),
    *("failed_task", "reason", "details", "duration", "metrics", "at"),
]


def fields(embed: dict[str, Any]) -> dict[str, str]:
    return {field["name"]: field["value"] for field in embed["fields"]}


def test_deploy_embed() -> None:
    event = {
        "environment": "staging",
        "application": "assistant",
        "version": "1.1.0",
        "from_version": "1.0.0",
        "digest": "sha256:" + "ab" * 32,
        "who": "octocat",
        "trigger": "deploy",
        "duration": 192,
        "commit": "1234567890abcdef",
        "commit_message": "Stream tokens\n\nLong text",
        "commit_url": "https://github.com/o/r/commit/1234567890abcdef",
        "run_url": "https://github.com/o/r/actions/runs/7",
        "metrics": {"coverage": "81.2", "bugs": 0},
        "reason": "left over from an earlier failure",
        "at": "2026-11-23T09:00:00+09:00",
    }
    (embed,) = discord_embeds(event, "deploy succeeded")
    assert embed["title"] == "🟢 STAGING: 1.1.0 is live"
    assert embed["color"] == GREEN
    assert embed["timestamp"] == "2026-11-23T09:00:00+09:00"
    assert "description" not in embed, "a success has no reason"
    assert fields(embed) == {
        "Version": "1.0.0 → 1.1.0",
        "Digest": "abababababab",
        "Who": "deploy by octocat",
        "Duration": "3 min 12 s",
        "Commit": "[1234567](https://github.com/o/r/commit/1234567890abcdef) Stream tokens",
        "Run": "[log](https://github.com/o/r/actions/runs/7)",
        "Quality": "coverage: 81.2\nbugs: 0",
    }


def test_verdict_of_the_analysis() -> None:
    verdict = "analysis passed. Measured: new version 900 requests, 0 failed (0.00 %)"
    (embed,) = discord_embeds({"analysis": verdict}, "deploy succeeded")
    assert "900 requests, 0 failed" in fields(embed)["Requests of users"]
    given = {"version": "1.1.0", "analysis": verdict, "reason": f"bad: {verdict}"}
    (embed,) = discord_embeds(given, "deploy failed")
    assert "Requests of users" not in fields(embed), "the reason has it"
    (embed,) = discord_embeds({"analysis": verdict, "reason": "a pod restarted"}, "deploy failed")
    assert "Requests of users" in fields(embed)


def test_failure_embed_has_cause_live_release_and_rollback_command() -> None:
    event = {
        "environment": "production",
        "version": "1.1.0",
        "failed_task": "Verify the slot",
        "reason": "readiness: 503",
        "serving": "1.0.0 on blue",
        "how_back": "ansible-playbook playbooks/rollback.yml -i inventories/production",
    }
    (embed,) = discord_embeds(event, "deploy failed")
    assert embed["color"] == RED
    assert embed["description"] == "```\nreadiness: 503\n```"
    reported = fields(embed)
    assert reported["Failed at"] == "Verify the slot"
    assert reported["Live"] == "1.0.0 on blue"
    assert event["how_back"] in reported["To roll back"], "can be copied unchanged"


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_works_without_values(topic: str) -> None:
    (embed,) = discord_embeds({}, topic)
    assert discord.problems({"embeds": [embed]}) == {}
    assert "{" not in embed["title"]


def test_unknown_topic_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match=r"'deploy done'.*deploy succeeded"):
        discord_embeds({}, "deploy done")


TEXTS = st.text(max_size=50) | st.sampled_from(
    [
        "🟢" * 9000,
        "`" * 9000,
        "@" * 9000,
        "<" * 3000,
        "x" * 70000,
        "*" * 2000,
        "\n" * 5000,
        " ",
        "\ud800",
        "https://" + "a" * 999,
    ]
)


@given(
    event=st.dictionaries(
        st.sampled_from(KEYS), TEXTS | st.none() | st.integers() | st.lists(TEXTS, max_size=2)
    ),
    topic=st.sampled_from(sorted(TOPICS)),
)
@settings(max_examples=150, deadline=None)
def test_long_values_fit_the_limits_of_discord(event: dict[str, Any], topic: str) -> None:
    embeds = discord_embeds(event, topic)
    assert discord.problems({"embeds": embeds}) == {}


def test_longest_embed_fits_the_total_limit() -> None:
    for filler in ("x", "🟢", "@", "`", "_", "\\"):
        event: dict[str, Any] = dict.fromkeys(KEYS, filler * 7000)  # more than Discord takes in all
        event["metrics"] = {f"{filler * 99}{n}": filler * 99 for n in range(50)}
        for topic in TOPICS:
            assert discord.problems({"embeds": discord_embeds(event, topic)}) == {}, (filler, topic)


def test_long_reason_keeps_its_end() -> None:
    reason = "first line\n" + "noise\n" * 5000 + "the cause"
    (embed,) = discord_embeds({"reason": reason}, "deploy failed")
    assert embed["description"].endswith("the cause\n```")
    assert "first line" not in embed["description"]


@pytest.mark.parametrize(
    "key", ["commit_message", "who", "version", "reason", "failed_task", "environment", "details"]
)
@pytest.mark.parametrize(
    "text", ["@everyone now", "<@1234>", "<@&99>", "<#5>", "ping @here", "<:a:1>", "</x:1>"]
)
def test_mentions_are_disabled(key: str, text: str) -> None:
    (embed,) = discord_embeds({"commit": "1234567", key: text}, "deploy failed")
    shown = json.dumps(embed, ensure_ascii=False)
    assert not re.search(r"@(?:everyone|here|\d|&)|<[@#:/]", shown)


def test_markdown_in_values_is_escaped() -> None:
    (embed,) = discord_embeds(
        {"who": "**bold** [a](https://evil.example) ~~x~~", "reason": "```js```"}, "deploy failed"
    )
    assert fields(embed)["Who"].startswith(r"\*\*bold\*\* \[a\]\(https:")
    assert "://evil" not in fields(embed)["Who"]
    assert embed["description"].count("```") == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r/commit/7654321",
        "javascript:alert(1)",
        "https://a.example/x) [y](https://evil.example",
        "",
        "https://a b",
    ],
)
def test_only_plain_urls_become_links(url: str) -> None:
    (embed,) = discord_embeds({"commit": "1234567", "commit_url": url}, "deploy succeeded")
    assert fields(embed)["Commit"] == "1234567"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE refused", "AKIAIOSFODNN7EXAMPLE"),
        ("token k8s-aws-v1.aHR0cHM6Ly9zdHM expired", "aHR0cHM6Ly9zdHM"),
        ("postgres://app:hunter2@db:5432/x", "hunter2"),
        ("password=hunter2 is wrong", "hunter2"),
        ('{"DB_PASSWORD": "hunter2"}', "hunter2"),
        ("Authorization: Bearer abcdefgh.ijkl", "abcdefgh"),
        ("POST https://discord.com/api/webhooks/1/s3cr3t failed", "s3cr3t"),
        ("https://x.s3.amazonaws.com/?X-Amz-Signature=abc123&a=b", "abc123"),
        ("ghp_abcdefghijklmnopqrstuvwx", "ghp_abc"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"),
    ],
)
@pytest.mark.parametrize("key", ["reason", "serving", "how_back", "details"])
def test_values_like_secrets_are_hidden(text: str, secret: str, key: str) -> None:
    (embed,) = discord_embeds({key: text}, "deploy failed")
    assert secret not in json.dumps(embed)
    assert "hidden" in json.dumps(embed)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "< 1 s"), (59.6, "1 min"), ("192", "3 min 12 s"), (3600, "1 h"), ("soon", "soon")],
)
def test_duration(seconds: Any, text: str) -> None:
    assert duration(seconds) == text


def test_reason_of_a_failed_task() -> None:
    assert failure_reason({"msg": "no route", "stderr": "no route"}) == "no route"
    assert failure_reason({"msg": "non-zero return code", "stderr": "boom\n"}) == "non-zero return code\nboom"
    items = [
        {"failed": True, "item": "a", "msg": "one"},
        {"item": "b"},
        {"failed": True, "item": {"x": 1}, "msg": "two"},
    ]
    assert failure_reason({"msg": "One or more items failed", "results": items}) == "a: one\ntwo"
    assert failure_reason({}) == failure_reason(None) == "no reason given"


def test_no_log_reason_is_hidden() -> None:
    assert failure_reason({"msg": "hunter2"}, {"name": "x", "no_log": True}) == NO_LOG
    assert failure_reason({"msg": "hunter2", "_ansible_no_log": True}) == NO_LOG
    items = [{"failed": True, "item": "a", "msg": "hunter2", "_ansible_no_log": True}]
    assert "hunter2" not in failure_reason({"results": items})


def test_user_of_the_run_is_shown() -> None:
    github = {
        "GITHUB_RUN_ID": "7",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_SHA": "abc",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_WORKFLOW": "deploy",
    }
    assert run_context(github) == {
        "who": "octocat",
        "trigger": "deploy",
        "commit": "abc",
        "commit_url": "https://github.com/o/r/commit/abc",
        "run_url": "https://github.com/o/r/actions/runs/7",
    }
    assert run_context({**github, "GITHUB_TRIGGERING_ACTOR": "kim"})["who"] == "kim", "who ran it again"
    by_hand = run_context({"SUDO_USER": "kim"})
    assert (by_hand["who"], by_hand["trigger"], by_hand["run_url"]) == ("kim", "ansible-playbook", "")


def test_embed_in_korean() -> None:
    event = {
        "environment": "staging",
        "version": "1.1.0",
        "from_version": "1.0.0",
        "who": "octocat",
        "trigger": "deploy",
        "duration": 192,
        "run_url": "https://github.com/o/r/actions/runs/7",
        "serving": "1.0.0 (r1), blue 슬롯(다시 서비스 중)",
        "how_back": "ansible-playbook playbooks/rollback.yml -i inventories/staging",
        "failed_task": "전환",
        "reason": "타깃이 없습니다",
    }
    (embed,) = discord_embeds(event, "deploy failed", "ko")
    assert embed["title"] == "🔴 STAGING: 1.1.0 배포가 실패했습니다"
    assert "타깃이 없습니다" in embed["description"]
    assert fields(embed) == {
        "버전": "1.0.0 → 1.1.0",
        "실행자": "octocat(deploy)",
        "소요 시간": "3분 12초",
        "실행": "[로그](https://github.com/o/r/actions/runs/7)",
        "실패한 단계": "전환",
        "서비스 중": "1.0.0 (r1), blue 슬롯(다시 서비스 중)".replace("(", "\\(").replace(")", "\\)"),
        "롤백하려면": "```\nansible-playbook playbooks/rollback.yml -i inventories/staging\n```",
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_a_korean_title(topic: str) -> None:
    (english,), (korean,) = discord_embeds({}, topic), discord_embeds({}, topic, "ko")
    assert english["title"] != korean["title"]
    assert english["color"] == korean["color"]


def test_unknown_language_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"unknown language 'kr'. Languages are: en, ko"):
        discord_embeds({}, "deploy failed", "kr")
