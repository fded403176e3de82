"""AWS: moto's server with the rehearsal's mends, in a process of its own."""

from __future__ import annotations

import logging
import os
from typing import Any


def main() -> None:
    """Serve until ended."""
    from rehearsal import config as settings

    config = settings.from_arguments("aws")
    os.environ.update(environment(config))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)

    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import run_simple

    run_simple(
        "127.0.0.1",
        config["aws"]["port"],
        application(config),
        threaded=True,
        request_handler=MotoRequestHandler,
    )


def environment(config: dict[str, Any]) -> dict[str, str]:
    """moto's own settings; they must stand before it is imported."""
    return {
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "MOTO_PORT": str(config["aws"]["port"]),
        "MOTO_ACCOUNT_ID": config["account"],
    }


def application(config: dict[str, Any]) -> Any:
    """The WSGI application: moto, mended, behind the rehearsal's own paths."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    moto = DomainDispatcherApplication(create_backend_app)

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/rehearsal/ready":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"ready\n"]
        return moto(environ, start_response)

    return serve


if __name__ == "__main__":
    main()
