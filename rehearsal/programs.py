"""The user's own service, pushed by `python -m rehearsal push TAG --jar FILE` or `--command TEXT`.

The image in the registry holds the recipe of the program as JSON:

    jar          path of the jar, a copy in the emulator's home
    command      or the words of a command, with `{address}` and `{port}` in them
    directory    the working directory of the command
    environment  the variables that a Dockerfile sets by ENV

A pod or instance with that image runs the program as a local process, on a loopback address of its own.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

from rehearsal.config import ConfigError

Json = dict[str, Any]
PORT = 8080
MIB = 1024 * 1024
_SMALLEST_HEAP = 124 * MIB + 819 * 1024
"""The JVM's default maximum heap on a machine with little memory: 96 MB, scaled to 64 bits."""
_SERVER_CLASS = 1792 * MIB
"""With less memory, or less than two processors, the JVM chooses the serial collector."""
_DEFAULT_PERCENTAGE = 25.0


def recipe(home: Path, jar: str | None, command: str | None, variables: list[str]) -> Json | None:
    """Return the recipe for the options of `push`; None if they name no program.

    The jar is copied, because an image does not change after its push. Raises ConfigError.
    """
    environment = dict(_variable(text) for text in variables)
    if jar:
        return {"jar": str(_keep(home, Path(jar))), "environment": environment}
    if command:
        try:
            words = shlex.split(command)
        except ValueError as e:
            raise ConfigError(f"--command {command!r} is not a command line: {e}") from None
        if not words:
            raise ConfigError(
                "--command is empty: it needs a program, such as `python app.py {address} {port}`"
            )
        return {"command": words, "directory": str(Path.cwd()), "environment": environment}
    if environment:
        raise ConfigError("--env needs --jar or --command: the sample service has its own environment")
    return None


def command_line(
    program: Json, command: list[str], arguments: list[str], address: str, port: int
) -> list[str]:
    """Return the command line. `command` and `arguments` are those of the container, as in Kubernetes.

    A command of the container replaces the program's own. Any jar in it is replaced by the pushed jar.
    """
    if jar := program.get("jar"):
        words = [*(command or ["java", "-jar", jar]), *arguments]
        words = [jar if word.endswith(".jar") and not word.startswith("-") else word for word in words]
        if Path(words[0]).name == "java":
            words[0] = java()
        return words
    own = [word.replace("{address}", address).replace("{port}", str(port)) for word in program["command"]]
    return [*(command or own), *arguments]


