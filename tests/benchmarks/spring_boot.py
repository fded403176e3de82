# SPDX-License-Identifier: MIT
"""Measure the start and the shutdown of Spring Boot, and write the tables of docs/spring-boot.md and its translation.

Usage: ``python tests/benchmarks/spring_boot.py`` (``make spring-boot-facts``). Needs a JDK (17 or newer), Maven, and the
right to write to /sys/fs/cgroup for the limits of the start. Each application runs on 127.0.0.1.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import report
from spring_boot_service import ANSWER_SECONDS, ROOT, Answer, Limits, Service, build, receive, send
from spring_boot_texts import COLUMNS, HEADS, LANGUAGES, OUTCOMES, ROWS, START, STATIC

BOOTS = ("3.5.16", "4.1.2")
SERVERS = ("tomcat",)  # "jetty" builds too
MODES = {
    "immediate": {"SERVER_SHUTDOWN": "immediate"},
    "graceful": {},
    "drain": {"SPRING_PROFILES_ACTIVE": "drain"},
}
ENVIRONMENTS = {
    "plain": {},
    "kubernetes": {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443"},
}
WORKERS = 5  # an application that waits needs no CPU
PROBES = {"MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED": "true"}
UNDER_WAY_SECONDS, ASK_AFTER_SECONDS = 6, 1
MILLICORES, MEBIBYTES = 250, 512
PATHS = ("/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness", "/actuator/info")

Facts = dict[str, tuple]


def outcome(answer: Answer) -> tuple:
    """Return the text for an answer: a key of OUTCOMES, and the status."""
    if answer.how != "whole":
        return (answer.how,)
    return ("closing" if answer.close else "answered", answer.status)


def stop(jar: Path, mode: str, *, separate: bool) -> Facts:
    """Send all kinds of requests one second after SIGTERM, while a request and a stream are in progress."""
    service = Service(jar, PROBES | MODES[mode], separate=separate)
    service.wait()
    slow, stream, kept = service.connect(), service.connect(), service.connect()
    send(kept, "/")
    receive(kept, ANSWER_SECONDS)
    send(slow, f"/slow?milliseconds={UNDER_WAY_SECONDS * 1000}")
    send(stream, f"/stream?milliseconds={UNDER_WAY_SECONDS * 1000}")
    time.sleep(0.5)
    facts: Facts = {}

    def read(name: str, connection) -> None:
        answer = receive(connection, 3 * UNDER_WAY_SECONDS)
        whole = answer.how == "whole" and (name == "slow" or "data:end" in answer.body)
        facts[name] = ("finished",) if whole else ("closed",) if answer.how == "closed" else ("cut",)

    readers = [threading.Thread(target=read, args=pair) for pair in (("slow", slow), ("stream", stream))]
    for reader in readers:
        reader.start()
    service.terminate()
    time.sleep(ASK_AFTER_SECONDS)
    try:
        send(kept, "/")
        facts["kept"] = outcome(receive(kept, ANSWER_SECONDS))
    except ConnectionError:
        facts["kept"] = ("closed",)
    facts["new"] = outcome(service.ask("/"))
    facts["readiness"] = outcome(service.ask(PATHS[2], service.management))
    facts["liveness"] = outcome(service.ask(PATHS[1], service.management))
    for reader in readers:
        reader.join()
    seconds, code = service.ended()
    facts["end"] = ("exit", round(seconds), code)
    if separate:
        return {f"separate {name}": facts[name] for name in ("readiness", "liveness")}
    return facts


def idle(jar: Path, mode: str) -> Facts:
    """Measure the shutdown of an idle application."""
    service = Service(jar, PROBES | MODES[mode])
    service.wait()
    service.terminate()
    seconds, code = service.ended()
    return {"idle end": ("exit", max(1, round(seconds)), code)}


def endpoints(jar: Path, environment: dict[str, str]) -> Facts:
    """Return the answers of the paths without settings of Actuator."""
    service = Service(jar, environment)
    service.wait()
    facts: Facts = {}
    for path in PATHS:
        answer = service.ask(path)
        facts[path] = ("status", answer.status)
    service.terminate()
    service.ended()
    return facts


def info(jar: Path) -> str:
    """Return the answer of an exposed /actuator/info without build information."""
    service = Service(jar, {"MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE": "health,info"})
    service.wait()
    body = service.ask("/actuator/info").body
    service.terminate()
    service.ended()
    text = "".join(line for line in body.splitlines() if line.startswith("{"))
    return json.dumps(json.loads(text))


def start(jar: Path) -> tuple[float, float, int, str]:
    """Return seconds until ready, CPU seconds, maximum MiB, and the version of the control group."""
    limits = Limits(jar.parents[1].name, MILLICORES, MEBIBYTES)
    try:
        service = Service(jar, dict(PROBES), limits=limits)
        seconds = service.wait()
        cpu, memory = service.used()
        service.terminate()
        service.ended()
    finally:
        limits.remove()
    return seconds, cpu, memory, f"v{limits.version}"


def merged(values: dict[str, tuple], language: str) -> str:
    """Return one text if all applications agree; else each text with its applications."""
    said: dict[str, list[str]] = {}
    for label, value in values.items():
        said.setdefault(OUTCOMES[language][value[0]].format(*value[1:]), []).append(label)
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{text} ({', '.join(labels)})" for text, labels in said.items())


def rows(found: dict[str, dict[str, Facts]], columns: tuple[str, ...], language: str) -> list[list[str]]:
    """Return the rows of a table: `found` has facts by column and application."""
    body = []
    for name, texts in ROWS.items():
        cells = []
        for column in columns:
            values = {label: facts[name] for label, facts in found[column].items() if name in facts}
            cells.append(merged(values, language) if values else "")
        if any(cells):
            what, teal = texts[language]
            body.append([what, *cells, teal])
    heads = HEADS[language]
    return [[heads[0], *(COLUMNS[language][column] for column in columns), heads[1]], *body]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        jars = {
            f"{server.capitalize()}, Boot {boot.rpartition('.')[0]}": build(Path(folder), boot, server)
            for server in SERVERS
            for boot in BOOTS
        }
        tomcat = {label: jar for label, jar in jars.items() if label.startswith("Tomcat")}
        with ThreadPoolExecutor(WORKERS) as pool:
            startings = {label: pool.submit(start, jar) for label, jar in tomcat.items()}
            endings = [
                (mode, label, pool.submit(measure, jar, mode))
                for label, jar in jars.items()
                for mode in MODES
                for measure in MEASURES
            ]
            askings = [
                (column, label, pool.submit(endpoints, jar, environment))
                for label, jar in tomcat.items()
                for column, environment in ENVIRONMENTS.items()
            ]
            shown = [pool.submit(info, jar) for jar in tomcat.values()]
            ended: dict[str, dict[str, Facts]] = {mode: {label: {} for label in jars} for mode in MODES}
            for mode, label, job in endings:
                ended[mode][label] |= job.result()
            asked: dict[str, dict[str, Facts]] = {column: {} for column in ENVIRONMENTS}
            for column, label, job in askings:
                asked[column][label] = job.result()
            infos = {job.result() for job in shown}
            starts = {label: job.result() for label, job in startings.items()}
    write(ended, asked, infos, starts)


def write(ended, asked, infos: set[str], starts: dict[str, tuple[float, float, int, str]]) -> None:
    java = subprocess.run(
        ["java", "-version"], capture_output=True, text=True, check=True
    ).stderr.splitlines()[0]
    measured = f"`make spring-boot-facts`, Spring Boot {', '.join(BOOTS)}, {java.replace(chr(34), '')}.\n\n"
    for language in LANGUAGES:
        page = ROOT / "docs" / ("spring-boot.md" if language == "en" else "spring-boot.ko.md")
        report.put(page, "end", measured + report.table(rows(ended, tuple(MODES), language)) + "\n")
        text = STATIC[language].format(" / ".join(f"`{body}`" for body in sorted(infos)))
        report.put(
            page,
            "paths",
            measured + report.table(rows(asked, ("plain", "kubernetes"), language)) + f"\n\n{text}\n",
        )
        heads, note = START[language]
        figures = [
            [label, f"{seconds:.0f} s", f"{cpu:.1f} s", f"{memory} MiB"]
            for label, (seconds, cpu, memory, _) in starts.items()
        ]
        version = next(iter(starts.values()))[3]
        report.put(
            page, "start", measured + report.table([heads, *figures]) + f"\n\n{note.format(version)}\n"
        )


def same_port(jar: Path, mode: str) -> Facts:
    return stop(jar, mode, separate=False)


def separate_port(jar: Path, mode: str) -> Facts:
    return stop(jar, mode, separate=True)


MEASURES = (same_port, separate_port, idle)

if __name__ == "__main__":
    main()
