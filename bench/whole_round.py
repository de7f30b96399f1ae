"""A round of 818 agencies, from opening to publication: `make prove-round`, or `python -m bench.whole_round`.

Serves Candour from a data folder of its own, and takes a round through it on the pages (with Chromium) and from the
terminal. What hundreds of people would do, answering, signing and checking, goes through the operations that the
pages use, each return in transactions of its own. Prints every step with its time, and ends with an error where a
check fails. Takes ten to twenty minutes, most of them for feedback as PDFs.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zipfile import ZipFile

import click
from playwright.sync_api import Page, expect, sync_playwright
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.catalogue import load_pack
from app.models import Agency, AuditReturn, Feedback, SampledReturn, Submission, SubmissionAnswer
from app.operations import people, templates
from app.policy import system_actor
from bench.__main__ import machine
from config import ROOT
from tests.browser.service import CANDOUR, PASSWORD, environment_of, free_port, served
from tests.browser.steps import alert, press
from tests.browser.visitors import Visitors
from tests.conftest import CHROMIUM_ARGUMENTS, chromium_path
from tests.in_bulk import Behind, return_of

RESULTS = ROOT / "bench" / "ROUND.md"
PACK, KEY, NAME = "climbie-2003", "whole-round", "Child protection self-audit, whole round"
OPENS, ANSWERED, OVERDUE, LATE = date(2003, 4, 1), date(2003, 5, 12), date(2003, 5, 28), date(2003, 6, 2)
CLOSES, CHECKED, WINDOW, AFTER, PUBLISHED = (
    date(2003, 6, 10), date(2003, 6, 12), date(2003, 9, 1), date(2003, 9, 9), date(2003, 9, 17),
)  # fmt: skip
PUBLICATION = "2003-09-15 09:30"
AREAS = 43
# agency type, subtype, how many: those of 2003
POPULATION = (
    ("nhs", "acute-trust", 170), ("nhs", "primary-care-trust", 303), ("nhs", "mental-health-trust", 80),
    ("nhs", "ambulance-trust", 44), ("nhs", "strategic-health-authority", 28), ("council", "county", 34),
    ("council", "unitary", 47), ("council", "metropolitan", 36), ("council", "london-borough", 33),
    ("police", "county-force", 35), ("police", "metropolitan-force", 8),
)  # fmt: skip
# the bodies that ask: the first of them owns the round
BODIES = ("social-services-inspectorate", "health-inspectorate", "constabulary-inspectorate")
PATIENCE = 120_000  # milliseconds
NIL, SILENT, LATECOMERS = "nhs-597", ("nhs-600", "council-150", "police-043"), 25
PAGES = (
    "", "/ledger", "/chase", "/sample", "/moderation", "/queries", "/judgements", "/follow-up", "/follow-up/agencies",
    "/monitoring", "/figures", "/figures/agencies", "/figures/checked", "/two-views", "/peers", "/search?q=teams",
    "/examples", "/release", "/reports", "/history",
)  # fmt: skip


def lead(body: str) -> str:
    """The e-mail address of the lead inspector of a body."""
    return f"lead@{body}.example"


def inspectors(body: str) -> list[str]:
    """The e-mail addresses of the other inspectors of a body."""
    return [f"inspector{number}@{body}.example" for number in range(1, 4)]


def head(code: str) -> str:
    """The e-mail address of the accountable signatory of an agency."""
    return f"head@{code}.example"


def population(scale: float) -> dict[str, str]:
    """Each agency's code to its line of the CSV file."""
    lines: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for kind, subtype, many in POPULATION:
        for _one in range(max(2, round(many * scale))):
            numbers[kind] = number = numbers.get(kind, 0) + 1
            code, area = f"{kind}-{number:03}", number % AREAS + 1
            lines[code] = (
                f"{code},{name_of(code)},{kind},{subtype},area-{area:02}: Area {area:02},{head(code)},Head of {code}"
            )
    return lines


def name_of(code: str) -> str:
    """The name of an agency."""
    kind, _dash, number = code.partition("-")
    return f"Fictional {kind.title()} {number}"


class Failed(Exception):
    """A check that did not hold."""


def check(holds: bool, words: str) -> None:
    """Raise Failed, with what was expected, unless it holds."""
    if not holds:
        raise Failed(words)


