"""One container of a pod: its image, its process, its probes, its restarts."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Any

import aiohttp

from rehearsal import process_limits, programs
from rehearsal.kubernetes import environment, probes, processes, times, tool_images, user_program
from rehearsal.kubernetes.aws_client import PLACEHOLDER, Image, ImageMissing
from rehearsal.kubernetes.pod_context import PodContext

Json = dict[str, Any]
FORGIVEN_SECONDS = 60
"""After running that long, a container's failures are forgotten."""


class Container:
    """Runs a container with restarts (`run`), and stops it as the kubelet does (`stop`)."""

    def __init__(self, pod: PodContext, spec: Json, *, init: bool) -> None:
        self.pod, self.spec, self.init = pod, spec, init
        #: An init container that starts first and keeps running beside the other containers (Kubernetes 1.29).
        self.sidecar = init and spec.get("restartPolicy") == "Always"
        self.name = spec["name"]
        waits = "PodInitializing" if pod.spec.get("initContainers") else "ContainerCreating"
        self.state: Json = {"waiting": {"reason": waits}}
        self.last: Json = {}
        self.restarts = 0
        self.ready = self.started = False
        self.stopping = False
        self.id = ""
        self.environment: dict[str, str] = {}
        self._tool = False
        self._image: Image | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._hook_ran = False
        self._violation: process_limits.Violation | None = None
        self._path = f"spec.{'initContainers' if init else 'containers'}{{{self.name}}}"

    def status(self) -> Json:
        image = self.spec["image"]
        return {
            "name": self.name,
            "state": self.state,
            "lastState": self.last,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "image": image,
            "imageID": f"{_repository(image)}@{self._image.digest}" if self._image else "",
        } | ({"containerID": f"containerd://{self.id}"} if self.id else {})

    async def run(self) -> int:
        """Run the container until it is not restarted any more. Return its last exit code."""
        failures = 0
        while True:
            image = await self._pull()
            await self._configure(image)
            began = time.monotonic()
            code = await self._run_once(image)
            if self.stopping or not self._restarts_after(code):
                return code
            if time.monotonic() - began > FORGIVEN_SECONDS:
                failures = 0
            if failures:
                await self._back_off(failures)
            failures += 1
            self.restarts += 1

    async def stop(self, seconds: float) -> None:
        """Run the PreStop hook, send SIGTERM, and SIGKILL after `seconds`."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        action = (self.spec.get("lifecycle") or {}).get("preStop")
        if action and not self._hook_ran:
            self._hook_ran = True
            ended = asyncio.create_task(process.wait())
            hook = asyncio.create_task(
                probes.hook(action, self.spec, self.pod.address, self.environment, seconds)
            )
            await asyncio.wait((ended, hook), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if hook.done() and (problem := hook.result()):
                self._warning("FailedPreStopHook", f"PreStopHook failed: {problem}")
            for task in (ended, hook):
                task.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            # As with the kubelet, 2 s remain after a hook that took the whole grace period.
            async with asyncio.timeout(max(end - loop.time(), 2.0 if seconds else 0.0)):
                await process.wait()
        except TimeoutError:
            processes.kill(process)

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            processes.kill(self._process)

    def _restarts_after(self, code: int) -> bool:
        policy = self.pod.spec["restartPolicy"]
        if self.sidecar:
            return True
        if self.init:
            return code != 0 and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    def _set(self, state: Json) -> None:
        self.state = state
        self.pod.publish()

    def _wait(self, reason: str, message: str = "") -> None:
        self._set({"waiting": {"reason": reason} | ({"message": message} if message else {})})

    def _event(self, reason: str, message: str) -> None:
        self.pod.events.normal(self.pod.object, reason, message, "kubelet", self._path)

    def _warning(self, reason: str, message: str) -> None:
        self.pod.events.warning(self.pod.object, reason, message, "kubelet", self._path)

    async def _pull(self) -> Image:
        """Pull the image, with back-off, and return it."""
        reference, failures = self.spec["image"], 0
        if self._image and self.spec["imagePullPolicy"] != "Always":
            self._event("Pulled", f'Container image "{reference}" already present on machine')
            return self._image
        self._event("Pulling", f'Pulling image "{reference}"')
        while True:
            began = time.monotonic()
            try:
                image = await self.pod.cluster.aws.image(reference)
                break
            except (ImageMissing, aiohttp.ClientError, TimeoutError) as e:
                problem = str(e) or type(e).__name__
            failures += 1
            self._warning("Failed", f'Failed to pull image "{reference}": {problem}')
            self._warning("Failed", "Error: ErrImagePull")
            self._wait("ErrImagePull", problem)
            await asyncio.sleep(self.pod.settings.first_backoff / 2)
            self._event("BackOff", f'Back-off pulling image "{reference}"')
            self._warning("Failed", "Error: ImagePullBackOff")
            self._wait("ImagePullBackOff", f'Back-off pulling image "{reference}": ErrImagePull: {problem}')
            await asyncio.sleep(self.pod.settings.backoff(failures))
        took = round((time.monotonic() - began) * 1000)
        self._event("Pulled", f'Successfully pulled image "{reference}" in {took}ms')
        self._image = image
        return image

    async def _configure(self, image: Image) -> None:
        """Resolve the environment; wait until all referenced ConfigMaps and Secrets exist."""
        while True:
            try:
                given = environment.resolve(self.pod.store, self.pod.object, self.spec, self.pod.address)
                break
            except environment.Missing as e:
                self._warning("Failed", f"Error: {e}")
                self._wait("CreateContainerConfigError", str(e))
            await asyncio.sleep(self.pod.settings.first_backoff)
        if image.program:
            self.environment = await user_program.environment(self.pod, self.spec, image.program, given)
            return
        if image.behaviour == PLACEHOLDER:
            client = await tool_images.client_environment(self.pod, self.spec)
            self._tool = client is not None
            if client is not None:
                values = tool_images.placed(self.pod, self.spec, given)
                self.environment = processes.surroundings() | client | values
                return
        self.environment = (
            processes.surroundings()
            | {
                "HOSTNAME": self.pod.object["metadata"]["name"],
                "PYTHONUNBUFFERED": "1",
                "SERVICE_VERSION": image.version,
                "SERVICE_BEHAVIOUR": "ok" if image.behaviour == PLACEHOLDER else image.behaviour,
                "SERVICE_BOOT_SECONDS": str(self.pod.settings.boot),
            }
            | given
            | {"SERVER_ADDRESS": self.pod.address}
        )

    def _program(self, image: Image) -> list[str]:
        if image.behaviour == PLACEHOLDER and not self._tool:
            goes_on = self.sidecar or (not self.init and self.pod.spec["restartPolicy"] == "Always")
            return processes.placeholder(goes_on=goes_on)
        words = [
            [environment.expand(word, self.environment) for word in self.spec.get(part) or []]
            for part in ("command", "args")
        ]
        if image.program:
            return programs.command_line(
                image.program, *words, self.pod.address, user_program.port(self.spec)
            )
        if self._tool:
            return tool_images.program(self.pod, self.spec, [*words[0], *words[1]])
        return processes.program(*words)

    async def _run_once(self, image: Image) -> int:
        """Run one process to its end. Return its exit code."""
        self.id, self._hook_ran, self._violation = uuid.uuid4().hex * 2, False, None
        self._event("Created", f"Created container: {self.name}")
        began = times.now()
        try:
            with self.pod.new_log(self.name).open("wb") as output:
                folder = user_program.directory(self.pod, image.program) if image.program else None
                self._process = process = await processes.start(
                    self._program(image), self.environment, output, folder
                )
        except OSError as e:
            self._warning("Failed", f"Error: failed to start container: {e}")
            self._ended(127, began, "StartError", str(e))
            return 127
        self._event("Started", f"Started container {self.name}")
        self._set({"running": {"startedAt": began}})
        probing = asyncio.create_task(self._probe())
        watching = asyncio.create_task(self._watch(process, image))
        try:
            status = await process.wait()
        finally:
            probing.cancel()
            watching.cancel()
            if process.returncode is None:
                processes.kill(process)
        if violation := self._violation:
            self._ended(violation.code, began, violation.reason, violation.message)
            return violation.code
        code = 128 - status if status < 0 else status
        self._ended(code, began, "Completed" if code == 0 else "Error")
        return code

    async def _watch(self, process: asyncio.subprocess.Process, image: Image) -> None:
        """Kill the user's own program if it does something that a container would prevent."""
        limit = user_program.memory_limit(self.spec)
        while image.program:
            if found := await asyncio.to_thread(process_limits.violation, process.pid, limit):
                self._violation = found
                processes.kill(process)
                with self.pod.log(self.name).open("ab") as log:
                    log.write(f"{found.message}\n".encode())
                return
            await asyncio.sleep(process_limits.CHECK_SECONDS)

    def _ended(self, code: int, began: str, reason: str, message: str = "") -> None:
        self.ready = self.init and not self.sidecar and code == 0
        self.started = False
        state = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": times.now()}
        state |= {"containerID": f"containerd://{self.id}"} | ({"message": message} if message else {})
        self.last = {"terminated": state} if not self.stopping and self._restarts_after(code) else self.last
        self._set({"terminated": state})

    async def _back_off(self, failures: int) -> None:
        seconds, meta = self.pod.settings.backoff(failures), self.pod.object["metadata"]
        about = f"container={self.name} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
        name = f"container {self.name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
        self._warning("BackOff", f"Back-off restarting failed {name}")
        self._wait("CrashLoopBackOff", f"back-off {seconds:g}s restarting failed {about}")
        await asyncio.sleep(seconds)

    async def _probe(self) -> None:
        """Run the startup probe, then the readiness and liveness probes until the process ends."""
        if probe := self.spec.get("startupProbe"):
            await self._probe_until(probe, "Startup")
        self.started = True
        self.ready = not self.spec.get("readinessProbe") and (self.sidecar or not self.init)
        self.pod.publish()
        checks = []
        if probe := self.spec.get("readinessProbe"):
            checks.append(self._watch_readiness(probe))
        if probe := self.spec.get("livenessProbe"):
            checks.append(self._probe_until(probe, "Liveness", for_ever=True))
        await asyncio.gather(*checks)

    async def _ask(self, probe: Json, kind: str) -> bool:
        problem = await probes.ask(probe, self.spec, self.pod.address, self.environment)
        if problem is not None:
            self._warning("Unhealthy", f"{kind} probe failed: {problem}")
        return problem is None

    async def _probe_until(self, probe: Json, kind: str, *, for_ever: bool = False) -> None:
        """Probe until a success, or for ever. Restart the container after too many failures in a row."""
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        failures = 0
        while True:
            if await self._ask(probe, kind):
                failures = 0
                if not for_ever:
                    return
            else:
                failures += 1
            if failures >= probe["failureThreshold"] and not self.stopping:
                self._event(
                    "Killing", f"Container {self.name} failed {kind.lower()} probe, will be restarted"
                )
                grace = probe.get(
                    "terminationGracePeriodSeconds", self.pod.spec["terminationGracePeriodSeconds"]
                )
                await asyncio.shield(self.pod.spawn(self.stop(grace)))
                return
            await asyncio.sleep(probe["periodSeconds"])

    async def _watch_readiness(self, probe: Json) -> None:
        await asyncio.sleep(probe.get("initialDelaySeconds", 0))
        in_a_row, was = 0, None
        while True:
            good = await self._ask(probe, "Readiness")
            in_a_row = in_a_row + 1 if good == was else 1
            was = good
            if good != self.ready and in_a_row >= probe["successThreshold" if good else "failureThreshold"]:
                self.ready = good
                self.pod.publish()
            await asyncio.sleep(probe["periodSeconds"])


def _repository(image: str) -> str:
    """Return `host/name` of `host/name:tag@digest`."""
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.partition(":")[0]
