# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Renders the status of environments as one HTML page without scripts and external resources, in light and dark."""

from __future__ import annotations

from html import escape
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import known, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span

Status = dict[str, Any]
SLOTS = ("blue", "green")
#: Outcome of a release: symbol, which does not depend on colour, and the CSS class of the colour.
OUTCOMES = {
    "committed": ("✓", "good"),
    "aborted": ("✕", "warn"),
    "rolled_back": ("↩", "warn"),
    "rollback_failed": ("✕", "bad"),
}
#: Verdict of the analysis of users' requests: symbol and CSS class.
VERDICTS = {"passed": ("✓", "good"), "failed": ("✕", "bad"), "inconclusive": ("?", "warn")}
IN_PROGRESS = ("…", "info")
#: Stands for a time in a text until the text is escaped.
_TIME = "\ue000"

CSS = """
:root { color-scheme: light dark; --ink: #16202a; --soft: #4a5866; --page: #eef2f5; --card: #ffffff;
  --inset: #f4f7f9; --line: #d5dce3; --blue: #1f5fbf; --green: #1b7a43; --good: #1b7a43; --warn: #8a5300;
  --bad: #b3261e; --info: #1f5fbf; --track: #dde4ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #aab6c2; --page: #0d1319;
  --card: #18212a; --inset: #1f2a34; --line: #33414e; --blue: #6ea8ff; --green: #63d297; --good: #63d297;
  --warn: #f0b455; --bad: #ff8a80; --info: #6ea8ff; --track: #2c3944; } }
* { box-sizing: border-box; }
:lang(ko) { word-break: keep-all; }
body { margin: 0; padding: 1.25rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK KR", sans-serif;
  overflow-wrap: anywhere; }
header, main, footer { max-width: 96rem; margin: 0 auto; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: .875rem; letter-spacing: .08em; margin: 0; }
h3 { font-size: .875rem; margin: 1.25rem 0 .5rem; color: var(--soft); }
p { margin: .25rem 0; }
.soft { color: var(--soft); font-size: .875rem; }
a { color: var(--info); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; }
main { display: grid; gap: 1.25rem; padding: 1.25rem 0; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 23rem), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem;
  min-width: 0; }
.live { font-size: 1.9rem; line-height: 1.2; font-weight: 700; margin: .25rem 0; }
.weights { display: flex; height: 1.75rem; border-radius: .375rem; overflow: hidden; margin: .75rem 0;
  background: var(--track); }
.weights span { color: var(--card); font-size: .8rem; font-weight: 650; padding: 0 .6rem;
  line-height: 1.75rem; white-space: nowrap; flex-basis: max-content; min-width: max-content; }
.blue { background: var(--blue); }
.green { background: var(--green); }
.slots { display: grid; gap: .75rem; margin: 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5rem), 1fr)); }
.slot, dl, .alert { background: var(--inset); border-radius: .5rem; padding: .6rem .75rem; min-width: 0;
  font-size: .9375rem; }
.slot { border: 1px solid var(--line); border-top: .25rem solid var(--line); }
.alert { color: var(--warn); border-left: .25rem solid var(--warn); margin: .75rem 0; font-weight: 600; }
.slot.of-blue { border-top-color: var(--blue); }
.slot.of-green { border-top-color: var(--green); }
.slot.idle { border-style: dashed; border-top-style: solid; }
.badge { border-radius: 1rem; padding: .05rem .5rem; font-size: .75rem; font-weight: 650; color: var(--card); }
.good { color: var(--good); }
.warn { color: var(--warn); }
.bad { color: var(--bad); }
.info { color: var(--info); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .75rem 0 0; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
article > p:last-child { margin-top: 1rem; }
ol { list-style: none; margin: 0; padding: 0; }
li { padding: 0 0 1rem 1.25rem; position: relative; border-left: 2px solid var(--line); margin-left: .4rem; }
li:last-child { border-left-color: transparent; padding-bottom: 0; }
li::before { content: ""; position: absolute; left: -.5rem; top: .35rem; width: .875rem; height: .875rem;
  border-radius: 50%; background: currentColor; border: 3px solid var(--card); }
li > div, li > details { color: var(--ink); }
li > .soft, li > details { color: var(--soft); font-size: .875rem; }
.took { height: .35rem; border-radius: .2rem; background: currentColor; opacity: .55; min-width: 3px;
  margin: .25rem 0; }
li > .took { color: inherit; }
code { font: .85em ui-monospace, monospace; }
pre { white-space: pre-wrap; font: .8rem/1.4 ui-monospace, monospace; margin: .25rem 0; }
@media (max-width: 30rem) { body { padding: .75rem; } article { padding: 1rem; } }
@media print { body { background: none; } article { break-inside: avoid; } }
"""


