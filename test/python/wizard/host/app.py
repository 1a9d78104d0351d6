"""A small installer, as the host's own is towards a provisioner's page: session, step bar, base page and next steps."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from flask import Flask, redirect, render_template, request, session, url_for

REPOSITORY = Path(__file__).resolve().parents[4]


def load_wizard(place: Path) -> ModuleType:
    """Import the page under the name that the manifest gives it, from a package `blockhost` made in `place`."""
    package = place / "blockhost"
    if not package.exists():
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "provisioner_libvirt").symlink_to(REPOSITORY / "hooks/wizard")
    sys.path.insert(0, str(place))
    return importlib.import_module("blockhost.provisioner_libvirt.wizard")


def create_app(wizard: ModuleType, *, newer: bool = True) -> Flask:
    """`newer` installers go on to IPv6 and know where each page's neighbours are; older ones do neither."""
    app = Flask(__name__)
    app.secret_key = "only for tests"
    app.register_blueprint(wizard.blueprint)

    @app.before_request
    def logged_in_only():  # type: ignore[no-untyped-def]
        if request.endpoint not in ("login", "static") and not session.get("authenticated"):
            return redirect(url_for("login"))
        return None

    @app.context_processor
    def steps() -> dict[str, object]:
        return {"wizard_steps": [{"id": "blockchain", "label": "Chain"}, {"id": "libvirt", "label": "libvirt"}, {"id": "ipv6", "label": "IPv6"}]}

    @app.route("/login")
    def login() -> str:
        session["authenticated"] = True
        return "in"

    app.add_url_rule("/wizard/blockchain", "wizard_blockchain", lambda: "chain")
    if newer:
        app.add_url_rule("/wizard/ipv6", "wizard_ipv6", lambda: "ipv6")
        app.add_template_global(lambda step: {"prev": "wizard_blockchain", "next": "wizard_ipv6"}, "wizard_nav")
    else:
        app.add_url_rule("/wizard/connectivity", "wizard_connectivity", lambda: "connectivity")

    @app.route("/summary")
    def summary() -> str:
        key = "provisioner_summary" if newer else "provisioner"
        return render_template("summary.html", template=wizard.get_summary_template(), **{key: wizard.get_summary_data(session)})

    return app


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, create_app(load_wizard(Path(sys.argv[1]))), threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()
