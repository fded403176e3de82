# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Renders the status of environments as one HTML page without scripts and external resources, in light and dark."""

from __future__ import annotations

from html import escape
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.clock import span

Status = dict[str, Any]
SLOTS = ("blue", "green")
#: Outcome of a release: symbol and text, which do not depend on colour, and the CSS class of the colour.
OUTCOMES = {
    "committed": ("✓", "succeeded", "good"),
    "aborted": ("✕", "aborted before it received traffic", "warn"),
    "rolled_back": ("↩", "rolled back", "warn"),
    "rollback_failed": ("✕", "rollback failed", "bad"),
}
#: Verdict of the analysis of users' requests: symbol and CSS class.
VERDICTS = {"passed": ("✓", "good"), "failed": ("✕", "bad"), "inconclusive": ("?", "warn")}
IN_PROGRESS = ("…", "in progress", "info")

CSS = """
:root { color-scheme: light dark; --ink: #16202a; --soft: #4a5866; --page: #eef2f5; --card: #ffffff;
  --inset: #f4f7f9; --line: #d5dce3; --blue: #1f5fbf; --green: #1b7a43; --good: #1b7a43; --warn: #8a5300;
  --bad: #b3261e; --info: #1f5fbf; --track: #dde4ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #aab6c2; --page: #0d1319;
  --card: #18212a; --inset: #1f2a34; --line: #33414e; --blue: #6ea8ff; --green: #63d297; --good: #63d297;
  --warn: #f0b455; --bad: #ff8a80; --info: #6ea8ff; --track: #2c3944; } }
* { box-sizing: border-box; }
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


def page(environments: list[Status], application: str) -> str:
    """Return the page for the stored statuses, in the order in which the environments were first stored."""
    ordered = sorted(environments, key=lambda each: (each["since"], each["environment"]))
    title = f"{application}: {', '.join(each['environment'] for each in ordered)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
<header><h1>{escape(application)}</h1>
<p class="soft">Live release, slots, lock and release history of each environment, at the time that its status was
read.</p></header>
<main>
{"".join(_environment(each) for each in ordered)}</main>
<footer class="soft">Written by <code>playbooks/status.yml -e output=html</code>. Run it again to update the
page.</footer>
</body>
</html>
"""


def _environment(stored: Status) -> str:
    status, name = stored["status"], escape(stored["environment"])
    live = status.get("live_slot", "")
    serving = status["slots"].get(live, {}).get("name") or "nothing"
    url = escape(stored.get("url", ""))
    parts = [
        f'<article aria-labelledby="{name}">',
        f'<h2 id="{name}">{name.upper()}</h2>',
        f'<p class="live">{escape(serving)}</p>',
        f'<p class="soft">{f"on slot {escape(live)}, " if live else ""}<a href="{url}">{url}</a></p>',
        _alerts(status),
        _weights(status["weights"]),
        '<div class="slots">',
        *(_slot(slot, status["slots"].get(slot, {}), slot == live) for slot in SLOTS),
        "</div>",
        _facts(stored),
        "<h3>Releases</h3>",
        _timeline(status.get("releases", [])),
        f'<p class="soft">Read at {_time(stored.get("read", ""))}</p>',
        "</article>\n",
    ]
    return "\n".join(part for part in parts if part)


def _weights(weights: dict[str, int]) -> str:
    total = sum(weights.values()) or 1
    words = ", ".join(f"{slot} {weights.get(slot, 0)} of {total}" for slot in SLOTS)
    bars = "".join(
        f'<span class="{slot}" style="flex-grow: {weights[slot]}">{slot} {100 * weights[slot] // total} %</span>'
        for slot in SLOTS
        if weights.get(slot)
    )
    return f'<div class="weights" role="img" aria-label="Requests: {words}">{bars}</div>'


def _slot(slot: str, state: Status, live: bool) -> str:
    healthy, targets = state.get("healthy", 0), state.get("targets", 0)
    health = "good" if targets and healthy == targets else "bad" if live else "soft"
    count = f"{healthy} of {targets} targets healthy" if targets else "no targets"
    lines = [
        f"<strong>{escape(state.get('name') or 'empty')}</strong>",
        f'<span class="{health}">{count}</span>',
    ]
    if state.get("wanted"):
        ready = f"{state.get('ready')} of {state['wanted']} ready"
        lines.append(f"{ready}, {state.get('restarts') or 0} restarts")
    lines += [escape(note) for note in state.get("notes") or []]
    if state.get("warm_until"):
        lines.append(f"warm until {_time(state['warm_until'])}")
    elif state.get("state") == "raising" and state.get("weight"):
        lines.append(f"gets {state['weight']} % of the requests")
    elif state.get("state") not in ("", "up", None):
        lines.append({"down": "scaled down", "raising": "starting"}.get(state["state"], state["state"]))
    if state.get("digest"):
        lines.append(f"<code>{escape(state['digest'][:19])}</code>")
    badge = f' <span class="badge {slot}">live</span>' if live else ""
    kind = "serving" if live else "idle"
    head = f'<span class="soft">slot {slot}</span>{badge}'
    return f'<div class="slot of-{slot} {kind}">{head}<br>{"<br>".join(lines)}</div>'


