"""`make demo`: STAGING is built on the rehearsal cloud, and a release turns from blue to green under traffic.

It is made of the commands that users type, and prints each before it runs it. Exit status 0 only if each of
them succeeded and no request was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rehearsal import __main__ as cli
from rehearsal import config as settings

FIRST, SECOND = "1.0.0", "1.1.0"


class Failed(Exception):
    """A step of the demo did not do what it must."""


class Demo:
    def __init__(self, environment: str) -> None:
        self.inventory = f"inventories/{environment}"
        self.began = time.monotonic()
        self.environ = dict(os.environ)

    def run(self) -> None:
        """Show it all; raises Failed."""
        self.title("1. The rehearsal cloud: AWS, Kubernetes, Discord and SonarCloud on this machine")
        self.command("python", "-m", "rehearsal", "up")
        config = settings.load(settings.home() / "config.json")
        print('$ eval "$(python -m rehearsal env)"')
        self.environ.update(cli.variables_of(config))

        self.title("2. What will be built: components are hosts, in waves")
        self.command("ansible-inventory", "-i", self.inventory, "--graph")

        self.title("3. The main job")
        self.command("ansible-playbook", "site.yml", "-i", self.inventory)
        url = self.address()
        self.command("python", "-m", "rehearsal.load", "--url", url, "--duration", "1", "--rate", "5")
        self.expect_version(url, FIRST)

        self.title(f"4. {SECOND} is released, and taken back, while requests come in all the time")
        with self.load(url) as counts:
            self.command(
                "ansible-playbook", "playbooks/deploy.yml", "-i", self.inventory, "-e", f"image_tag={SECOND}"
            )
            self.expect_version(url, SECOND)
            self.command("ansible-playbook", "playbooks/rollback.yml", "-i", self.inventory)
            self.expect_version(url, FIRST)
            time.sleep(1)

        self.title("5. What stands now, and what Discord was told")
        self.command("ansible-playbook", "playbooks/status.yml", "-i", self.inventory)
        self.discord(config["discord"]["url"])
        self.result(counts)

    def title(self, text: str) -> None:
        print(f"\n\033[1;36m━━ {text}  ({time.monotonic() - self.began:.0f} s)\033[0m", flush=True)

    def command(self, *words: str) -> None:
        print(f"\033[1m$ {shlex.join(words)}\033[0m", flush=True)
        status = subprocess.run(words, env=self.environ).returncode
        if status:
            raise Failed(f"`{shlex.join(words)}` ended with exit status {status}")

    def address(self) -> str:
        """Return the URL of the service, as the inventory names it."""
        environment = self.inventory.rpartition("/")[2]
        words = ["ansible-inventory", "-i", self.inventory, "--host", f"load_balancer.{environment}"]
        found = subprocess.run(words, env=self.environ, capture_output=True, text=True, check=True)
        return f"https://{json.loads(found.stdout)['load_balancer_domain_name']}/"

    def expect_version(self, url: str, version: str) -> None:
        answer = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())",
                url,
            ],
            env=self.environ,
            capture_output=True,
            text=True,
        )
        print(f"GET {url}\n{answer.stdout or answer.stderr}", flush=True)
        if answer.returncode or json.loads(answer.stdout).get("version") != version:
            raise Failed(f"{url} does not answer with version {version}")

    @contextmanager
    def load(self, url: str) -> Iterator[dict[str, Any]]:
        """Requests all the while; what was counted is in the dict that it yields, afterwards."""
        words = [
            "python",
            "-m",
            "rehearsal.load",
            "--url",
            url,
            "--rate",
            "40",
            "--duration",
            "600",
            "--json",
        ]
        print(f"\033[1m$ {shlex.join(words)} &\033[0m", flush=True)
        process = subprocess.Popen(
            words, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        counts: dict[str, Any] = {}
        try:
            yield counts
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
            counts.update(json.loads(output))

    def discord(self, url: str) -> None:
        """Show what the stand-in of Discord was sent."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/rehearsal/messages", timeout=10) as response:
            messages = json.load(response)["messages"]
        print("\nDiscord:")
        for message in messages:
            for embed in message.get("payload", message).get("embeds", []):
                print(f"  ▌ {embed.get('title', '')}")
                for field in embed.get("fields", []):
                    print(f"  ▌   {field['name']}: {field['value']}".replace("\n", " "))

    def result(self, counts: dict[str, Any]) -> None:
        failed = sum(counts["failures"].values())
        self.title("The requests of step 4")
        for version, count in sorted(counts["versions"].items()):
            print(f"  answered by {version:<10} {count:>7}")
        print(f"  failed                 {failed:>7}")
        print(
            f"""
Look further:   eval "$(python -m rehearsal env)"
                ansible-playbook playbooks/status.yml -i {self.inventory}
                ansible-playbook site.yml -i {self.inventory}      (again: changed=0)
                kubectl --kubeconfig {settings.home()}/kubeconfig get pods -A
                python -m rehearsal logs
End it:         make down
"""
        )
        if failed or set(counts["versions"]) != {FIRST, SECOND}:
            raise Failed(f"{failed} requests failed; versions seen: {', '.join(counts['versions'])}")


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--environment", default="staging")
    try:
        Demo(parser.parse_args().environment).run()
    except Failed as error:
        print(
            f"\nThe demo failed: {error}. The rehearsal still stands: look at it, then `make down`.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The rehearsal still stands: `make down` ends it.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
