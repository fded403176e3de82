"""Prepare the creation of the service's database user: read the secrets, write the script for the database client.

It runs in the environment's network with access to both secrets, in a Job in the cluster or on a temporary instance.
Environment variables are its settings. Passwords are only in Secrets Manager and in files of WORK, which is in memory.
It can be run any number of times.

ENGINE, HOST, PORT, DATABASE, SCHEMA, USERNAME  the database and the user to create
MASTER_SECRET, SERVICE_SECRET                   names of the secrets in Secrets Manager
AWS_REGION, WORK                                AWS region, and the folder for the files
"""

import json
import os
import secrets
import shlex
import string
import subprocess
import urllib.request
from pathlib import Path

POSTGRES = """\
SELECT 'CREATE ROLE "{username}" LOGIN' WHERE NOT EXISTS (
  SELECT FROM pg_roles WHERE rolname = '{username}') \\gexec
ALTER ROLE "{username}" PASSWORD '{password}';
GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO "{username}";
-- To create the schema of the user, the master must be a member of the user's role for a moment.
BEGIN;
GRANT "{username}" TO CURRENT_USER;
CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION "{username}";
ALTER ROLE "{username}" IN DATABASE "{database}" SET search_path TO "{schema}";
REVOKE "{username}" FROM CURRENT_USER;
COMMIT;
"""
MYSQL = """\
CREATE USER IF NOT EXISTS '{username}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;
ALTER USER '{username}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;
GRANT ALL PRIVILEGES ON `{database}`.* TO '{username}'@'%';
"""


def aws(*arguments):
    """Return the output of the AWS CLI. If it fails, its own message is shown."""
    command = ["aws", *arguments, "--output", "text"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def read_secret(name):
    """Return the secret as a dict. The dict is empty if the secret has no value yet."""
    versions = ("--query", "VersionIdsToStages")
    if aws("secretsmanager", "describe-secret", "--secret-id", name, *versions).strip() == "None":
        return {}
    query = ("--query", "SecretString")
    return json.loads(aws("secretsmanager", "get-secret-value", "--secret-id", name, *query))


def keep(name, value, work):
    """Write `value` to the secret. It is passed in a file, since other processes can read a command line."""
    path = write(work, "secret.json", json.dumps(value))
    aws("secretsmanager", "put-secret-value", "--secret-id", name, "--secret-string", f"file://{path}")


def write(work, name, text):
    """Write a file that only its owner can read, and return its path."""
    path = work / name
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def service_secret(settings, old):
    """Return the connection settings for the service's secret. An existing password is kept."""
    letters = string.ascii_letters + string.digits
    return {
        "engine": settings["ENGINE"],
        "host": settings["HOST"],
        "port": int(settings["PORT"]),
        "dbname": settings["DATABASE"],
        "username": settings["USERNAME"],
        "password": old.get("password") or "".join(secrets.choice(letters) for _position in range(40)),
    }


def client(settings, master, work):
    """Write the files that the database client needs. Return the shell command that runs user.sql as the master."""
    host, port = settings["HOST"], settings["PORT"]
    quote = shlex.quote
    if settings["ENGINE"] == "postgres":
        password = master["password"].replace("\\", "\\\\").replace(":", "\\:")
        write(work, "pgpass", f"{host}:{port}:*:{master['username']}:{password}\n")
        return (
            f"export PGPASSFILE={quote(f'{work}/pgpass')} PGCONNECT_TIMEOUT=30\n"
            f"export PGSSLMODE=verify-full PGSSLROOTCERT={quote(f'{work}/ca.pem')}\n"
            # A terse error does not quote its statement, which may hold the password.
            f"exec psql -qv ON_ERROR_STOP=1 -v VERBOSITY=terse -h {quote(host)} -p {quote(port)} "
            f"-U {quote(master['username'])} -d {quote(settings['DATABASE'])} -f {quote(f'{work}/user.sql')}\n"
        )
    password = master["password"].replace("\\", "\\\\").replace('"', '\\"')
    write(
        work,
        "my.cnf",
        f'[client]\nhost={host}\nport={port}\nuser={master["username"]}\npassword="{password}"\n'
        f"ssl-ca={work}/ca.pem\nloose-ssl-mode=VERIFY_IDENTITY\nloose-ssl-verify-server-cert\n"
        "connect-timeout=30\n",
    )
    return f"exec mysql --defaults-extra-file={quote(f'{work}/my.cnf')} < {quote(f'{work}/user.sql')}\n"


def main():
    settings, work = os.environ, Path(os.environ["WORK"])
    region = settings["AWS_REGION"]
    bundle = f"https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
    with urllib.request.urlopen(bundle, timeout=30) as answer:
        write(work, "ca.pem", answer.read().decode())
    master = read_secret(settings["MASTER_SECRET"])
    old = read_secret(settings["SERVICE_SECRET"])
    new = service_secret(settings, old)
    if new != old:
        keep(settings["SERVICE_SECRET"], new, work)
    sql = POSTGRES if settings["ENGINE"] == "postgres" else MYSQL
    names = {"username": new["username"], "database": new["dbname"], "schema": settings["SCHEMA"]}
    write(work, "user.sql", sql.format(**names, password=new["password"]))
    write(work, "run.sh", client(settings, master, work))
    print(f"The user {new['username']} of {new['dbname']} at {new['host']} can be created now.")


if __name__ == "__main__":
    main()
