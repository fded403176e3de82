"""`python -m rehearsal`: start, inspect and stop the local emulator."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from rehearsal import balancer_metrics, credentials, programs, supervisor, user_cluster
from rehearsal import config as settings

NO_PROXY = "127.0.0.0/8,127.0.0.1,localhost"


def main(argv: list[str] | None = None) -> int:
    """Run one command. Return the exit status: 0 success, 1 failure (reason on stderr), 130 interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(settings.home(), arguments) or 0
    except (settings.ConfigError, supervisor.PartFailed) as e:
        print(f"rehearsal: {e}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def up(home: Path, arguments: argparse.Namespace) -> int:
    """Start the emulator unless it is already running."""
    with supervisor.locked(home):
        if is_running(home):
            print(f"The emulator in {home} is already running. To list its parts: python -m rehearsal status")
            return 0
        _remove_leftovers(home)
        external = arguments.kubeconfig or os.environ.get("KUBECONFIG")
        if external and Path(external).resolve() == home / "kubeconfig":
            external = None  # KUBECONFIG names the emulator's own cluster of an earlier run.
        cluster = user_cluster.settings(external) if external else {"external": ""}
        config = settings.create(
            home,
            dict(arguments.port),
            arguments.creation_times,
            cluster,
            databases="real",
            images="none" if arguments.empty_registry else "sample",
            metrics={"period": arguments.metrics_period, "delay": arguments.metrics_delay},
        )
        if external:
            print(
                f"Using your Kubernetes cluster: context {cluster['context']} of {external},"
                f" images {cluster['images']}:<tag>"
            )
        if not arguments.empty_registry:
            user_cluster.load_seeds(config)
        _start(home, config)
    print('The emulator is running. To use it in this shell: eval "$(python -m rehearsal env)"')
    return 0


def down(home: Path, arguments: argparse.Namespace) -> int:
    """Stop the emulator and all its processes."""
    if not home.exists():
        print(f"No emulator in {home}: nothing to stop.")
        return 0
    with supervisor.locked(home):
        count = supervisor.end(home)
        (home / "config.json").unlink(missing_ok=True)
    print(
        f"Stopped the emulator in {home} ({count} processes ended)." if count else "No emulator was running."
    )
    return 0


def reset(home: Path, arguments: argparse.Namespace) -> int:
    """Restart the emulator, empty, at the same addresses."""
    with supervisor.locked(home):
        config = settings.load(home / "config.json")
        supervisor.end(home)
        _start(home, config)
    print("Restarted the emulator: empty, at the same addresses.")
    return 0


def env(home: Path, arguments: argparse.Namespace) -> int:
    """Print the environment variables that make a shell or a process use the emulator."""
    variables = variables_of(_running(home))
    if arguments.json:
        print(json.dumps(variables, indent=2))
    else:
        # AWS variables that the shell already has would take precedence, or fail together with these.
        if foreign := [name for name in credentials.FOREIGN if name not in variables]:
            print(f"unset {' '.join(foreign)}")
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
    return 0


def status(home: Path, arguments: argparse.Namespace) -> int:
    """List the parts and their state. The exit status is 0 only if all are running."""
    alive = supervisor.alive(home)
    if not alive:
        print(f"No emulator is running in {home}.")
        return 1
    config = settings.load(home / "config.json")
    for part, lives in alive.items():
        where = config[part].get("proxy_url") or config[part].get("url") or ""
        word = "running" if lives else f"ended; log: {home / 'logs' / part}.log"
        print(f"{part:<11} {word:<8} {where}".rstrip())
    print(f"{'nodes':<11} {config['subnet']}.0/24")
    return 0 if is_running(home) else 1


def logs(home: Path, arguments: argparse.Namespace) -> int:
    """Print the last lines of the logs; with --follow, print new lines too."""
    files = {part: home / "logs" / f"{part}.log" for part in arguments.part or settings.PARTS}
    files = {part: file for part, file in files.items() if file.exists()}
    if not files:
        raise settings.ConfigError(f"no logs found in {home / 'logs'}")
    offsets = {}
    for part, file in files.items():
        text = file.read_bytes()
        offsets[part] = len(text)
        for line in text.decode(errors="replace").splitlines()[-arguments.lines :]:
            print(f"{part:<11} {line}")
    try:
        while arguments.follow:
            sys.stdout.flush()
            time.sleep(0.3)
            for part, file in files.items():
                with file.open("rb") as f:
                    f.seek(offsets[part])
                    text = f.read()
                offsets[part] += len(text)
                for line in text.decode(errors="replace").splitlines():
                    print(f"{part:<11} {line}")
    except KeyboardInterrupt:
        pass
    return 0


def push(home: Path, arguments: argparse.Namespace) -> int:
    """Push an image, as CI does: of the sample service, or of your own program."""
    config = _running(home)
    program = programs.recipe(home, arguments.jar, arguments.command, arguments.env)
    if program and config["kubernetes"]["external"]:
        raise settings.ConfigError(
            "--jar and --command need the emulator's own Kubernetes: your cluster can only run images. Start the"
            " emulator without KUBECONFIG"
        )
    image = {"tag": arguments.tag, "behaviour": arguments.behaviour, "repository": arguments.repository}
    if program:
        image["program"] = program
    if arguments.version:
        image["version"] = arguments.version
    pushed = _post(config["aws"]["url"] + "/rehearsal/images", image)
    print(f"{pushed['reference']} {pushed['digest']}")
    user_cluster.load_image(config, arguments.tag, arguments.version or arguments.tag, arguments.behaviour)
    return 0


def psql(home: Path, arguments: argparse.Namespace) -> int:
    """Run psql on a database of the emulator, as the user named in a secret; return its exit status."""
    from rehearsal import database_client  # boto3 is slow to import.

    return database_client.psql(_running(home), arguments.secret, arguments.words)


def run(home: Path, arguments: argparse.Namespace) -> int:
    """Start the emulator, run a command against it, stop it; return the command's exit status."""
    if is_running(home):
        raise settings.ConfigError(
            f"the emulator is already running in {home}: stop it (`python -m rehearsal down`), or set"
            " TEAL_REHEARSAL_HOME to another folder"
        )
    up(home, arguments)
    try:
        # The command does not inherit KUBECONFIG: it reaches the cluster as users do, through EKS.
        environ = credentials.without_foreign(os.environ)
        inherited = {name: value for name, value in environ.items() if name != "KUBECONFIG"}
        return subprocess.run(
            arguments.command,
            env={
                **inherited,
                **variables_of(_running(home)),
                "TEAL_REHEARSAL_HOME": str(home),
                "TMPDIR": str(supervisor.scratch(home)),
            },
        ).returncode
    finally:
        down(home, arguments)


def variables_of(config: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables that make a process use the emulator."""
    proxy, bundle = config["balancer"]["proxy_url"], config["ca"]["bundle_file"]
    # The user's own cluster is reached directly: the proxy serves the load balancers only.
    direct = ",".join([NO_PROXY, *_cluster_hosts(config["kubernetes"]["external"])])
    return {
        "AWS_ENDPOINT_URL": config["aws"]["url"],
        **credentials.variables(Path(config["home"]), credentials.profiles()),
        "AWS_REGION": config["region"],
        "AWS_DEFAULT_REGION": config["region"],
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "SSL_CERT_FILE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "DISCORD_WEBHOOK_URL": config["discord"]["webhook_url"],
        "SONAR_HOST_URL": config["sonar"]["url"],
        "SONAR_TOKEN": config["sonar"]["token"],
    }


def _cluster_hosts(kubeconfig: str | None) -> list[str]:
    """Return the hosts of the API servers in a kubeconfig."""
    if not kubeconfig:
        return []
    clusters = yaml.safe_load(Path(kubeconfig).read_text())["clusters"]
    return sorted({urllib.parse.urlsplit(entry["cluster"]["server"]).hostname or "" for entry in clusters})


def _start(home: Path, config: dict[str, Any]) -> None:
    """Start the parts. After any error, SIGTERM and Ctrl-C included, end all of them again."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervisor.start(home, config)
    except BaseException as e:
        supervisor.end(home)
        if isinstance(e, KeyboardInterrupt):
            print("rehearsal: interrupted; all parts were stopped", file=sys.stderr)
            raise SystemExit(130) from None
        raise


def is_running(home: Path) -> bool:
    """Return whether the emulator of this folder is running with all its parts."""
    return bool(supervisor.state(home).get("ready")) and all(supervisor.alive(home).values())


def _remove_leftovers(home: Path) -> None:
    """End the processes that an earlier run left behind, and print the reason."""
    if not supervisor.state(home):
        return
    dead = [part for part, lives in supervisor.alive(home).items() if not lives]
    why = f"{', '.join(dead)} ended" if dead else "it did not finish starting"
    print(f"Removing an earlier emulator first ({why}; logs in {home / 'logs'}).")
    supervisor.end(home)


def _running(home: Path) -> dict[str, Any]:
    if not is_running(home):
        raise settings.ConfigError(f"no emulator is running in {home}. Start it: python -m rehearsal up")
    return settings.load(home / "config.json")


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=30
        ) as response:
            return json.load(response)
    except urllib.error.HTTPError as e:
        raise settings.ConfigError(json.load(e)["error"]) from None


def _port(text: str) -> tuple[str, int]:
    part, _, number = text.partition("=")
    if part not in settings.PARTS[:-1] or not number.isdecimal() or not 0 < int(number) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: PART=PORT, PART one of {', '.join(settings.PARTS[:-1])}")
    return part, int(number)


def _part(text: str) -> str:
    if text not in settings.PARTS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(settings.PARTS)}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal",
        description="A local emulator on loopback: AWS (moto), Kubernetes, load balancers, Discord, SonarCloud.",
        epilog="The state is stored in $TEAL_REHEARSAL_HOME (default: .rehearsal in the repository).",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(run: Any, help_: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub = commands.add_parser(run.__name__, help=help_, description=run.__doc__, parents=parents)
        sub.set_defaults(run=run)
        return sub

    starting = argparse.ArgumentParser(add_help=False)
    starting.add_argument(
        "--creation-times",
        default="0",
        metavar="SCALE",
        help="creation time of EKS clusters, node groups, NAT gateways, RDS and ALBs: 0 for none (default),"
        " 1:30 for a thirtieth of AWS's time",
    )
    starting.add_argument(
        "--metrics-period",
        type=int,
        choices=balancer_metrics.PERIODS,
        default=int(balancer_metrics.PERIOD_SECONDS),
        metavar="SECONDS",
        help="length of a minute of the load balancers' CloudWatch metrics: 1, 5, 10, 20, 30 or 60 (default, as AWS)",
    )
    starting.add_argument(
        "--metrics-delay",
        type=float,
        default=balancer_metrics.DELAY_SECONDS,
        metavar="SECONDS",
        help="time after the end of a minute until CloudWatch has its metrics (default 60)",
    )
    starting.add_argument(
        "--empty-registry",
        action="store_true",
        help="start without the sample service's images, so that you can push tags such as 1.0.0 yourself",
    )
    starting.add_argument(
        "--kubeconfig",
        metavar="PATH",
        help="use this cluster instead of the emulator's Kubernetes API (default: $KUBECONFIG if set)",
    )
    starting.add_argument(
        "--port",
        action="append",
        default=[],
        type=_port,
        metavar="PART=PORT",
        help="port of a part (default: a free port); can be repeated",
    )
    command(up, "start the emulator", starting)
    sub = command(run, "start the emulator, run a command against it, stop it", starting)
    sub.add_argument("command", nargs="+", metavar="-- COMMAND", help="the command and its arguments")
    command(down, "stop the emulator and all its processes")
    command(reset, "restart the emulator, empty, at the same addresses")
    sub = command(env, 'print the variables for a shell: eval "$(python -m rehearsal env)"')
    sub.add_argument("--json", action="store_true", help="print a JSON object")
    command(status, "list the parts; exit status 0 if all are running")
    sub = command(logs, "print the logs of the parts")
    sub.add_argument("part", nargs="*", type=_part, metavar="PART", help=", ".join(settings.PARTS))
    sub.add_argument("-f", "--follow", action="store_true", help="keep printing new lines")
    sub.add_argument("-n", "--lines", type=int, default=20, help="last lines of each log (default 20)")
    sub = command(psql, "run psql on a database, as the service's user")
    sub.add_argument(
        "--secret",
        default="assistant-staging/database",
        metavar="NAME",
        help="secret that holds the address and the user (default: assistant-staging/database)",
    )
    sub.add_argument("words", nargs="*", metavar="-- OPTIONS", help="options of psql, such as -c 'SELECT 1'")
    sub = command(push, "push an image, as CI does: of the sample service, or of your own program")
    sub.add_argument("tag")
    sub.add_argument("--repository", default="assistant", help="ECR repository (default: assistant)")
    sub.add_argument("--version", help="version that the service reports (default: the tag)")
    own = sub.add_mutually_exclusive_group()
    own.add_argument("--jar", metavar="FILE", help="the image runs your jar with `java -jar`")
    own.add_argument(
        "--command",
        metavar="TEXT",
        help="the image runs this command in the current folder; {address} and {port} are replaced",
    )
    sub.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable that your Dockerfile sets by ENV, such as JAVA_TOOL_OPTIONS; can be repeated",
    )
    own.add_argument(
        "--behaviour",
        default="ok",
        choices=["ok", "crash", "never-ready", "error", "slow", "wrong-version", "dies"],
        help="the fault of the sample service (default: ok, none)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
