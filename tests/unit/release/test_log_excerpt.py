"""Which lines of a log a message shows: the reason, not the last stack frames."""

from __future__ import annotations

from ansible_collections.teal.platform.plugins.module_utils.release.slots import instance
from ansible_collections.teal.platform.plugins.module_utils.release.slots.log_excerpt import SHOWN, excerpt

#: As Spring Boot 4.1.2 logs it.
NO_BEAN = """\
2026-11-30T08:30:01.121Z  INFO 1 --- [assistant] [main] .s.b.a.l.ConditionEvaluationReportLogger :

Error starting ApplicationContext. To display the condition evaluation report re-run your application with 'debug' enabled.
2026-11-30T08:30:01.141Z ERROR 1 --- [assistant] [main] o.s.b.d.LoggingFailureAnalysisReporter   :

***************************
APPLICATION FAILED TO START
***************************

Description:

Parameter 0 of constructor in com.example.assistant.ChatController required a bean of type \
'com.example.assistant.LanguageModel' that could not be found.


Action:

Consider defining a bean of type 'com.example.assistant.LanguageModel' in your configuration.

"""
FRAMES = "\n".join(
    f"\tat org.springframework.beans.Factory.create(Factory.java:{n}) ~[beans.jar!/:7.0.1]" for n in range(40)
)
MIGRATION = f"""\
2026-11-30T08:30:01.141Z ERROR 1 --- [assistant] [main] o.s.boot.SpringApplication : Application run failed

org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'flywayInitializer'
{FRAMES}
Caused by: org.flywaydb.core.internal.exception.FlywayMigrateException: Script V2__broken.sql failed
SQL State  : 42P01
Message    : ERROR: relation "nothing" does not exist
Line       : 1
{FRAMES}
\t... 21 common frames omitted
Caused by: org.postgresql.util.PSQLException: ERROR: relation "nothing" does not exist
\tat org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2736)
\tat java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(Unknown Source)
\t... 63 more
"""


def test_spring_boots_analysis_replaces_earlier_lines() -> None:
    heading, lines = excerpt(NO_BEAN)
    assert heading == "its log after APPLICATION FAILED TO START"
    assert [line.partition(" ")[0] for line in lines] == ["Description:", "Parameter", "Action:", "Consider"]
    assert "required a bean of type 'com.example.assistant.LanguageModel'" in lines[1]


def test_lines_after_the_analysis_are_shown() -> None:
    assert excerpt(NO_BEAN + "killed\n")[1][-1] == "killed"


def test_causes_are_shown_without_stack_frames() -> None:
    heading, lines = excerpt(MIGRATION)
    assert heading == "last log lines, without stack frames"
    assert not [line for line in lines if line.startswith("\t")]
    assert lines[-1].startswith("Caused by: org.postgresql.util.PSQLException")
    assert "SQL State  : 42P01" in lines
    assert len(lines) <= SHOWN


def test_log_without_a_stack_trace_is_not_changed() -> None:
    log = "\n".join(f"line {n} at work (really)" for n in range(30))
    heading, lines = excerpt(log)
    assert heading == "last log lines"
    assert lines == [f"line {n} at work (really)" for n in range(30 - SHOWN, 30)]
    assert excerpt("") == ("last log lines", [])


def test_long_line_is_cut() -> None:
    assert len(excerpt("x" * 5000)[1][0]) == 400


def test_last_failure_on_an_instance_is_shown() -> None:
    console = f"boot\nteal-service ended: exited 137\nearlier\nteal-service ended: exited 1\n{NO_BEAN}"
    reported = instance._quoted(console).splitlines()
    assert reported[0] == "its console, its log after APPLICATION FAILED TO START:"
    assert reported[1:3] == ["  | teal-service ended: exited 1", "  | Description:"]
    assert instance._quoted("boot\nno end yet") == "its console, last log lines:\n  | boot\n  | no end yet"
    assert instance._quoted("") == ""
