"""A small internal tool: the orders of a shop, for those who have signed in, with a chat beside the
table that can look into it. Run it with `python examples/admin/app.py`.
"""

import os
import sys

from flask import Flask, redirect, render_template, request, session, url_for
from orders import all_orders, fill, query_orders
from werkzeug import Response
from werkzeug.security import check_password_hash, generate_password_hash

from chatapp import Chatapp

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "good enough for an example")
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
# A tool of your own has its people elsewhere. Here the passwords are the names.
PASSWORDS = {name: generate_password_hash(name) for name in ("ann", "bob")}
fill()

# chatapp: begin
Chatapp(app, user=lambda: session.get("user"), unauthorized=lambda: redirect("/login"), tools=[query_orders])
# chatapp: end


@app.get("/")
def show_orders() -> str | Response:
    if "user" not in session:
        return redirect(url_for("show_login"))
    return render_template("orders.html", orders=all_orders(), user=session["user"])


@app.get("/login")
def show_login() -> str:
    return render_template("login.html", wrong=False)


@app.post("/login")
def sign_in() -> Response | tuple[str, int]:
    name, password = request.form.get("name", ""), request.form.get("password", "")
    if not check_password_hash(PASSWORDS.get(name, ""), password):
        return render_template("login.html", wrong=True), 403
    session["user"] = name
    return redirect(url_for("show_orders"))


@app.post("/logout")
def sign_out() -> Response:
    session.clear()
    return redirect(url_for("show_login"))


if __name__ == "__main__":
    where = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8001')}"
    print(f"http://{where}: sign in as ann (password ann) or as bob (password bob)", flush=True)
    options = ["-c", "python:chatapp.ops.gunicorn_host", "--chdir", app.root_path, "-b", where, "app:app"]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options])
