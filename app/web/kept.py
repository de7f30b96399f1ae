"""A form that arrives without a session comes back as a page that can be sent again: nothing that was typed is lost.

Where scripts run, the browser keeps what is typed on the page of a standard (`static/kept.js`). This is for everybody
else, and for every other form. What can no longer be taken, whoever sends it, comes back too, to be copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import render_template, request
from flask_security import current_user

SECRET = ("password", "new_password", "new_password_confirm")
LEAST_TEXT = 12  # characters that make a field worth showing, to copy it from the page


def _is_from_here() -> bool:
    """Whether a page of ours sent the form: another site must not put words into a form that is sent with one click."""
    origin = request.headers.get("Origin")
    if "Sec-Fetch-Site" in request.headers:
        return request.headers["Sec-Fetch-Site"] == "same-origin"
    return origin is not None and origin == request.host_url.rstrip("/")


def page_to_send_again(status: int) -> tuple[str, int] | None:
    """The page that holds what was sent; None where there is nothing to hold, or another site sent it.

    A file that was chosen is not in it: browsers let nobody choose a file but the person.
    """
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    if request.method != "POST" or not fields or not _is_from_here() or any(name in SECRET for name, _ in fields):
        return None
    page = render_template(
        "kept.html",
        action=request.full_path.rstrip("?"),
        is_signed_in=current_user.is_authenticated,
        fields=fields,
        texts=[value for name, value in fields if len(value.strip()) >= LEAST_TEXT and name != "page_key"],
        with_file=bool(request.files),
    )
    return page, status


def page_not_taken(
    why: str, held: Sequence[tuple[str, str]], *, back: Mapping[str, str], status: int = 409
) -> tuple[str, int]:
    """The page that holds what was typed where it can no longer be taken, to copy it: `why`, and (what it is, text)."""
    page = render_template(
        "not_taken.html", why=why, held=[one for one in held if one[1].strip()], back=back,
    )  # fmt: skip
    return page, status