def page(environments: list[Status], application: str, reader: Reader) -> str:
    """Return the page for the stored statuses, in the order in which the environments were first stored."""
    ordered = sorted(environments, key=lambda each: (each["since"], each["environment"]))
    title = f"{application}: {', '.join(each['environment'] for each in ordered)}"
    show = _Page(reader)
    return f"""<!doctype html>
<html lang="{reader.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
<header><h1>{escape(application)}</h1>
<p class="soft">{show.text(message("page.about"))}</p></header>
<main>
{"".join(show.environment(each) for each in ordered)}</main>
<footer class="soft">{show.text(message("page.written_by"))} <code>playbooks/status.yml -e output=html</code>
{show.text(message("page.update"))}</footer>
</body>
</html>
"""


class _Page:
    """The parts of the page, in the reader's language. Methods return HTML."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def text(self, text: str, at: str = "") -> str:
        """Return a message as HTML. The time `at` (ISO 8601) replaces _TIME in the message."""
        return escape(self.reader.show(text)).replace(_TIME, self.time(at))

    def time(self, at: str) -> str:
        """Return a <time> element for a time (ISO 8601)."""
        return f'<time datetime="{escape(at)}">{escape(self.reader.time(at))}</time>' if at else "–"

    def environment(self, stored: Status) -> str:
        status, name = stored["status"], escape(stored["environment"])
        live = status.get("live_slot", "")
        serving = status["slots"].get(live, {}).get("name") or message("release.none")
        url = escape(stored.get("url", ""))
        where = f"{self.text(message('page.on_slot', slot=live))}, " if live else ""
        parts = [
            f'<article aria-labelledby="{name}">',
            f'<h2 id="{name}">{name.upper()}</h2>',
            f'<p class="live">{self.text(serving)}</p>',
            f'<p class="soft">{where}<a href="{url}">{url}</a></p>',
            self.alerts(status),
            self.weights(status["weights"]),
            '<div class="slots">',
            *(self.slot(slot, status["slots"].get(slot, {}), slot == live) for slot in SLOTS),
            "</div>",
            self.facts(stored),
            f"<h3>{self.text(message('page.releases'))}</h3>",
            self.timeline(status.get("releases", [])),
            f'<p class="soft">{self.text(message("page.read_at", at=_TIME), stored.get("read", ""))}</p>',
            "</article>\n",
        ]
        return "\n".join(part for part in parts if part)

    def weights(self, weights: dict[str, int]) -> str:
        total = sum(weights.values()) or 1
        shares = [
            self.reader.show(message("page.share", slot=slot, weight=weights.get(slot, 0), total=total))
            for slot in SLOTS
        ]
        bars = "".join(
            f'<span class="{slot}" style="flex-grow: {weights[slot]}">{slot} {100 * weights[slot] // total} %</span>'
            for slot in SLOTS
            if weights.get(slot)
        )
        label = self.text(message("page.requests", weights=", ".join(shares)))
        return f'<div class="weights" role="img" aria-label="{label}">{bars}</div>'

    def slot(self, slot: str, state: Status, live: bool) -> str:
        healthy, targets = state.get("healthy", 0), state.get("targets", 0)
        health = "good" if targets and healthy == targets else "bad" if live else "soft"
        count = (
            message("page.targets", healthy=healthy, targets=targets)
            if targets
            else message("page.no_targets")
        )
        lines = [
            f"<strong>{self.text(state.get('name') or message('page.empty'))}</strong>",
            f'<span class="{health}">{self.text(count)}</span>',
        ]
        if state.get("wanted"):
            numbers = {key: state.get(key) or 0 for key in ("ready", "wanted", "restarts")}
            lines.append(self.text(message("page.pods", **numbers)))
        lines += [self.text(note) for note in state.get("notes") or []]
        if state.get("warm_until"):
            lines.append(self.text(message("page.warm_until", at=_TIME), state["warm_until"]))
        elif state.get("state") == "raising" and state.get("weight"):
            lines.append(self.text(message("status.gets_share", percent=state["weight"])))
        elif state.get("state") not in ("", "up", None):
            starting = state["state"] == "raising"
            lines.append(
                self.text(
                    message("page.starting") if starting else known(f"slot.{state['state']}", state["state"])
                )
            )
        if state.get("digest"):
            lines.append(f"<code>{escape(state['digest'][:19])}</code>")
        badge = f' <span class="badge {slot}">{self.text(message("page.live"))}</span>' if live else ""
        kind = "serving" if live else "idle"
        head = f'<span class="soft">{self.text(message("page.slot", slot=slot))}</span>{badge}'
        return f'<div class="slot of-{slot} {kind}">{head}<br>{"<br>".join(lines)}</div>'

    def facts(self, stored: Status) -> str:
        status = stored["status"]
        facts = [
            (message("page.lock"), self.lock(status.get("lock", {}))),
            (message("page.gate"), self.gate(stored.get("gate") or {})),
            (message("page.drift"), self.drift(stored.get("drift") or {})),
        ]
        return f"<dl>{''.join(f'<dt>{self.text(name)}</dt><dd>{fact}</dd>' for name, fact in facts)}</dl>"

    def alerts(self, status: Status) -> str:
        """Return problems and the unfinished release, for the top of the environment."""
        unfinished = status.get("unfinished")
        alerts = [message("page.unfinished", release=unfinished)] if unfinished else []
        alerts += status.get("problems", [])
        return "".join(f'<p class="alert">⚠ {self.text(each)}</p>' for each in alerts)

    def lock(self, lock: Status) -> str:
        if not lock.get("held"):
            return f'<span class="good">✓ {self.text(message("page.free"))}</span>'
        operation, subject = lock.get("operation") or "", lock.get("subject")
        what = known(f"kind.{operation}", operation)
        if subject:
            what = message("lock.what", operation=what, subject=subject)
        held = message("page.held_for", what=what, who=lock.get("who", ""), since=_TIME)
        return (
            f'<span class="warn">⚠ {self.text(message("page.held"))}</span>'
            f"{self.text(held, lock.get('since', ''))}"
        )

    def gate(self, gate: Status) -> str:
        if not gate.get("status"):
            return f'<span class="soft">{self.text(message("page.not_checked"))}</span>'
        if not gate.get("refusal"):
            return f'<span class="good">✓ {escape(gate["status"])}</span>'
        failed = self.text(message("page.failed"))
        return f'<span class="bad">✕ {failed}</span><pre>{self.text(gate["refusal"])}</pre>'

    def drift(self, drift: Status) -> str:
        if "differing" not in drift:
            return f'<span class="soft">{self.text(message("page.not_checked"))}</span>'
        when = f' <span class="soft">({self.time(drift.get("at", ""))})</span>'
        if not drift["differing"]:
            return f'<span class="good">✓ {self.text(message("page.no_drift"))}</span>{when}'
        return f'<span class="warn">⚠ {escape(", ".join(drift["differing"]))}</span>{when}'

    def timeline(self, releases: list[Status]) -> str:
        if not releases:
            return f'<p class="soft">{self.text(message("page.no_releases"))}</p>'
        longest = max((float(each.get("seconds") or 0) for each in releases), default=0) or 1
        return f'<ol role="list">{"".join(self.release(each, longest) for each in releases)}</ol>'

    def release(self, release: Status, longest: float) -> str:
        state = release.get("state", "")
        sign, colour = OUTCOMES.get(state, IN_PROGRESS)
        outcome = known(f"page.{state}", "") if state in OUTCOMES else message("page.in_progress")
        if release.get("kind") == "rollback" and state == "rolled_back":
            colour = "good"
        what = release.get("tag") or release.get("version") or release.get("digest", "")[:19]
        head = f"<strong>{escape(what)}</strong> ({escape(release.get('release', ''))})"
        if release.get("kind") == "rollback":
            name = f"{what} ({release.get('release', '')})"
            head = self.text(message("page.rollback_to", release=name)).replace(escape(name), head, 1)
        lines = [f'<div>{head} <span class="{colour}">{sign} {self.text(outcome)}</span></div>']
        about = [self.time(release.get("started", ""))]
        about.append(self.text(message("page.by", who=release.get("who", ""))))
        if release.get("seconds") is not None:
            seconds = float(release["seconds"])
            about.append(self.text(message("page.took", span=span(seconds))))
            width = max(1, round(100 * seconds / longest))
            lines.append(f'<div class="took" style="width: {width}%" aria-hidden="true"></div>')
        lines.append(f'<div class="soft">{", ".join(about)}{self.run(release.get("run", ""))}</div>')
        lines += [self.verdict(each) for each in release.get("analysis") or []]
        if why := release.get("failure") or release.get("reason"):
            why = self.reader.show(why)
            first, *more = why.strip().splitlines() or [""]
            text = escape(first)
            if more:
                text = f"<details><summary>{text}</summary><pre>{escape(why)}</pre></details>"
            lines.append(f'<div class="soft">{text}</div>')
        return f'<li class="{colour}">{"".join(lines)}</li>'

    def run(self, address: str) -> str:
        if not address.startswith("https://"):
            return ""
        return f', <a href="{escape(address)}">{self.text(message("page.run"))}</a>'

    def verdict(self, verdict: Status) -> str:
        sign, colour = VERDICTS.get(verdict["result"], ("", "soft"))
        result = known(f"verdict.{verdict['result']}", verdict["result"])
        text = message("page.analysis", result=result)
        if verdict["percent"] != 100:
            text = message("page.analysis_share", result=result, percent=verdict["percent"])
        head = f'<span class="{colour}">{sign} {self.text(text)}</span>'
        more = f'<div class="soft">{self.text(verdict["text"])}</div>'
        return f"<details><summary>{head}</summary>{more}</details>"
