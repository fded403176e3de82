"""`make demo-application`: release and roll back a Spring Boot service with a real database, under load.

The demo deploys three releases of examples/application: 1.0.0; 1.1.0, whose migration adds a column (expand); 1.2.0,
whose migration requires that column (contract). The load has requests and streaming answers. The exit status is 0 only
if no request failed and no stream was cut off.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rehearsal import demo

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "examples" / "application"
FIRST, EXPANDED, CONTRACTED = "1.0.0", "1.1.0", "1.2.0"
OVERLAYS = {FIRST: (), EXPANDED: (EXPANDED,), CONTRACTED: (EXPANDED, CONTRACTED)}
"""By release: the folders of `releases/` that are copied over the sources, in this order."""
SETTINGS = "@examples/application/release.yml"
JAVA_OPTIONS = "JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError"
"""The same value as in examples/application/Dockerfile."""
SCHEMA = (
    "select column_name, data_type, is_nullable from information_schema.columns"
    " where table_name = 'message' order by ordinal_position"
)
ROWS = "select model, count(*) from message group by model"


class BuildFailed(Exception):
    """Maven failed; the message holds the end of its output."""


def build(version: str, folder: Path) -> Path:
    """Build a release of the service below `folder` without its tests, and return the jar. Raises BuildFailed."""
    copy = folder / version
    shutil.copytree(
        SOURCES, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target*", "releases", ".github")
    )
    for name in OVERLAYS[version]:
        shutil.copytree(SOURCES / "releases" / name, copy, dirs_exist_ok=True)
    words = ["mvn", "--batch-mode", "--quiet", "-Dmaven.test.skip", f"-Drevision={version}", "package"]
    environ = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise BuildFailed(f"{' '.join(words)} in {copy} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return copy / "target" / "assistant.jar"


class ApplicationDemo(demo.Demo):
    """STAGING on the emulator with a Spring Boot service: releases with migrations under load with streams."""

    images = "none"
    starting = ("--empty-registry",)
    versions = (FIRST, EXPANDED, CONTRACTED)
    load_options = "--rate 40 --streams 6"
    another = EXPANDED

    def start(self) -> None:
        self.title("0. Build three releases of examples/application")
        folder = ROOT / ".cache" / "application"
        self.jars = {FIRST: SOURCES / "target" / "assistant.jar"}
        for version in (EXPANDED, CONTRACTED):
            print(f"mvn package -Drevision={version}, with {', '.join(OVERLAYS[version])}", flush=True)
            try:
                self.jars[version] = build(version, folder)
            except BuildFailed as error:
                raise demo.Failed(str(error)) from None
        self.given = ["-e", SETTINGS]
        super().start()
        if self.config["kubernetes"]["external"]:
            raise demo.Failed(
                "a jar needs the emulator's own Kubernetes: unset KUBECONFIG and run the demo again"
            )

    def build(self) -> str:
        self.title("3. Build the environment and release 1.0.0, which creates its table")
        self.command("ansible-playbook", "site.yml", "-i", self.inventory, *self.site, "--limit", "!release")
        self.push(FIRST)
        self.play("deploy", f"image_tag={FIRST}")
        url = self.address()
        self.expect_version(url, FIRST)
        self.sql(SCHEMA)
        return url

    def release(self, url: str) -> None:
        self.title(
            f"4. Release {EXPANDED}, which adds a column, and roll back: {FIRST} works with that column too"
        )
        self.push(EXPANDED)
        self.play("deploy", f"image_tag={EXPANDED}")
        self.expect_version(url, EXPANDED)
        self.sql(SCHEMA)
        self.play("rollback", "reason='the demo shows a rollback'")
        self.expect_version(url, FIRST)
        self.sql(ROWS)
        self.title(
            f"   Roll forward to {EXPANDED}, release {CONTRACTED}, which requires the column; no rollback to {FIRST}"
        )
        self.play("rollback", f"to={EXPANDED}", "force=rolled_back", "reason='the fault was elsewhere'")
        self.expect_version(url, EXPANDED)
        self.push(CONTRACTED)
        self.play("deploy", f"image_tag={CONTRACTED}")
        self.expect_version(url, CONTRACTED)
        self.sql(SCHEMA)
        self.sql(ROWS)

    def push(self, version: str) -> None:
        jar = self.jars[version].relative_to(ROOT)
        self.command("python", "-m", "rehearsal", "push", version, "--jar", str(jar), "--env", JAVA_OPTIONS)

    def sql(self, statement: str) -> None:
        self.command("python", "-m", "rehearsal", "psql", "--", "-c", statement)


if __name__ == "__main__":
    sys.exit(demo.main(ApplicationDemo))