def _facts(stored: Status) -> str:
    status = stored["status"]
    facts = [
        ("Lock", _lock(status.get("lock", {}))),
        ("Quality gate", _gate(stored.get("gate") or {})),
        ("Drift", _drift(stored.get("drift") or {})),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{text}</dd>' for name, text in facts)}</dl>"


def _alerts(status: Status) -> str:
    """Return problems and the unfinished release, for the top of the environment."""
    unfinished = [f"Release {status['unfinished']} is unfinished"] if status.get("unfinished") else []
    alerts = [*unfinished, *status.get("problems", [])]
    return "".join(f'<p class="alert">⚠ {escape(each)}</p>' for each in alerts)


def _lock(lock: Status) -> str:
    if not lock.get("held"):
        return '<span class="good">✓ free</span>'
    what = " of ".join(filter(None, [lock.get("operation"), lock.get("subject")]))
    return (
        f'<span class="warn">⚠ held</span> for a {escape(what)} by {escape(lock.get("who", ""))} '
        f"since {_time(lock.get('since', ''))}"
    )


def _gate(gate: Status) -> str:
    if not gate.get("status"):
        return '<span class="soft">not checked</span>'
    if not gate.get("refusal"):
        return f'<span class="good">✓ {escape(gate["status"])}</span>'
    return f'<span class="bad">✕ failed</span><pre>{escape(gate["refusal"])}</pre>'


def _drift(drift: Status) -> str:
    if "differing" not in drift:
        return '<span class="soft">not checked</span>'
    when = f' <span class="soft">({_time(drift.get("at", ""))})</span>'
    if not drift["differing"]:
        return f'<span class="good">✓ none</span>{when}'
    return f'<span class="warn">⚠ {escape(", ".join(drift["differing"]))}</span>{when}'


def _timeline(releases: list[Status]) -> str:
    if not releases:
        return '<p class="soft">No releases.</p>'
    longest = max((float(each.get("seconds") or 0) for each in releases), default=0) or 1
    return f'<ol role="list">{"".join(_release(each, longest) for each in releases)}</ol>'


def _release(release: Status, longest: float) -> str:
    sign, words, colour = OUTCOMES.get(release.get("state", ""), IN_PROGRESS)
    if release.get("kind") == "rollback" and release.get("state") == "rolled_back":
        colour = "good"
    what = release.get("tag") or release.get("version") or release.get("digest", "")[:19]
    head = f"<strong>{escape(what)}</strong> ({escape(release.get('release', ''))})"
    kind = "" if release.get("kind") == "deploy" else f"{escape(release.get('kind', ''))} to "
    lines = [f'<div>{kind}{head} <span class="{colour}">{sign} {words}</span></div>']
    about = [_time(release.get("started", "")), f"by {escape(release.get('who', ''))}"]
    if release.get("seconds") is not None:
        seconds = float(release["seconds"])
        about.append(f"took {span(seconds)}")
        width = max(1, round(100 * seconds / longest))
        lines.append(f'<div class="took" style="width: {width}%" aria-hidden="true"></div>')
    lines.append(f'<div class="soft">{", ".join(about)}{_run(release.get("run", ""))}</div>')
    lines += [_verdict(each) for each in release.get("analysis") or []]
    if why := release.get("failure") or release.get("reason"):
        first, *more = why.strip().splitlines() or [""]
        text = escape(first)
        if more:
            text = f"<details><summary>{text}</summary><pre>{escape(why)}</pre></details>"
        lines.append(f'<div class="soft">{text}</div>')
    return f'<li class="{colour}">{"".join(lines)}</li>'


def _verdict(verdict: Status) -> str:
    sign, colour = VERDICTS.get(verdict["result"], ("", "soft"))
    share = "" if verdict["percent"] == 100 else f" with {verdict['percent']} % of the traffic"
    head = f'<span class="{colour}">{sign} analysis {escape(verdict["result"])}{share}</span>'
    return f'<details><summary>{head}</summary><div class="soft">{escape(verdict["text"])}</div></details>'


def _run(address: str) -> str:
    return f', <a href="{escape(address)}">run</a>' if address.startswith("https://") else ""


def _time(text: str) -> str:
    """Return a <time> element for a time in UTC (ISO 8601)."""
    shown = text.replace("T", " ")[: len("2026-11-23 09:00")]
    return f'<time datetime="{escape(text)}">{escape(shown)} UTC</time>' if text else "–"
