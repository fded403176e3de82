"""The rehearsal: a local emulator, on loopback, of the services that the playbooks use.

Each part runs as a separate process, `python -m rehearsal.<part> --config <home>/config.json`.
`rehearsal.config` defines their shared configuration, `rehearsal.supervisor` starts and stops them, and
`python -m rehearsal` is the command line.
"""
