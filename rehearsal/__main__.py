"""`python -m rehearsal`: put the rehearsal cloud up, look at it, take it down."""

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

from rehearsal import config as settings
from rehearsal import credentials, programs, supervisor, user_cluster

NO_PROXY = "127.0.0.0/8,127.0.0.1,localhost"


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0 done, 1 failed (and why on stderr), 130 interrupted."""
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
    """Start everything, or say that it runs."""
    with supervisor.locked(home):
        if standing(home):
            print(f"The rehearsal of {home} is already running: `python -m rehearsal status` shows it.")
            return 0
        _clear_away(home)
        external = arguments.kubeconfig or os.environ.get("KUBECONFIG")
        if external and Path(external).resolve() == home / "kubeconfig":
            external = None  # A shell that points at an earlier rehearsal's own cluster.
        cluster = user_cluster.settings(external) if external else {"external": ""}
        config = settings.create(
            home,
            dict(arguments.port),
            arguments.creation_times,
            cluster,
            databases="real",
            images="none" if arguments.empty_registry else "sample",
        )
        if external:
            print(
                f"Kubernetes is yours: {cluster['context']} of {external}, images {cluster['images']}:<tag>"
            )
        if not arguments.empty_registry:
            user_cluster.bring_seeds(config)
        _start(home, config)
    print(f'The rehearsal runs. Point this shell at it by: eval "$({_command(home, "env")})"')
    return 0


def down(home: Path, arguments: argparse.Namespace) -> int:
    """End everything."""
    if not home.exists():
        print(f"No rehearsal in {home}: nothing to end.")
        return 0
    with supervisor.locked(home):
        count = supervisor.end(home)
        (home / "config.json").unlink(missing_ok=True)
    print(
        f"The rehearsal of {home} is down ({count} processes ended)."
        if count
        else "No rehearsal was running."
    )
    return 0


def reset(home: Path, arguments: argparse.Namespace) -> int:
    """Start everything anew, empty, at the same addresses."""
    with supervisor.locked(home):
        config = settings.load(home / "config.json")
        supervisor.end(home)
        _start(home, config)
    print("The rehearsal is as new, at the same addresses.")
    return 0


def env(home: Path, arguments: argparse.Namespace) -> int:
    """Print the variables by which a shell, or anything else, finds the rehearsal."""
    variables = variables_of(_running(home))
    if arguments.json:
        print(json.dumps(variables, indent=2))
    else:
        # What a shell has of an account of AWS would be used, or refused beside these.
        if foreign := [name for name in credentials.FOREIGN if name not in variables]:
            print(f"unset {' '.join(foreign)}")
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
    return 0


def status(home: Path, arguments: argparse.Namespace) -> int:
    """Say what lives; exit status 0 only if everything does."""
    alive = supervisor.alive(home)
    if not alive:
        print(f"No rehearsal is running in {home}.")
        return 1
    config = settings.load(home / "config.json")
    for part, lives in alive.items():
        where = config[part].get("proxy_url") or config[part].get("url") or ""
        word = "running" if lives else f"ended; its log: {home / 'logs' / part}.log"
        print(f"{part:<11} {word:<8} {where}".rstrip())
    print(f"{'nodes':<11} {config['subnet']}.0/24")
    return 0 if standing(home) else 1


def logs(home: Path, arguments: argparse.Namespace) -> int:
    """Print the end of the logs, and go on with --follow."""
    files = {part: home / "logs" / f"{part}.log" for part in arguments.part or settings.PARTS}
    files = {part: file for part, file in files.items() if file.exists()}
    if not files:
        raise settings.ConfigError(f"no logs in {home / 'logs'}")
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
    """Push an image, as the team's CI would: of the sample service, or of your own program."""
    config = _running(home)
    program = programs.recipe(home, arguments.jar, arguments.command, arguments.env)
    if program and config["kubernetes"]["external"]:
        raise settings.ConfigError(
            "--jar and --command need the emulator's own Kubernetes: a cluster of yours runs images. Start the"
            " emulator without KUBECONFIG"
        )
    image = {"tag": arguments.tag, "behaviour": arguments.behaviour, "repository": arguments.repository}
    if program:
        image["program"] = program
    if arguments.version:
        image["version"] = arguments.version
    pushed = _post(config["aws"]["url"] + "/rehearsal/images", image)
    print(f"{pushed['reference']} {pushed['digest']}")
    user_cluster.bring(config, arguments.tag, arguments.version or arguments.tag, arguments.behaviour)
    return 0


def psql(home: Path, arguments: argparse.Namespace) -> int:
    """Run psql on a database of the emulator, as the user that a secret names; return its exit status."""
    from rehearsal import database_client  # With it comes boto3, which takes its time.

    return database_client.psql(_running(home), arguments.secret, arguments.words)


