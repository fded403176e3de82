"""The user's own program as an image: its recipe, its command line, its environment."""

from __future__ import annotations

import base64
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal import config, programs

MIB = 1024 * 1024
JAR = {"jar": "/kept/assistant.jar"}
AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "DATABASE_CA": "/emulator/ca.pem",
    "AWS_REGION": "here",
    "JAVA_TOOL_OPTIONS": "-Dhosts",
}
COMMAND = {"command": ["serve", "{address}:{port}"], "directory": "/here"}


def a_jar(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: Main\n")
        for name, text in files.items():
            archive.writestr(f"BOOT-INF/classes/{name.replace('__', '.')}", text)
    return path


def line(program: Any, command: list[str] = [], arguments: list[str] = []) -> list[str]:  # noqa: B006
    return programs.command_line(program, command, arguments, "127.1.2.3", 8080)


@pytest.fixture(autouse=True)
def _java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(programs.shutil, "which", lambda name: f"/usr/bin/{Path(name).name}")


def test_jar_runs_with_the_container_arguments() -> None:
    assert line(JAR) == ["/usr/bin/java", "-jar", "/kept/assistant.jar"]
    assert line(JAR, [], ["--debug"]) == ["/usr/bin/java", "-jar", "/kept/assistant.jar", "--debug"]


def test_migration_runs_the_pushed_jar() -> None:
    job = ["java", "-jar", "/app/assistant.jar", "--spring.main.web-application-type=none"]
    assert line(JAR, job) == ["/usr/bin/java", "-jar", "/kept/assistant.jar", job[-1]]


def test_command_gets_address_and_port() -> None:
    assert line(COMMAND, [], ["--more"]) == ["serve", "127.1.2.3:8080", "--more"]
    assert line(COMMAND, ["migrate"], ["--now"]) == ["migrate", "--now"]


@pytest.mark.parametrize(
    ("limit", "options", "expected"),
    [
        (512, "", 128),
        (512, "-XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError", 307.2),
        (1024, "-XX:MaxRAMPercentage=20.0 -XX:MaxRAMPercentage=75.0", 768),
        (256, "", 124.8),
        (128, "", 64),
        (128, "-XX:MinRAMPercentage=25", 32),
    ],
)
def test_heap_equals_that_of_a_jvm_in_a_container(limit: int, options: str, expected: float) -> None:
    assert programs.heap(limit * MIB, options) / MIB == pytest.approx(expected, abs=0.1)


def test_explicit_heap_is_kept() -> None:
    assert programs.heap_options(512 * MIB, "-Xmx200m") == ["-XX:+UseSerialGC"]
    assert programs.heap_options(4096 * MIB, "") == ["-Xmx1048576k"]
    assert programs.heap_options(512 * MIB, "-Xmx200m -XX:+UseG1GC") == []


def environment(program: Any, tmp_path: Path, limit: int | None = None, **given: str) -> dict[str, str]:
    return programs.environment(program, given, "127.1.2.3", AWS, tmp_path, limit)


def test_precedence_of_the_environment(tmp_path: Path) -> None:
    program = COMMAND | {
        "environment": {"A": "image", "B": "image", "JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=60"}
    }
    found = environment(
        program,
        tmp_path,
        512 * MIB,
        A="pod",
        SERVER_ADDRESS="0.0.0.0",
        DATABASE_CA="/app/ca.pem",
        AWS_REGION="pod",
    )
    assert (found["A"], found["B"], found["SERVER_ADDRESS"]) == ("pod", "image", "127.1.2.3")
    assert found["JAVA_TOOL_OPTIONS"] == (
        f"-XX:MaxRAMPercentage=60 -Djava.io.tmpdir={tmp_path} -Dhosts -Xmx314572k -XX:+UseSerialGC"
    )
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert (found["DATABASE_CA"], found["AWS_REGION"]) == ("/emulator/ca.pem", "pod")


def test_program_does_not_inherit_aws_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("SECRET", "mine")
    found = environment(COMMAND, tmp_path)
    assert "AWS_PROFILE" not in found
    assert "SECRET" not in found


@pytest.mark.parametrize(
    ("name", "text", "separate"),
    [
        ("application.yml", "management:\n  endpoint:\n    health: {}\n  server:\n    port: 9090\n", True),
        ("application.yml", "management:\n  server.port: 9090\n", True),
        ("application-aws.yaml", "a: b\nmanagement.server.port: 9090\n", True),
        ("application.properties", "management.server.port=9090\n", True),
        ("application.yml", "management:\n  endpoint: {}\nserver:\n  port: 8080\n", False),
        ("application.properties", "server.port=9090\n", False),
    ],
)
def test_management_server_with_a_separate_port_gets_an_address(
    tmp_path: Path, name: str, text: str, separate: bool
) -> None:
    jar = a_jar(tmp_path / "a.jar", **{name: text})
    assert ("MANAGEMENT_SERVER_ADDRESS" in environment({"jar": str(jar)}, tmp_path)) is separate
    assert "MANAGEMENT_SERVER_ADDRESS" in environment(
        {"jar": str(jar)}, tmp_path, MANAGEMENT_SERVER_PORT="9090"
    )


def test_pushed_jar_is_a_copy(tmp_path: Path) -> None:
    jar = a_jar(tmp_path / "assistant.jar")
    first = programs.recipe(tmp_path / "home", str(jar), None, ["A=b=c"])
    assert first and first["environment"] == {"A": "b=c"}
    content = jar.read_bytes()
    a_jar(jar, more="more")
    second = programs.recipe(tmp_path / "home", str(jar), None, [])
    assert second and second["jar"] != first["jar"]
    assert Path(first["jar"]).read_bytes() == content


def test_invalid_programs_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain.jar"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    (tmp_path / "text.jar").write_text("no jar")
    for options, message in [
        ((str(tmp_path / "absent.jar"), None, []), r"cannot be read: No such file.*mvn package"),
        ((str(tmp_path / "text.jar"), None, []), "is not a jar"),
        ((str(plain), None, []), "no Main-Class.*repackage"),
        ((None, "serve 'a", []), "not a command line"),
        ((None, " ", []), "is empty"),
        ((None, "serve", ["A"]), "NAME=VALUE"),
        ((None, None, ["A=b"]), "needs --jar or --command"),
    ]:
        with pytest.raises(config.ConfigError, match=message):
            programs.recipe(tmp_path, *options)
    assert programs.recipe(tmp_path, None, None, []) is None


def test_unit_is_read_from_user_data() -> None:
    variables = base64.b64encode(b"A=1\nb\0SERVER_PORT=9090\0").decode()
    block = f"base64 --decode > x <<'END_OF_ENVIRONMENT'\n\n{variables}\nEND_OF_ENVIRONMENT\n"
    text = f"#!/bin/bash\nport=9090\ngrace=20\n{block}"
    assert programs.unit(text) == {
        "environment": {"A": "1\nb", "SERVER_PORT": "9090"},
        "port": 9090,
        "grace": 20,
    }
    assert programs.unit("") == {"environment": {}, "port": 8080, "grace": 30}
