"""RDS: database instances and parameter groups."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

from rehearsal.mends.creation import Pending

PARAMETERS = {
    "postgres": {
        "rds.force_ssl": ("0", "boolean", "0,1", "dynamic"),
        "log_min_duration_statement": (None, "integer", "-1-2147483647", "dynamic"),
        "log_statement": (None, "string", "none,ddl,mod,all", "dynamic"),
        "log_connections": (None, "boolean", "0,1", "dynamic"),
        "log_disconnections": (None, "boolean", "0,1", "dynamic"),
        "shared_preload_libraries": ("pg_stat_statements", "list", None, "static"),
        "pg_stat_statements.track": (None, "string", "none,top,all", "dynamic"),
        "max_connections": ("LEAST({DBInstanceClassMemory/9531392},5000)", "integer", "6-262143", "static"),
        "idle_in_transaction_session_timeout": ("86400000", "integer", "0-2147483647", "dynamic"),
        "statement_timeout": (None, "integer", "0-2147483647", "dynamic"),
        "timezone": ("UTC", "string", None, "dynamic"),
    },
    "mysql": {
        "require_secure_transport": ("0", "boolean", "0,1", "dynamic"),
        "slow_query_log": (None, "boolean", "0,1", "dynamic"),
        "long_query_time": (None, "float", "0-31536000", "dynamic"),
        "max_connections": ("{DBInstanceClassMemory/12582880}", "integer", "1-100000", "dynamic"),
        "character_set_server": (None, "string", None, "dynamic"),
        "time_zone": (None, "string", None, "dynamic"),
    },
}
"""The parameters that the rehearsal's engines have (AWS's have hundreds): default, type, allowed, applied."""


def apply(config: dict[str, Any]) -> None:
    """Mend it."""
    created_in(config["creation_times"]["database"])
    missing_parameter_group()
    engine_parameters()
    what_was_asked_for()


def created_in(seconds: float) -> None:
    """An instance is available at once."""
    create = RDSBackend.create_db_instance

    def create_db_instance(self: RDSBackend, db_kwargs: dict[str, Any]) -> DBInstance:
        database = create(self, db_kwargs)
        database.pending = Pending(seconds)
        return database

    DBInstance.status = property(_status, _set_status)
    RDSBackend.create_db_instance = create_db_instance


def missing_parameter_group() -> None:
    """To ask for a parameter group that is not there gets an empty list, and the module
    amazon.aws.rds_instance_param_group dies of it (IndexError). AWS answers DBParameterGroupNotFound."""
    describe = RDSBackend.describe_db_parameter_groups

    def describe_db_parameter_groups(self: RDSBackend, kwargs: dict[str, Any]) -> list[DBParameterGroup]:
        found = describe(self, kwargs)
        if not found and (name := kwargs.get("db_parameter_group_name")):
            raise DBParameterGroupNotFoundError(name)
        return found

    RDSBackend.describe_db_parameter_groups = describe_db_parameter_groups


def engine_parameters() -> None:
    """A parameter group has no parameters until one is set, so that the module finds none that it could set.
    AWS lists all of the engine's, each with its type and allowed values."""

    def describe_db_parameters(self: RDSResponse) -> ActionResult:
        asked = {"db_parameter_group_name": self.params.get("DBParameterGroupName")}
        group = self.backend.describe_db_parameter_groups(asked)[0]
        known = next((p for engine, p in PARAMETERS.items() if (group.family or "").startswith(engine)), {})
        parameters = {name: _parameter(name, *told) for name, told in known.items()}
        for name, given in group.parameters.items():
            parameters[name] = parameters.get(name, {}) | given | {"Source": "user"}
        source = self.params.get("Source")
        return ActionResult(
            {"Parameters": [p for p in parameters.values() if source in (None, p.get("Source"))]}
        )

    RDSResponse.describe_db_parameters = describe_db_parameters


def what_was_asked_for() -> None:
    """Performance Insights and the settings of gp3 storage are dropped: amazon.aws.rds_instance asks for them
    again at each run. Maintenance settings too."""
    create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance

    def create_db_instance(self: RDSBackend, db_kwargs: dict[str, Any]) -> DBInstance:
        database = create(self, db_kwargs)
        database.performance_insights_enabled = False
        _keep(database, db_kwargs)
        return database

    def modify_db_instance(self: RDSBackend, identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        database = modify(self, identifier, db_kwargs)
        _keep(database, db_kwargs)
        return database

    RDSBackend.create_db_instance = create_db_instance
    RDSBackend.modify_db_instance = modify_db_instance


def _keep(database: DBInstance, asked: dict[str, Any]) -> None:
    if (enabled := asked.get("enable_performance_insights")) is not None:
        database.performance_insights_enabled = enabled
    if database.__dict__.get("performance_insights_enabled"):
        database.performance_insights_retention_period = asked.get(
            "performance_insights_retention_period",
            database.__dict__.get("performance_insights_retention_period", 7),
        )
        if key := asked.get("performance_insights_kms_key_id"):
            database.performance_insights_kms_key_id = key
    if database.storage_type == "gp3":
        database.iops = asked.get("iops") or database.iops or 3000
        database.storage_throughput = asked.get("storage_throughput") or database.storage_throughput or 125


def _parameter(
    name: str, default: str | None, kind: str, allowed: str | None, applied: str
) -> dict[str, Any]:
    told = {
        "ParameterName": name,
        "ParameterValue": default,
        "Source": "engine-default" if default is None else "system",
        "ApplyType": applied,
        "DataType": kind,
        "AllowedValues": allowed,
        "IsModifiable": True,
        "ApplyMethod": "pending-reboot",
    }
    return {key: value for key, value in told.items() if value is not None}


def _status(database: DBInstance) -> str:
    pending, status = database.__dict__.get("pending"), database.__dict__["_status"]
    return "creating" if status == "available" and pending and pending.still() else status


def _set_status(database: DBInstance, status: str) -> None:
    database.__dict__["_status"] = status
