"""The rehearsal cloud: what the playbooks talk to, put up on loopback.

Each part is a process of its own, `python -m rehearsal.<part> --config <home>/config.json`.
`rehearsal.config` says what they share, `rehearsal.supervisor` starts and ends them, and
`python -m rehearsal` is the way in.
"""
