"""RDS: real PostgreSQL servers for moto's instances, which have none. See `rehearsal.databases`."""

from __future__ import annotations

import json
import secrets
import string
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, DBSnapshot, MasterUserSecret, RDSBackend
from moto.secretsmanager.models import SecretsManagerBackend

from rehearsal import databases, postgres
from rehearsal.moto_patches.rds_parameters import of_family

_LETTERS = string.ascii_letters + string.digits + "!#%*+-.=?^_~"


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    servers = (
        databases.Databases(config) if config.get("databases") == "real" and postgres.binaries() else None
    )
    config["database_servers"] = servers
    managed_password(servers)
    if servers:
        servers_of_instances(servers)
        forced_tls(servers)
        snapshots(servers)


def managed_password(servers: databases.Databases | None) -> None:
    """Generate and rotate the managed password. (moto always uses the user `admin` and the same password.)"""

    def generate(self: MasterUserSecret) -> str:
        self.password = "".join(secrets.choice(_LETTERS) for _ in range(28))
        return json.dumps({"username": self.resource.master_username, "password": self.password})

    def rotate(self: MasterUserSecret) -> None:
        self._status = "rotating"
        text = generate(self)
        self.secretsmanager.put_secret_value(self.secret.arn, text, "", None, ["AWSCURRENT"])
        if servers and isinstance(self.resource, DBInstance):
            servers.set_password(self.resource.arn, self.resource.master_username or "", self.password)

    rotate_any = SecretsManagerBackend.rotate_secret

    def rotate_secret(self: SecretsManagerBackend, secret_id: str, *args: Any, **kwargs: Any) -> str:
        secret = self.secrets.get(secret_id) if self._is_valid_identifier(secret_id) else None
        owned = {tag["Key"]: tag["Value"] for tag in (secret.tags or [] if secret else [])}
        arn = owned.get("aws:rds:primaryDBInstanceArn")
        if secret is None or arn is None:
            return rotate_any(self, secret_id, *args, **kwargs)
        _instance(self, arn).master_user_secret.rotate_secret()
        return secret.to_short_dict()

    MasterUserSecret._generate_secret_string = generate
    MasterUserSecret.rotate_secret = rotate
    SecretsManagerBackend.rotate_secret = rotate_secret