def java() -> str:
    """Return this machine's Java: from $JAVA_HOME, else from PATH."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java") or "java"


def environment(
    program: Json,
    given: dict[str, str],
    address: str,
    aws: dict[str, str],
    scratch: Path,
    limit: float | None,
) -> dict[str, str]:
    """Return the environment of a program: the image's, the one `given` by Deployment or unit, the emulator's.

    `aws` comes from `rehearsal.client_environment`; `limit` is the memory limit in bytes, None for none; `scratch` is
    the folder for temporary files.
    """
    kept = ("PATH", "LANG", "LD_LIBRARY_PATH", "JAVA_HOME", "TEAL_REHEARSAL_RUN")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    found |= {"AWS_EC2_METADATA_DISABLED": "true", "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    found |= aws | program.get("environment", {}) | given
    # The emulator's address and authority override those in the configuration for AWS.
    found |= {name: aws[name] for name in ("AWS_ENDPOINT_URL", "DATABASE_CA") if name in aws}
    found["SERVER_ADDRESS"] = address
    # Spring Boot refuses an address of the management server without a separate port.
    if "MANAGEMENT_SERVER_PORT" in found or (program.get("jar") and _has_management_port(program["jar"])):
        found["MANAGEMENT_SERVER_ADDRESS"] = address
    own = (program.get("environment", {}) | given).get("JAVA_TOOL_OPTIONS", "")
    options = [own, f"-Djava.io.tmpdir={scratch}", aws.get("JAVA_TOOL_OPTIONS", "")]
    if limit:
        options += heap_options(limit, f"{own} {found.get('JDK_JAVA_OPTIONS', '')}")
    found["JAVA_TOOL_OPTIONS"] = " ".join(filter(None, options))
    return found


def heap_options(limit: float, options: str) -> list[str]:
    """Return the JVM options for a memory limit in bytes, as a JVM in a container computes them."""
    added = []
    if "-Xmx" not in options and "-XX:MaxHeapSize" not in options:
        added.append(f"-Xmx{int(heap(limit, options) / 1024)}k")
    if limit < _SERVER_CLASS and not re.search(r"-XX:\+Use\w+GC\b", options):
        added.append("-XX:+UseSerialGC")
    return added


def heap(limit: float, options: str) -> float:
    """Return the maximum heap in bytes: MaxRAMPercentage of the limit, or MinRAMPercentage of a very small limit."""
    largest = _percentage("MaxRAMPercentage", options)
    if limit * (_percentage("MinRAMPercentage", options) or 50.0) / 100 < _SMALLEST_HEAP:
        return limit * (_percentage("MinRAMPercentage", options) or 50.0) / 100
    wanted = limit * (largest or _DEFAULT_PERCENTAGE) / 100
    return wanted if largest else max(wanted, _SMALLEST_HEAP)


def unit(user_data: str) -> Json:
    """Return `environment`, `port` and `grace` (seconds) of the service that an instance's user data starts."""
    block = re.search(r"<<'END_OF_ENVIRONMENT'\n(.*?)\nEND_OF_ENVIRONMENT", user_data, re.S)
    pairs = base64.b64decode(block[1]).decode().split("\0") if block else []
    numbers = {name: re.search(rf"^{name}=(\d+)$", user_data, re.M) for name in ("port", "grace")}
    return {
        "environment": dict(pair.split("=", 1) for pair in pairs if "=" in pair),
        "port": int(numbers["port"][1]) if numbers["port"] else PORT,
        "grace": int(numbers["grace"][1]) if numbers["grace"] else 30,
    }


def _percentage(name: str, options: str) -> float | None:
    found = re.findall(rf"-XX:{name}=([0-9.]+)", options)
    return float(found[-1]) if found else None


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        raise ConfigError(f"--env {text!r} is not NAME=VALUE")
    return name, value


def _keep(home: Path, jar: Path) -> Path:
    try:
        digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    except OSError as e:
        raise ConfigError(f"--jar {jar} cannot be read: {e.strerror}. Build it first (mvn package)") from None
    if not zipfile.is_zipfile(jar):
        raise ConfigError(f"--jar {jar} is not a jar: it is not a zip archive")
    with zipfile.ZipFile(jar) as archive:
        names = archive.namelist()
        manifest = archive.read("META-INF/MANIFEST.MF").decode() if "META-INF/MANIFEST.MF" in names else ""
    if not re.search(r"^Main-Class:", manifest, re.M):
        raise ConfigError(
            f"--jar {jar} cannot be run by `java -jar`: its manifest has no Main-Class. With Spring Boot, the goal "
            "`repackage` or the task `bootJar` builds the jar that can"
        )
    if not shutil.which(java()):
        raise ConfigError("--jar needs Java on this machine: install a JRE (Debian: default-jre-headless)")
    kept = home / "programs" / digest[:16] / jar.name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(jar, kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)
    return kept


def _has_management_port(jar: str) -> bool:
    """Return whether the configuration in a Spring Boot jar sets a separate port for the management server."""
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"(BOOT-INF/classes/)?(config/)?application[\w-]*\.properties", name):
                if re.search(rb"^\s*management\.server\.port\s*[=:]", archive.read(name), re.M):
                    return True
            elif re.fullmatch(r"(BOOT-INF/classes/)?(config/)?application[\w-]*\.ya?ml", name):
                text = archive.read(name).decode(errors="replace")
                block = re.search(r"^management:[ \t]*\n((?:[ \t#].*\n?|\n)*)", text, re.M)
                inner = block[1] if block else ""
                if re.search(r"^[ \t]+server(\.port:|:\s*\n(?:[ \t]+.*\n|\n)*?[ \t]+port:)", inner, re.M):
                    return True
                if re.search(r"^management\.server(\.port:|:\s*\n(?:[ \t]+.*\n)*?[ \t]+port:)", text, re.M):
                    return True
    return False
