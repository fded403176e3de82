"""The command `teal` at the root of the repository: a thin layer over the playbooks."""