@dataclass
class Proof:
    """The round while it is taken through, and what each step took in seconds."""

    folder: Path
    behind: Behind
    visitors: Visitors
    codes: list[str]
    csv: str
    round: str = ""
    taken: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def step(self, words: str) -> Iterator[Callable[[str], None]]:
        """Time a step; what it yields takes what is worth telling about its outcome."""
        said: list[str] = []
        started = time.perf_counter()
        try:
            yield said.append
        finally:
            seconds = time.perf_counter() - started
            told = "; ".join(said)
            self.taken.append((words, seconds, told))
            click.echo(f"{seconds:8.1f} s  {words}{f': {told}' if told else ''}")

    def candour(self, *command: str, by: str = BODIES[0], status: int = 0) -> str:
        """What a command prints, errors too; it acts as a body’s lead inspector, as an address, or as the system."""
        who = ["--as", by if "@" in by else lead(by)] if by else []
        done = subprocess.run(
            [*CANDOUR, *command, *who], cwd=ROOT, env=environment_of(self.folder / "home"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        check(done.returncode == status, f"candour {' '.join(command)} ended with {done.returncode}: {said}")
        return said

    def open(self, email: str, path: str = "") -> Page:
        """Somebody at their browser, at an address or, with another path, below the page of the round."""
        page = self.visitors.open(email)
        page.set_default_timeout(PATIENCE)
        page.goto(path if path.startswith(("/returns/", "/rounds/")) else self.round + path)
        return page

    def id_of(self, code: str) -> str:
        """The public id of an agency's return."""
        return self.behind.do(lambda session: return_of(session, KEY, code).public_id)


def set_up(session: Session) -> None:
    """The checklists, and the people of the bodies that ask."""
    clock.pin(session, OPENS)
    now, by = clock.now(session), system_actor("proof")
    templates.publish(session, load_pack(ROOT / "audit_templates" / PACK), by=by, now=now)
    for body in BODIES:
        roles = {lead(body): "lead_inspector", **dict.fromkeys(inspectors(body), "inspector")}
        for email, role in roles.items():
            people.add_person(
                session, email=email, name=email.partition(".")[0].replace("@", " of ").title(), role=role,
                body_code=body, post="", starts=OPENS, ends=None, by=by, now=now,
            )  # fmt: skip


def opening(proof: Proof) -> None:
    """The round is planned on the pages, its agencies are uploaded, and it is opened."""
    page = proof.open(lead(BODIES[0]), "/rounds/new")
    page.get_by_role("radio").first.check()
    page.get_by_label("What is the round called?", exact=True).fill(NAME)
    page.get_by_label("Key (optional)", exact=True).fill(KEY)
    for label, day in (("due", date(2003, 5, 27)), ("closes", CLOSES)):
        for part, value in (("day", day.day), ("month", day.month), ("year", day.year)):
            page.locator(f"[name={label}-{part}]").fill(str(value))
    press(page, "Prepare the round")
    proof.round = page.url
    with proof.step("Upload the agencies as CSV, look, and add them (browser)"):
        page.goto(f"{proof.round}/agencies")
        file = proof.folder / "agencies.csv"
        file.write_text(proof.csv, "utf-8")
        page.get_by_label("CSV file", exact=True).set_input_files(file)
        press(page, "Check this file")
        press(page, f"Add {len(proof.codes)} agencies")
        expect(alert(page)).to_contain_text(f"{len(proof.codes)} agencies are added")
    with proof.step("Open the round (browser)"):
        page.goto(proof.round)
        press(page, "Open the round")
        press(page, "Open the round")
        expect(alert(page)).to_contain_text("The round is open")
    with proof.step("candour sample commit") as tell:
        tell(proof.candour("sample", "commit", KEY).strip())


def answering(proof: Proof) -> None:
    """All but a few answer everything and sign, some of them late; one nil return is recorded."""
    able = [code for code in proof.codes if code not in {*SILENT, NIL}]
    late = able[:: max(8, len(able) // LATECOMERS)]
    on_time = [code for code in able if code not in late]
    with proof.step("Answer and sign, on time (operations)") as tell:
        proof.behind.it_is(ANSWERED)
        started = time.perf_counter()
        for place, code in enumerate(on_time):
            # some agencies do well, some badly, most in between
            proof.behind.submit(KEY, [code], seed=2003, good=(0.55, 0.75, 0.9, 0.98)[place % 4])
        tell(f"{len(on_time)} returns, {1000 * (time.perf_counter() - started) / len(on_time):.0f} ms each")
    proof.behind.it_is(OVERDUE)
    with proof.step("candour round chase, dry and then sent") as tell:
        dry = proof.candour("round", "chase", KEY, "--reason", "past_due", "--dry-run")
        check(dry.count("would be reminded") > 0, "nobody would be reminded")
        for body in BODIES:
            tell(proof.candour("round", "chase", KEY, "--reason", "past_due", by=body).strip().splitlines()[-1])
    proof.behind.it_is(LATE)
    with proof.step("Answer and sign, late (operations)") as tell:
        proof.behind.submit(KEY, late, seed=2003, good=0.6)
        tell(f"{len(late)} returns")
    if NIL in proof.codes:
        with proof.step("Record a nil return (browser)"):
            page = proof.open(lead(BODIES[1]))
            page.goto(f"{proof.round}/returns/{proof.id_of(NIL)}")
            press(page, "Record a nil return, with the reason")
            page.get_by_label("What is the reason?", exact=True).fill("It closed in April.")
            press(page, "Record the nil return")


def closing(proof: Proof) -> None:
    """The round is closed, and the sample is drawn, from the terminal."""
    proof.behind.it_is(CLOSES)
    with proof.step("candour round close") as tell:
        tell(proof.candour("round", "close", KEY, "--reason", "All who will answer have answered.").strip())
    proof.behind.it_is(CHECKED)
    with proof.step("candour sample draw") as tell:
        tell(", ".join(proof.candour("sample", "draw", KEY).strip().splitlines()[2:]))
    with proof.step("candour sample verify"):
        check("DIFFERS" not in proof.candour("sample", "verify", KEY), "the draw cannot be repeated")


def checking(proof: Proof) -> str:
    """Each body assigns its checks; one is done on the pages, the others through the operations.

    Returns the code of the agency that was checked on the pages.
    """
    for body in BODIES:
        with proof.step(f"Assign the checks of {body} (browser)") as tell:
            page = proof.open(lead(body), "/sample")
            press(page, "Assign the rest evenly")
            tell(alert(page).inner_text().splitlines()[-1])
    first = inspectors(BODIES[2])[0]
    with proof.step("Check one return (browser)"):
        page = proof.open(first, "/moderation")
        link = page.get_by_role("table").get_by_role("link").first
        name = link.inner_text()
        link.click()
        uphold = page.get_by_role("radio", name=re.compile("^Uphold: "))
        for number in range(uphold.count()):
            uphold.nth(number).check()
        page.get_by_role("radio", name=re.compile("^Adjust to: ")).first.check()
        page.get_by_label("Reason", exact=True).first.fill("The files that were read show something else.")
        press(page, "Save, and finish this check")
        expect(alert(page)).to_contain_text("You have finished checking this audit")
    with proof.step("Check all the others (operations)") as tell:
        started = time.perf_counter()
        number = proof.behind.check(KEY, seed=2003)
        tell(f"{number} checks, {1000 * (time.perf_counter() - started) / max(1, number):.0f} ms each")
    return proof.behind.do(lambda session: session.scalars(select(Agency.code).where(Agency.name == name)).one())


def reading(proof: Proof) -> None:
    """A lead inspector opens every page of the round."""
    page = proof.open(lead(BODIES[1]))
    slowest = (0.0, "")
    with proof.step("Open every oversight page (browser)") as tell:
        for path in PAGES:
            started = time.perf_counter()
            answer = page.goto(proof.round + path)
            check(answer is not None and answer.status == 200, f"{path} did not open")
            slowest = max(slowest, (time.perf_counter() - started, path or "the round"))
        tell(f"{len(PAGES)} pages, the slowest {slowest[1]} in {slowest[0]:.1f} s")
    page.goto(f"{proof.round}/sample")
    check("named instead" not in page.get_by_role("main").inner_text(), "a large round has rates, not names")


def releasing(proof: Proof, checked: str) -> None:
    """Judged, prepared, checked by the agencies, and published at its minute, and not before."""
    for body in BODIES[:1]:
        with proof.step("candour judge") as tell:
            tell(proof.candour("judge", KEY, by=body).strip())
    for body in BODIES[1:]:
        with proof.step(f"candour judge, for {body}") as tell:
            tell(proof.candour("judge", KEY, by=body).strip())
    proof.behind.it_is(WINDOW)
    for body in BODIES:
        with proof.step(f"candour release prepare, for {body}") as tell:
            tell(proof.candour("release", "prepare", KEY, by=body).strip())
    with proof.step("candour release window"):
        proof.candour("release", "window", KEY, "--from", "2003-09-01 00:00", "--to", "2003-09-05 17:00")
    feedback = f"/returns/{proof.id_of(checked)}/feedback"
    proof.behind.let_in(head(checked), head(proof.codes[1]), password=PASSWORD)
    with proof.step("An agency reads its draft and challenges a statement (browser)"):
        agency = proof.open(head(checked), feedback)
        expect(agency.get_by_role("main")).to_contain_text("It is not published")
        agency.get_by_role("link", name=re.compile("^Challenge this.*you graded this", re.DOTALL)).first.click()
        agency.get_by_label("What is wrong, and how do you know?", exact=True).fill("The files were those of 2001.")
        press(agency, "Send the challenge")
    with proof.step("candour publish is refused"):
        said = proof.candour("publish", KEY, "--at", PUBLICATION, status=1)
        check("Challenges of agencies that are not settled: 1" in said, said)
    with proof.step("The inspectorate answers (browser)"):
        page = proof.open(inspectors(BODIES[2])[0], feedback)
        page.get_by_role("link", name=re.compile("^Answer this challenge")).first.click()
        page.get_by_role("radio", name="Accept: withdraw the statement", exact=True).check()
        page.get_by_label("What you say to the agency", exact=True).fill("You are right about the files.")
        press(page, "Send the answer")
    proof.behind.it_is(AFTER)
    with proof.step("candour publish") as tell:
        tell(proof.candour("publish", KEY, "--at", PUBLICATION).strip())
    publications = f"{proof.round}/publications"
    other = proof.open(head(proof.codes[1]))
    with proof.step("Nobody reads anything before its minute (browser)"):
        for reader, path in ((agency, publications), (other, publications), (other, feedback)):
            answer = reader.goto(path)
            check(answer is not None and answer.status == 404, f"{path} can be read too early")
    proof.behind.it_is(PUBLISHED)
    with proof.step("Published: the findings, and each agency its own feedback (browser)"):
        answer = agency.goto(feedback)
        check(answer is not None and answer.status == 200, "the feedback is not there")
        expect(agency.get_by_role("main")).to_contain_text("number 1, on 15 September 2003 at 09:30")
        answer = other.goto(publications)
        check(answer is not None and answer.status == 200, "the findings are not there")
        answer = other.goto(feedback)
        check(answer is not None and answer.status == 404, "the feedback to another agency can be read")


def documents(proof: Proof, checked: str) -> None:
    """The findings and some feedback as PDF files, with what they must and must not say."""
    with proof.step("The joint findings as a PDF (candour report render)") as tell:
        out = proof.folder / "findings.pdf"
        tell(proof.candour("report", "render", "joint-findings", "--round", KEY, "--out", str(out), by=head(checked))
             .strip().splitlines()[-1].partition(": ")[2])  # fmt: skip
        told = words_of(out)
        for words in (NAME, "818" if len(proof.codes) == 818 else NAME):
            check(words in told, f"the findings do not say {words}")
        check(name_of(checked) in told, "the findings do not name an agency with its judgement")
        check("The files were those of 2001." not in told, "the findings say what was found about one agency")
    for code in (checked, proof.codes[1], proof.codes[-5]):
        with proof.step(f"Feedback to {code} as a PDF (candour report render)"):
            out = proof.folder / f"{code}.pdf"
            proof.candour(
                "report", "render", "feedback", "--round", KEY, "--agency", code, "--out", str(out), by=head(code)
            )
            told = words_of(out)
            check(name_of(code) in told, f"the feedback to {code} does not name it")
            others = set(re.findall(r"Fictional [A-Z][a-z]+ \d{3}", told)) - {name_of(code)}
            check(not others, f"the feedback to {code} names {others}")


def batch(proof: Proof) -> None:
    """Feedback to every agency in one go: none twice, none missing, each with the hash that the list of them says."""
    with proof.step("Feedback to all agencies as PDFs (candour report batch)") as tell:
        out, started = proof.folder / "feedback.zip", time.perf_counter()
        said = proof.candour("report", "batch", "feedback", "--round", KEY, "--out", str(out), by="")
        minutes = (time.perf_counter() - started) / 60
        check(" 0 failed" in said, said)
        with ZipFile(out) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            names = [name for name in archive.namelist() if name.endswith(".pdf")]
            listed = {one["file"]: one["sha256"] for one in manifest["documents"]}
            check(len(names) == len(set(names)) and listed.keys() == set(names), "the list and the files differ")
            for name, sha256 in listed.items():
                check(hashlib.sha256(archive.read(name)).hexdigest() == sha256, f"{name} has another hash")
        expected = proof.behind.do(agencies_with_feedback)
        check(len(names) == expected, f"{len(names)} files for {expected} agencies")
        tell(f"{len(names)} files, {len(names) / minutes:.0f} a minute")


def agencies_with_feedback(session: Session) -> int:
    """How many agencies have feedback."""
    return session.scalar(select(func.count(func.distinct(Feedback.return_id)))) or 0


def words_of(path: Path) -> str:
    """The words of a PDF, with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def correcting(proof: Proof, checked: str) -> None:
    """What was found is put right after publication, and a second edition says what changed."""
    rid = proof.id_of(checked)
    with proof.step("Put a finding right, judge and prepare again (browser and terminal)"):
        page = proof.open(inspectors(BODIES[2])[0], f"/returns/{rid}/moderation")
        press(page, "Take it up again")
        page.get_by_role("radio", name=re.compile("^Uphold: ")).first.check()
        press(page, "Save, and finish this check")
        proof.candour("judge", KEY, "--agency", checked, by=BODIES[2])
        proof.candour("release", "prepare", KEY, by=BODIES[2])
    with proof.step("candour release correct") as tell:
        said = proof.candour("release", "correct", KEY, "--reason", "The files of 2003 were found.")
        check("Published as number 2" in said, said)
        tell(said.strip().splitlines()[-1])
    with proof.step("The disclosure pack of an agency (browser)"):
        page = proof.open(lead(BODIES[2]), f"/returns/{rid}/disclosure")
        expect(page.get_by_role("main")).to_contain_text("The files were those of 2001.")
        with page.expect_download() as coming:
            press(page, "Make the pack as a spreadsheet")
        check(coming.value.path().stat().st_size > 0, "the pack is empty")


def facts(session: Session) -> str:
    """What stands in the database at the end."""
    count = {
        model.__tablename__: session.scalar(select(func.count()).select_from(model))
        for model in (AuditReturn, Submission, SubmissionAnswer, SampledReturn, Feedback)
    }
    return ", ".join(f"{number} {name}" for name, number in count.items())


def as_markdown(proof: Proof, about: str, stands: str, minutes: float) -> str:
    """What each step took, as a page."""
    rows = [f"| {words} | {seconds:.1f} | {told} |" for words, seconds, told in proof.taken]
    return "\n".join(
        [
            "# A whole round\n",
            "One round of the pack climbie-2003, taken from opening to publication on the pages (Chromium) and from the"
            " terminal,",
            "by `make prove-round`. What hundreds of people do, answering, signing and checking, goes through the"
            " operations of the",
            "pages, each return in transactions of its own. Every step checks what is read; a command's time holds its"
            " start.\n",
            f"- {len(proof.codes)} agencies; {stands}",
            f"- {minutes:.1f} minutes in all, on SQLite, {datetime.now(UTC):%-d %B %Y}",
            about,
            "| Step | seconds | |",
            "|---|---:|---|",
            *rows,
            "",
        ]
    )


@click.command()
@click.option("--scale", default=1.0, show_default=True, help="Share of the 818 agencies; for trying the script out.")
@click.option("--keep", type=click.Path(path_type=Path), default=None, help="A new folder to keep the data in.")
def main(scale: float, keep: Path | None) -> None:
    """Take a round of 818 agencies from opening to publication, and say what each step took."""
    started = time.perf_counter()
    expect.set_options(timeout=PATIENCE)
    about = machine()
    lines = population(scale)
    csv = "\n".join(["code,name,type,subtype,areas,email,signatory", *lines.values()]) + "\n"
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        home = folder / "home"
        environment = environment_of(home)
        subprocess.run([*CANDOUR, "setup"], cwd=ROOT, env=environment, check=True, capture_output=True)
        with sync_playwright() as playwright, Behind(home) as behind:
            behind.do(set_up)
            everybody = [email for body in BODIES for email in (lead(body), *inspectors(body))]
            behind.let_in(*everybody, password=PASSWORD)
            browser = playwright.chromium.launch(
                executable_path=chromium_path(), headless=True, args=CHROMIUM_ARGUMENTS
            )
            with served(home, environment, free_port(), web_workers=2) as service:
                proof = Proof(folder, behind, Visitors(browser, service), list(lines), csv)
                try:
                    opening(proof)
                    answering(proof)
                    closing(proof)
                    checked = checking(proof)
                    reading(proof)
                    releasing(proof, checked)
                    documents(proof, checked)
                    batch(proof)
                    correcting(proof, checked)
                    check(not proof.visitors.trouble, "\n".join(proof.visitors.trouble))
                except (Failed, AssertionError) as failed:
                    click.echo(f"FAILED: {failed}", err=True)
                    sys.exit(1)
                stands = behind.do(facts)
            browser.close()
    minutes = (time.perf_counter() - started) / 60
    click.echo(f"{stands}\nAll of it held, in {minutes:.1f} minutes.")
    if scale == 1:
        RESULTS.write_text(as_markdown(proof, about, stands, minutes))


if __name__ == "__main__":
    main()
