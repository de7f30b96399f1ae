"""The load: a process of its own that sends bounded numbers of requests over connections that stay open.

Reads orders as JSON lines on its standard input and answers each with a JSON line: see `Load.run`.
"""

from __future__ import annotations

import html
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

TIMEOUT = 60
_INPUT = re.compile(r"<(?:input|textarea)\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b(name|value|type)="([^"]*)"')


def inputs(page: str) -> list[dict[str, str]]:
    """`name`, `value` and `type` of all inputs and text areas of a page, in order."""
    found = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(page)]
    return [{key: html.unescape(value) for key, value in one.items()} for one in found]


@dataclass
class Form:
    """The form of a section as a browser would send it, save after save without loading the page again."""

    hidden: dict[str, str]
    names: list[str]
    answers: dict[str, list[dict[str, str]]]
    versions: dict[str, int]
    saves: int = 0

    @classmethod
    def read(cls, page: str, answers: dict[str, list[dict[str, str]]]) -> Form:
        """The form on a page: its tokens, its fields, and the versions that it was made from."""
        fields = inputs(page)
        values: dict[str, str] = {one["name"]: one.get("value", "") for one in fields if "name" in one}
        names = [name for name in dict.fromkeys(values) if name.startswith("c-") and not name.endswith("--version")]
        versions = {key: int(values[f"c-{key}--version"]) for key in answers}
        hidden = {name: value for name, value in values.items() if name in ("csrf_token", "page_key")}
        return cls(hidden, names, answers, versions)

    def body(self) -> bytes:
        """The next save: every answer differs from the one before it."""
        sent = self.hidden | dict.fromkeys(self.names, "")
        for key, both in self.answers.items():
            answer = both[self.saves % 2]
            sent |= {f"c-{key}--{name}": value for name, value in answer.items()}
            sent[f"c-{key}--version"] = str(self.versions[key] + self.saves)
        self.saves += 1
        return urlencode(sent).encode()


@dataclass
class User:
    """Somebody who is signed in to one of the two applications and works on one section."""

    port: int
    path: str
    cookie: str
    answers: dict[str, list[dict[str, str]]]
    form: Form = field(init=False)  # taken by `prepare`

    def connect(self) -> HTTPConnection:
        """A connection of this user's own."""
        return HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def page(self, connection: HTTPConnection) -> str:
        """The section's page. Raises RuntimeError for anything else."""
        connection.request("GET", self.path, headers={"Cookie": self.cookie})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"GET {self.path}: {response.status} {text[:300]!r}")
        if cookie := response.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return text.decode()

    def save(self, connection: HTTPConnection) -> None:
        """Save the whole section. Raises RuntimeError unless all of it was stored."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", self.path, self.form.body(), headers)
        response = connection.getresponse()
        text = response.read()
        # the cookie that comes back carries a message for the next page, which no page of this run shows
        if response.status != 303:
            raise RuntimeError(f"POST {self.path}: {response.status} {text[:300]!r}")

    def prepare(self) -> int:
        """Load the page and take its form; returns the size of the page in bytes."""
        connection = self.connect()
        page = self.page(connection)
        connection.close()
        self.form = Form.read(page, self.answers)
        return len(page.encode())

    def check(self) -> None:
        """Raise RuntimeError unless what the page now shows is every save that was sent."""
        expected = {key: version + self.form.saves for key, version in self.form.versions.items()}
        connection = self.connect()
        found = Form.read(self.page(connection), self.answers).versions
        connection.close()
        if found != expected:
            raise RuntimeError(f"{self.path}: versions {found} are stored, {expected} were sent")


@dataclass
class Load:
    """Both applications' users, and the orders that they carry out."""

    users: dict[str, list[User]]
    failures: list[str] = field(default_factory=list)

    def run(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry an order out.

        `{"do": "prepare" | "check", "app": NAME}` for all users; or `{"do": "page" | "save", "app": NAME, "users": N,
        "seconds": S, "requests": N}`: N users at once, each sending its next request when the last is answered, until S
        seconds have passed or a user has sent that many. A user's first request opens its connection and is not timed.
        Returns `latencies` in seconds, and the number of all `requests` sent.
        """
        users = self.users[order["app"]]
        if order["do"] == "prepare":
            return {"bytes": sum(user.prepare() for user in users) // len(users)}
        if order["do"] == "check":
            for user in users:
                user.check()
            return {}
        users = users[: order["users"]]
        taken: list[list[float]] = [[] for _ in users]
        started = perf_counter()
        threads = [
            threading.Thread(target=self._work, args=(order, user, taken[place], started))
            for place, user in enumerate(users)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failures:
            raise RuntimeError(self.failures[0])
        return {
            "latencies": [one for each in taken for one in each[1:]],
            "requests": sum(len(each) for each in taken),
            "seconds": perf_counter() - started,
        }

    def _work(self, order: dict[str, Any], user: User, taken: list[float], started: float) -> None:
        connection = user.connect()
        act = user.page if order["do"] == "page" else user.save
        try:
            # three at least, so that every block has something to measure
            while len(taken) < order["requests"] and (len(taken) < 3 or perf_counter() - started < order["seconds"]):
                before = perf_counter()
                act(connection)
                taken.append(perf_counter() - before)
        except Exception as problem:
            self.failures.append(f"{order['app']}: {problem!r}")
        finally:
            connection.close()


def main() -> None:
    """Read the users from the first line, then orders until the input ends."""
    described = json.loads(sys.stdin.readline())
    load = Load(
        {
            name: [User(one["port"], one["path"], one["cookie"], one["answers"]) for one in users]
            for name, users in described.items()
        }
    )
    for line in sys.stdin:
        try:
            answer = load.run(json.loads(line))
        except RuntimeError as problem:
            answer = {"error": str(problem)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