def servers_of_instances(servers: databases.Databases) -> None:
    """Create, change, stop, start and remove the server of each database instance."""
    create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance
    delete, restore = RDSBackend.delete_db_instance, RDSBackend.restore_db_instance_from_db_snapshot
    stop, start = RDSBackend.stop_db_instance, RDSBackend.start_db_instance
    status = DBInstance.status

    def create_db_instance(self: RDSBackend, db_kwargs: dict[str, Any]) -> DBInstance:
        database = create(self, db_kwargs)
        if database.engine == "postgres" and not database.is_replica:
            servers.create(_described(database, db_kwargs.get("master_user_password")))
        return database

    def restore_db_instance(
        self: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any], *args: Any, **kwargs: Any
    ) -> DBInstance:
        database = restore(self, from_snapshot_id, overrides, *args, **kwargs)
        if database.engine == "postgres":
            # create_db_instance has started a server with an empty database.
            servers.remove(database.arn)
            servers.create(_described(database, None), from_snapshot_id.rpartition(":")[2])
        return database

    def modify_db_instance(self: RDSBackend, identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        before = self.describe_db_instances(identifier)[0]
        managed = before.manage_master_user_password
        database = modify(self, identifier, db_kwargs)
        if password := db_kwargs.get("master_user_password"):
            servers.set_password(database.arn, database.master_username or "", password)
        elif database.manage_master_user_password and not managed:
            servers.set_password(
                database.arn, database.master_username or "", database.master_user_secret.password
            )
        servers.force_tls(database.arn, forces_tls(database))
        return database

    def delete_db_instance(
        self: RDSBackend, db_instance_identifier: str, *args: Any, **kwargs: Any
    ) -> DBInstance:
        database = delete(self, db_instance_identifier, *args, **kwargs)
        servers.remove(database.arn)
        return database

    def stop_db_instance(self: RDSBackend, *args: Any, **kwargs: Any) -> DBInstance:
        database = stop(self, *args, **kwargs)
        servers.stop(database.arn)
        return database

    def start_db_instance(self: RDSBackend, *args: Any, **kwargs: Any) -> DBInstance:
        database = start(self, *args, **kwargs)
        servers.start(database.arn)
        return database

    def seen(database: DBInstance) -> str:
        now = status.fget(database)
        return "creating" if now == "available" and servers.starting(database.arn) else now

    RDSBackend.create_db_instance = create_db_instance
    RDSBackend.modify_db_instance = modify_db_instance
    RDSBackend.delete_db_instance = delete_db_instance
    RDSBackend.restore_db_instance_from_db_snapshot = restore_db_instance
    RDSBackend.stop_db_instance, RDSBackend.start_db_instance = stop_db_instance, start_db_instance
    DBInstance.status = property(seen, status.fset)


def forced_tls(servers: databases.Databases) -> None:
    """Apply rds.force_ssl of parameter groups to the servers. (In moto, parameter groups have no effect.)"""
    from moto.rds.responses import RDSResponse

    modify, reset = RDSBackend.modify_db_parameter_group, RDSResponse.reset_db_parameter_group

    def follow(backend: RDSBackend, group: str | None) -> None:
        for database in backend.databases.values():
            if group in [one.name for one in database.db_parameter_groups()]:
                servers.force_tls(database.arn, forces_tls(database))

    def modify_db_parameter_group(
        self: RDSBackend, db_parameter_group_name: str, *args: Any
    ) -> DBParameterGroup:
        group = modify(self, db_parameter_group_name, *args)
        follow(self, db_parameter_group_name)
        return group

    def reset_db_parameter_group(self: RDSResponse) -> Any:
        answer = reset(self)
        follow(self.backend, self.params.get("DBParameterGroupName"))
        return answer

    RDSBackend.modify_db_parameter_group = modify_db_parameter_group
    RDSResponse.reset_db_parameter_group = reset_db_parameter_group


def snapshots(servers: databases.Databases) -> None:
    """Store a dump of the database with each snapshot. (moto's snapshots hold no data.)"""
    create, delete = RDSBackend.create_db_snapshot, RDSBackend.delete_db_snapshot

    def create_db_snapshot(
        self: RDSBackend, db_instance_identifier: str, db_snapshot_identifier: str, *args: Any, **kwargs: Any
    ) -> DBSnapshot:
        snapshot = create(self, db_instance_identifier, db_snapshot_identifier, *args, **kwargs)
        database = self.databases[db_instance_identifier]
        servers.dump(database.arn, database.db_name, db_snapshot_identifier)
        return snapshot

    def delete_db_snapshot(self: RDSBackend, db_snapshot_identifier: str) -> DBSnapshot:
        snapshot = delete(self, db_snapshot_identifier)
        servers.dump_of(db_snapshot_identifier).unlink(missing_ok=True)
        return snapshot

    RDSBackend.create_db_snapshot, RDSBackend.delete_db_snapshot = create_db_snapshot, delete_db_snapshot


def forces_tls(database: DBInstance) -> bool:
    """Return whether the parameter group of an instance enables rds.force_ssl."""
    for group in database.db_parameter_groups():
        default = of_family(group.family).get("rds.force_ssl", {}).get("ParameterValue", "1")
        value = group.parameters.get("rds.force_ssl", {}).get("ParameterValue", default)
        return str(value) == "1"
    return True


def _described(database: DBInstance, password: str | None) -> databases.Instance:
    if database.manage_master_user_password:
        password = database.master_user_secret.password
    return databases.Instance(
        database.arn,
        database.address,
        int(database.port or 5432),
        database.master_username or "",
        password or database.__dict__.get("_master_user_password") or secrets.token_hex(20),
        database.db_name,
        forces_tls(database),
    )


def _instance(backend: SecretsManagerBackend, arn: str) -> DBInstance:
    from moto.rds.models import rds_backends

    return rds_backends[backend.account_id][backend.region_name].find_db_from_id(arn)
