"""RDS: database instances and parameter groups."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

from rehearsal.moto_patches.creation_time import Pending
from rehearsal.moto_patches.rds_parameters import of_family


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    created_in(config["creation_times"]["database"])
    missing_parameter_group()
    engine_parameters()
    stored_settings()


def created_in(seconds: float) -> None:
    """Give database instances a creation time. (In moto they are available at once.)"""
    create = RDSBackend.create_db_instance

    def create_db_instance(self: RDSBackend, db_kwargs: dict[str, Any]) -> DBInstance:
        database = create(self, db_kwargs)
        database.pending = Pending(seconds)
        return database

    DBInstance.status = property(_status, _set_status)
    RDSBackend.create_db_instance = create_db_instance


def missing_parameter_group() -> None:
    """Answer DBParameterGroupNotFound for a missing parameter group, as AWS does.

    moto returns an empty list, and amazon.aws.rds_instance_param_group fails (IndexError).
    """
    describe = RDSBackend.describe_db_parameter_groups

    def describe_db_parameter_groups(self: RDSBackend, kwargs: dict[str, Any]) -> list[DBParameterGroup]:
        found = describe(self, kwargs)
        if not found and (name := kwargs.get("db_parameter_group_name")):
            raise DBParameterGroupNotFoundError(name)
        return found

    RDSBackend.describe_db_parameter_groups = describe_db_parameter_groups


def engine_parameters() -> None:
    """List the engine's parameters with types and allowed values, validate changes, and reset parameters.

    In moto, a parameter group has only the parameters that were set, accepts any name and value, and cannot be reset.
    """
    modify = RDSBackend.modify_db_parameter_group

    def describe_db_parameters(self: RDSResponse) -> ActionResult:
        group = _group(self.backend, self.params.get("DBParameterGroupName"))
        parameters = {name: dict(parameter) for name, parameter in of_family(group.family).items()}
        for name, given in group.parameters.items():
            parameters[name] = parameters.get(name, {}) | given | {"Source": "user"}
        source = self.params.get("Source")
        return ActionResult(
            {"Parameters": [p for p in parameters.values() if source in (None, p.get("Source"))]}
        )

    def describe_engine_default_parameters(self: RDSResponse) -> ActionResult:
        family = self.params.get("DBParameterGroupFamily")
        parameters = list(of_family(family).values())
        return ActionResult({"EngineDefaults": {"DBParameterGroupFamily": family, "Parameters": parameters}})

    def modify_db_parameter_group(
        self: RDSBackend, db_parameter_group_name: str, db_parameter_group_parameters: list[dict[str, Any]]
    ) -> DBParameterGroup:
        known = of_family(_group(self, db_parameter_group_name).family)
        if len(db_parameter_group_parameters) > 20:
            raise RDSClientError("InvalidParameterValue", "You can only specify up to 20 parameters")
        for given in db_parameter_group_parameters:
            _refuse_parameter(known, given)
        return modify(self, db_parameter_group_name, db_parameter_group_parameters)

    def reset_db_parameter_group(self: RDSResponse) -> ActionResult:
        group = _group(self.backend, self.params.get("DBParameterGroupName"))
        named = [one["ParameterName"] for one in self.params.get("Parameters", [])]
        for name in list(group.parameters) if self.params.get("ResetAllParameters") else named:
            group.parameters.pop(name, None)
        return ActionResult({"DBParameterGroupName": group.name})

    RDSResponse.describe_db_parameters = describe_db_parameters
    RDSResponse.describe_engine_default_parameters = describe_engine_default_parameters
    RDSResponse.reset_db_parameter_group = reset_db_parameter_group
    RDSBackend.modify_db_parameter_group = modify_db_parameter_group


def _group(backend: RDSBackend, name: str | None) -> DBParameterGroup:
    return backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]


def _refuse_parameter(known: dict[str, dict[str, Any]], given: dict[str, Any]) -> None:
    name, value = given["ParameterName"], str(given.get("ParameterValue", ""))
    parameter = known.get(name)
    if parameter is None:
        raise RDSClientError("InvalidParameterValue", f"Could not find parameter with name: {name}")
    if parameter["ApplyType"] == "static" and given.get("ApplyMethod") == "immediate":
        message = f"cannot use immediate apply method for static parameter: {name}"
        raise RDSClientError("InvalidParameterCombination", message)
    allowed = parameter.get("AllowedValues", "")
    if parameter["DataType"] == "boolean" and value not in allowed.split(","):
        message = f"Invalid parameter value: {value} for: {name} allowed values are: {allowed}"
        raise RDSClientError("InvalidParameterValue", message)


def stored_settings() -> None:
    """Store the settings of Performance Insights and of gp3 storage.

    moto drops them, so amazon.aws.rds_instance sets them again in every run.
    """
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


def _status(database: DBInstance) -> str:
    pending, status = database.__dict__.get("pending"), database.__dict__["_status"]
    return "creating" if status == "available" and pending and pending.still() else status


def _set_status(database: DBInstance, status: str) -> None:
    database.__dict__["_status"] = status