def run(home: Path, arguments: argparse.Namespace) -> int:
    """Run a command against a rehearsal that is started for it, and ends with it; return its exit status."""
    if standing(home):
        raise settings.ConfigError(
            f"a rehearsal is already running in {home}: end it, or choose another home"
        )
    up(home, arguments)
    try:
        # A kubeconfig that stands behind the rehearsal is not for the command: it goes the way that users go.
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
    """The standard variables that point a process at a rehearsal."""
    proxy, bundle = config["balancer"]["proxy_url"], config["ca"]["bundle_file"]
    # A cluster of the user's own is reached directly: the proxy is the load balancers' alone.
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
    """The hosts of the API servers that a kubeconfig names."""
    if not kubeconfig:
        return []
    clusters = yaml.safe_load(Path(kubeconfig).read_text())["clusters"]
    return sorted({urllib.parse.urlsplit(entry["cluster"]["server"]).hostname or "" for entry in clusters})


def _start(home: Path, config: dict[str, Any]) -> None:
    """Start the parts; whatever goes wrong, SIGTERM and Ctrl-C too, nothing of them stays."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervisor.start(home, config)
    except BaseException as e:
        supervisor.end(home)
        if isinstance(e, KeyboardInterrupt):
            print("rehearsal: interrupted; what had been started is ended", file=sys.stderr)
            raise SystemExit(130) from None
        raise


def standing(home: Path) -> bool:
    """Whether a rehearsal runs there, whole."""
    return bool(supervisor.state(home).get("ready")) and all(supervisor.alive(home).values())


def _clear_away(home: Path) -> None:
    """End what an earlier run left, and say why."""
    if not supervisor.state(home):
        return
    dead = [part for part, lives in supervisor.alive(home).items() if not lives]
    why = f"{', '.join(dead)} ended" if dead else "it was not finished"
    print(f"An earlier rehearsal is cleared away first ({why}; logs in {home / 'logs'}).")
    supervisor.end(home)


def _running(home: Path) -> dict[str, Any]:
    if not standing(home):
        raise settings.ConfigError(f"no rehearsal is running in {home}: `{_command(home, 'up')}` starts it")
    return settings.load(home / "config.json")


def _command(home: Path, command: str) -> str:
    return f"python -m rehearsal {command}"


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
        description="The rehearsal cloud on loopback: AWS (moto), Kubernetes, balancer, Discord, SonarCloud.",
        epilog="State is kept in $TEAL_REHEARSAL_HOME (default: .rehearsal in the repository).",
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
        help="how long EKS, node groups, NAT gateways, RDS and ALBs take to be made: 0 at once (default),"
        " 1:30 a thirtieth of what AWS takes",
    )
    starting.add_argument(
        "--empty-registry",
        action="store_true",
        help="begin without the sample service's images, so that their tags (1.0.0, 1.1.0 …) are free for yours",
    )
    starting.add_argument(
        "--kubeconfig",
        metavar="PATH",
        help="use this cluster instead of the rehearsal's own Kubernetes API (default: $KUBECONFIG if set)",
    )
    starting.add_argument(
        "--port",
        action="append",
        default=[],
        type=_port,
        metavar="PART=PORT",
        help="a certain port for a part (default: a free one); can be repeated",
    )
    command(up, "start it (if it runs already: say so)", starting)
    sub = command(run, "start it, run a command against it, end it", starting)
    sub.add_argument("command", nargs="+", metavar="-- COMMAND", help="the command, with its arguments")
    command(down, "end it, leave no process")
    command(reset, "start it anew, empty, at the same addresses")
    sub = command(env, 'print the variables that point a shell at it: eval "$(python -m rehearsal env)"')
    sub.add_argument("--json", action="store_true", help="as a JSON object")
    command(status, "show its parts; exit status 0 if all run")
    sub = command(logs, "show the parts' logs")
    sub.add_argument("part", nargs="*", type=_part, metavar="PART", help=", ".join(settings.PARTS))
    sub.add_argument("-f", "--follow", action="store_true", help="go on as they grow")
    sub.add_argument("-n", "--lines", type=int, default=20, help="lines of each to begin with (default 20)")
    sub = command(psql, "run psql on a database, as the service's user")
    sub.add_argument(
        "--secret",
        default="assistant-staging/database",
        metavar="NAME",
        help="secret with the address and the user (default: assistant-staging/database)",
    )
    sub.add_argument("words", nargs="*", metavar="-- OPTIONS", help="psql's own, such as -c 'SELECT 1'")
    sub = command(push, "push an image, as CI would: of the sample service, or of your own program")
    sub.add_argument("tag")
    sub.add_argument("--repository", default="assistant", help="ECR repository (default: assistant)")
    sub.add_argument("--version", help="version that the service says it is (default: the tag)")
    own = sub.add_mutually_exclusive_group()
    own.add_argument("--jar", metavar="FILE", help="the image runs this jar of yours, by `java -jar`")
    own.add_argument(
        "--command",
        metavar="TEXT",
        help="the image runs this command, from this folder; {address} and {port} are replaced in it",
    )
    sub.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what your Dockerfile sets by ENV, such as JAVA_TOOL_OPTIONS; can be repeated",
    )
    own.add_argument(
        "--behaviour",
        default="ok",
        choices=["ok", "crash", "never-ready", "error", "slow", "wrong-version", "dies"],
        help="what is the matter with it (default: ok)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
