"""`make demo`: build STAGING on the local emulator, release a version under load, and roll it back.

The demo runs the commands that users type, and prints each of them first. The exit status is 0 only if every
command succeeded and no request was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal import __main__ as cli
from rehearsal import config as settings
from rehearsal import credentials, supervisor, user_cluster

FIRST, SECOND = "1.0.0", "1.1.0"
COLUMNS = 60
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())"


class Failed(Exception):
    """A step of the demo failed."""


class Demo:
    """The demo with the sample service. `rehearsal.demo_application` has the one with a Spring Boot service."""

    images = "sample"
    """The first content of the emulator's registry."""
    starting: tuple[str, ...] = ()
    """Options of `python -m rehearsal up`."""
    versions = (FIRST, SECOND)
    """The versions that users see, in this order."""
    load_options = "--rate 40"
    another = "crash"
    """A tag that the closing text suggests to deploy."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self.inventory = f"inventories/{environment}"
        self.began = time.monotonic()
        self.environ = dict(os.environ)
        self.given: list[str] = []
        self.site: list[str] = []
        self.kubeconfig = ""
        self.config: dict[str, Any] = {}

    def run(self) -> None:
        """Run all steps. Raises Failed."""
        self.start()
        self.title("2. List the components: each is a host, grouped in waves")
        self.command("ansible-inventory", "-i", self.inventory, "--graph")
        url = self.build()
        with self.load(url) as counts:
            self.release(url)
            time.sleep(1)
        self.title("5. Show the status and the messages on Discord")
        self.play("status")
        self.discord(self.config["discord"]["url"])
        self.result(counts, url)

    def start(self) -> None:
        """Start the emulator, empty, and use it for all commands."""
        self.title("1. Start the local emulator: AWS, Kubernetes, Discord and SonarCloud")
        # The emulator may hold the state of an earlier demo, perhaps with a release in progress.
        home = settings.home()
        if cli.is_running(home) and settings.load(home / "config.json").get("images") == self.images:
            self.command("python", "-m", "rehearsal", "reset")
        else:
            if cli.is_running(home):
                self.command("python", "-m", "rehearsal", "down")
            self.command("python", "-m", "rehearsal", "up", *self.starting)
        self.config = config = settings.load(home / "config.json")
        cluster = user_cluster.variables(config)
        self.given += [word for name, value in cluster.items() for word in ("-e", f"{name}={value}")]
        self.site = [*self.given, *(user_cluster.LIMIT if cluster else ())]
        self.kubeconfig = config["kubernetes"]["external"] or config["kubernetes"]["kubeconfig"]
        print('$ eval "$(python -m rehearsal env)"')
        # kubernetes.core caches the discovery of a cluster in the folder for temporary files.
        self.environ = credentials.without_foreign(self.environ)
        self.environ.update(cli.variables_of(config), TMPDIR=str(supervisor.scratch(home)))

    def build(self) -> str:
        """Build the environment with its first release; return the service's URL."""
        self.title("3. Build the environment and release 1.0.0")
        if self.config["kubernetes"]["external"]:
            # The cluster may hold objects of an earlier emulator, whose release records no longer exist.
            self.play("destroy", f"confirm={self.environment}", limit=("--limit", "namespace"))
        self.command("ansible-playbook", "site.yml", "-i", self.inventory, *self.site)
        url = self.address()
        self.expect_version(url, FIRST)
        return url

    def release(self, url: str) -> None:
        """Release a version and roll it back, under load."""
        self.title(f"4. Release {SECOND} and roll it back, under continuous load")
        self.play("deploy", f"image_tag={SECOND}")
        self.expect_version(url, SECOND)
        self.play("rollback", "reason='the demo shows a rollback'")
        self.expect_version(url, FIRST)

    def title(self, text: str) -> None:
        print(f"\n\033[1;36m━━ {text}  ({time.monotonic() - self.began:.0f} s)\033[0m", flush=True)

    def play(self, playbook: str, *variables: str, limit: tuple[str, ...] = ()) -> None:
        extra = [*self.given, *(word for variable in variables for word in ("-e", variable)), *limit]
        self.command("ansible-playbook", f"playbooks/{playbook}.yml", "-i", self.inventory, *extra)

    def command(self, *words: str) -> None:
        line = " ".join(map(_quoted, words))
        print(f"\033[1m$ {line}\033[0m", flush=True)
        status = subprocess.run(words, env=self.environ).returncode
        if status:
            raise Failed(f"`{line}` ended with exit status {status}")

    def address(self) -> str:
        """Return the URL of the service from the inventory."""
        words = ["ansible-inventory", "-i", self.inventory, "--host", f"load_balancer.{self.environment}"]
        found = subprocess.run(words, env=self.environ, capture_output=True, text=True, check=True)
        return f"https://{json.loads(found.stdout)['load_balancer_domain_name']}/"

    def expect_version(self, url: str, version: str) -> None:
        words = [sys.executable, "-c", ASK, url]
        answer = subprocess.run(words, env=self.environ, capture_output=True, text=True)
        print(f"GET {url}\n  {(answer.stdout or answer.stderr).strip()}\n", flush=True)
        if answer.returncode or json.loads(answer.stdout).get("version") != version:
            raise Failed(f"{url} does not answer with version {version}")

    @contextmanager
    def load(self, url: str) -> Iterator[dict[str, Any]]:
        """Send requests during the context. The yielded dict holds the counts afterwards."""
        command = f"python -m rehearsal.load --url {url} {self.load_options} --duration 1800 --json"
        print(f"\033[1m$ {command} &\033[0m", flush=True)
        process = subprocess.Popen(
            shlex.split(command),
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        counts: dict[str, Any] = {}
        try:
            yield counts
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
            counts.update(json.loads(output))

    def discord(self, url: str) -> None:
        """Print the messages that the emulated Discord received."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/rehearsal/messages", timeout=10) as response:
            messages = json.load(response)["messages"]
        print("Discord:")
        for message in messages:
            for embed in message.get("payload", message).get("embeds", []):
                print("\n".join(["", *card(embed)]))

    def result(self, counts: dict[str, Any], url: str) -> None:
        self.title("Requests during step 4")
        print("\n".join(timeline(counts)))
        if streams := counts.get("streams"):
            summary = f"{streams['cut_off']} cut off, {streams['failed']} failed"
            print(f"  {'streams':<8} {summary:<{COLUMNS}} {streams['requests']:>7}")
        kubeconfig = Path(self.kubeconfig)
        if kubeconfig.is_relative_to(Path.cwd()):
            kubeconfig = kubeconfig.relative_to(Path.cwd())
        site, given = ("".join(f" {_quoted(word)}" for word in words) for words in (self.site, self.given))
        destroy = (
            f"ansible-playbook playbooks/destroy.yml -i {self.inventory}{given} -e confirm={self.environment}"
        )
        print(
            f"""
Next steps:     source .venv/bin/activate
                eval "$(python -m rehearsal env)"
                curl {url}
                ansible-playbook site.yml -i {self.inventory}{site}   (second run: changed=0)
                ansible-playbook playbooks/deploy.yml -i {self.inventory}{given} -e image_tag={self.another}
                ansible-playbook playbooks/status.yml -i {self.inventory}{given} -e output=html
                kubectl --kubeconfig {kubeconfig} get pods -A
                python -m rehearsal logs
Stop:           {f"{destroy} && " if self.config["kubernetes"]["external"] else ""}make down
"""
        )
        failed = sum(counts["failures"].values())
        if failed or set(counts["versions"]) != set(self.versions):
            raise Failed(f"{failed} requests failed; versions seen: {', '.join(counts['versions'])}")
        if (streams := counts.get("streams")) and (streams["failed"] or not streams["requests"]):
            raise Failed(
                f"{streams['failed']} of {streams['requests']} streams failed: {streams['failures']}"
            )


def _quoted(word: str) -> str:
    """Quote a word as a person types it in a shell."""
    return f"'{word}'" if "!" in word else f'"{word}"' if " " in word else word


def card(embed: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a Discord message as Discord shows it: without markup, inline fields on one line."""
    yield f"  ▌ {_shown(embed.get('title', ''))}"
    fields = [
        (field.get("inline"), f"{field['name']}: {field['value']}") for field in embed.get("fields", [])
    ]
    if short := [text for inline, text in fields if inline]:
        yield f"  ▌   {_shown('  ·  '.join(short))}"
    for inline, text in fields:
        if not inline:
            yield f"  ▌   {_shown(text)}"


def _shown(text: str) -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", text.replace("```", "")).split())


def timeline(counts: dict[str, Any]) -> Iterator[str]:
    """Yield a row for each version that answered: time from left to right."""
    seconds = {each.pop("second"): Counter(each) for each in map(dict, counts["series"])}
    width = max(seconds, default=0) // COLUMNS + 1
    columns: dict[int, Counter[str]] = {}
    for second, seen in seconds.items():
        columns.setdefault(second // width, Counter()).update(seen)
    totals = {**dict(sorted(counts["versions"].items())), "failed": sum(counts["failures"].values())}
    for name, total in totals.items():
        marks = (_mark(columns.get(at, Counter()), name) for at in range(max(columns, default=0) + 1))
        yield f"  {name:<8} {''.join(marks):<{COLUMNS}} {total:>7}"
    yield f"  {'':<8} {'each column: ' + str(width) + ' s':<{COLUMNS}} requests"


def _mark(seen: Counter[str], name: str) -> str:
    """Return a full block if all answers were of this kind, a half block if some were."""
    return " " if not seen[name] else "█" if seen[name] == seen.total() else "▄"


def emulator_state() -> str:
    """Return a sentence on whether the emulator is still running, for the end of a failed demo."""
    if any(supervisor.alive(settings.home()).values()):
        return "The emulator is still running: inspect it, or stop it with `make down`."
    return "The emulator is not running."


def main(kind: type[Demo] = Demo) -> int:
    """Run a demo; return the exit status."""
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument("--environment", default="staging")
    try:
        kind(parser.parse_args().environment).run()
    except Failed as error:
        print(f"\nThe demo failed: {error}. {emulator_state()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted. {emulator_state()}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
