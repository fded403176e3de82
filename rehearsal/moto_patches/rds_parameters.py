"""The supported parameters of database engines: those that people set most often.

AWS's families have 200 to 500 parameters. Each line has name, type, allowed values, apply type and default.
"""

from __future__ import annotations

from typing import Any

BIG = "2147483647"
_POSTGRES = f"""
rds.force_ssl | boolean | 0,1 | dynamic | 1
rds.log_retention_period | integer | 1440-10080 | dynamic | 4320
rds.logical_replication | boolean | 0,1 | static | 0
rds.force_autovacuum_logging_level | string | disabled,info,notice,warning,error,log,fatal,panic | dynamic | warning
autovacuum | boolean | 0,1 | dynamic | 1
autovacuum_analyze_scale_factor | float | 0-100 | dynamic | 0.05
autovacuum_max_workers | integer | 1-262143 | static | GREATEST({{DBInstanceClassMemory/64371566592}},3)
autovacuum_naptime | integer | 1-2147483 | dynamic | 15
autovacuum_vacuum_cost_limit | integer | -1-10000 | dynamic | -1
autovacuum_vacuum_scale_factor | float | 0-100 | dynamic | 0.1
checkpoint_timeout | integer | 30-86400 | dynamic |
client_encoding | string | | dynamic | UTF8
deadlock_timeout | integer | 1-{BIG} | dynamic |
default_statistics_target | integer | 1-10000 | dynamic |
effective_cache_size | integer | 1-{BIG} | dynamic | SUM({{DBInstanceClassMemory/12038}},-50003)
effective_io_concurrency | integer | 0-1000 | dynamic |
idle_in_transaction_session_timeout | integer | 0-{BIG} | dynamic | 86400000
idle_session_timeout | integer | 0-{BIG} | dynamic |
lc_messages | string | | dynamic |
lock_timeout | integer | 0-{BIG} | dynamic |
log_autovacuum_min_duration | integer | -1-{BIG} | dynamic | 10000
log_checkpoints | boolean | 0,1 | dynamic | 1
log_connections | boolean | 0,1 | dynamic |
log_disconnections | boolean | 0,1 | dynamic |
log_lock_waits | boolean | 0,1 | dynamic |
log_min_duration_statement | integer | -1-{BIG} | dynamic |
log_min_error_statement | string | debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | dynamic |
log_min_messages | string | debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | dynamic |
log_rotation_age | integer | 1-1440 | dynamic | 60
log_statement | string | none,ddl,mod,all | dynamic |
log_temp_files | integer | -1-{BIG} | dynamic |
maintenance_work_mem | integer | 1024-{BIG} | dynamic | GREATEST({{DBInstanceClassMemory*1024/63963136}},65536)
max_connections | integer | 6-262143 | static | LEAST({{DBInstanceClassMemory/9531392}},5000)
max_locks_per_transaction | integer | 10-{BIG} | static |
max_parallel_workers | integer | 0-1024 | dynamic | GREATEST(${{DBInstanceVCPU/2}},8)
max_parallel_workers_per_gather | integer | 0-1024 | dynamic |
max_replication_slots | integer | 0-8388607 | static | 20
max_wal_senders | integer | 0-8388607 | static | 35
max_wal_size | integer | 128-201326592 | dynamic |
max_worker_processes | integer | 0-262143 | static | GREATEST(${{DBInstanceVCPU*2}},8)
min_wal_size | integer | 128-201326592 | dynamic | 192
password_encryption | string | md5,scram-sha-256 | dynamic |
pg_stat_statements.max | integer | 100-{BIG} | static |
pg_stat_statements.track | string | none,top,all | dynamic |
random_page_cost | float | 0-1.79769e+308 | dynamic |
search_path | string | | dynamic |
shared_buffers | integer | 16-1073741823 | static | {{DBInstanceClassMemory/32768}}
shared_preload_libraries | list | auto_explain,pgaudit,pg_cron,pg_prewarm,pg_stat_statements | static | pg_stat_statements
ssl_min_protocol_version | string | TLSv1.2,TLSv1.3 | dynamic | TLSv1.2
statement_timeout | integer | 0-{BIG} | dynamic |
tcp_keepalives_idle | integer | 0-{BIG} | dynamic | 300
temp_buffers | integer | 100-1073741823 | dynamic |
timezone | string | | dynamic | UTC
track_activity_query_size | integer | 100-1048576 | static | 4096
track_io_timing | boolean | 0,1 | dynamic | 1
wal_buffers | integer | -1-262143 | static |
wal_compression | string | pglz,lz4,zstd,on,off | dynamic | zstd
work_mem | integer | 64-{BIG} | dynamic |
"""
_MYSQL = """
require_secure_transport | boolean | 0,1 | dynamic | 0
binlog_format | string | ROW,STATEMENT,MIXED | dynamic | MIXED
character_set_client | string | | dynamic |
character_set_connection | string | | dynamic |
character_set_database | string | | dynamic |
character_set_results | string | | dynamic |
character_set_server | string | | dynamic |
collation_connection | string | | dynamic |
collation_server | string | | dynamic |
connect_timeout | integer | 2-31536000 | dynamic |
event_scheduler | string | ON,OFF,DISABLED | dynamic |
explicit_defaults_for_timestamp | boolean | 0,1 | dynamic |
general_log | boolean | 0,1 | dynamic |
group_concat_max_len | integer | 4-18446744073709547520 | dynamic |
gtid-mode | string | OFF,OFF_PERMISSIVE,ON_PERMISSIVE,ON | dynamic | OFF_PERMISSIVE
innodb_buffer_pool_size | integer | 5242880-9223372036854775807 | dynamic | {DBInstanceClassMemory*3/4}
innodb_flush_log_at_trx_commit | integer | 0-2 | dynamic |
innodb_lock_wait_timeout | integer | 1-1073741824 | dynamic |
innodb_print_all_deadlocks | boolean | 0,1 | dynamic |
interactive_timeout | integer | 1-31536000 | dynamic |
local_infile | boolean | 0,1 | dynamic |
log_bin_trust_function_creators | boolean | 0,1 | dynamic | 0
log_output | string | TABLE,FILE | dynamic | FILE
log_queries_not_using_indexes | boolean | 0,1 | dynamic |
long_query_time | float | 0-31536000 | dynamic |
lower_case_table_names | integer | 0-1 | static |
max_allowed_packet | integer | 1024-1073741824 | dynamic |
max_connections | integer | 1-100000 | dynamic | {DBInstanceClassMemory/12582880}
max_execution_time | integer | 0-18446744073709551615 | dynamic |
net_read_timeout | integer | 1-31536000 | dynamic |
net_write_timeout | integer | 1-31536000 | dynamic |
performance_schema | boolean | 0,1 | static |
slow_query_log | boolean | 0,1 | dynamic |
sort_buffer_size | integer | 32768-18446744073709551615 | dynamic |
sql_mode | list | | dynamic |
thread_cache_size | integer | 0-16384 | dynamic |
time_zone | string | | dynamic |
tls_version | list | TLSv1.2,TLSv1.3 | static |
transaction_isolation | string | READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE | dynamic |
wait_timeout | integer | 1-31536000 | dynamic |
"""


def _table(lines: str) -> dict[str, dict[str, Any]]:
    parameters = {}
    for line in lines.strip().splitlines():
        name, kind, allowed, applied, default = (cell.strip() for cell in line.split("|"))
        parameters[name] = {
            "ParameterName": name,
            **({"ParameterValue": default} if default else {}),
            "Source": "system" if default else "engine-default",
            "ApplyType": applied,
            "DataType": kind,
            **({"AllowedValues": allowed} if allowed else {}),
            "IsModifiable": True,
            "ApplyMethod": "pending-reboot",
        }
    return parameters


PARAMETERS = {"postgres": _table(_POSTGRES), "mysql": _table(_MYSQL)}


def of_family(family: str | None) -> dict[str, dict[str, Any]]:
    """Return the parameters of a family such as postgres17, as RDS describes them."""
    return next((known for engine, known in PARAMETERS.items() if (family or "").startswith(engine)), {})
