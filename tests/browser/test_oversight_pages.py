"""What inspectors and peers do on their pages day by day: by keyboard, without scripts, with mistakes, and back.

Whole rounds, from opening to publication, are taken through in `test_whole_round.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.domain.sampling import SamplePlan
from app.models import Appointment, AuditReturn, AuditRound, Sample, SampledReturn, User
from app.operations import judgements, peers, people, release, sampling
from app.policy import system_actor
from app.queries.actors import actor_by_email
from app.queries.sampling import agency_types_of
from tests.browser.look import Looks
from tests.browser.service import PASSWORD, running
from tests.browser.steps import ROUND, alert, press
from tests.browser.visitors import Visitors, heading
from tests.in_bulk import Behind

INSPECTOR, LEAD = "inspector.social@inspectorate.example.org", "lead.social@inspectorate.example.org"
PEER = "peer.of.these.tests@inspectorate.example.org"
REASON = "Of twelve files that we read, five have no note of it."


class Checked:
    """A round after its closing: a sample drawn, judged, feedback prepared; who is at which browser."""

    def __init__(self, visitors: Visitors, found: dict[str, list[str]]) -> None:
        self.visitors = visitors
        self.round, self.to_check = found["round"][0], found["to check"]
        self.asked, self.lead_of_asked = found["asked"]

    def at(self, email: str, path: str = "", *, scripts: bool = True) -> Page:
        """Somebody at their browser, on a page of the round."""
        page = self.visitors.open(email, scripts=scripts)
        page.goto(f"/rounds/{self.round}{path}")
        return page


def prepare(session: Session) -> dict[str, list[str]]:
    """Close the demonstration's round, draw, judge and prepare; all checks of councils are one inspector's."""
    system = system_actor("test")
    audit_round = session.scalars(select(AuditRound).where(AuditRound.name == ROUND)).one()
    lead = actor_by_email(session, LEAD, now=clock.now(session))
    assert lead
    plan = SamplePlan(dict.fromkeys(agency_types_of(audit_round), 100), 1, 3, 0, 0, 0)
    known = session.scalar(select(Sample.id).where(Sample.round_id == audit_round.id))
    plans = sampling.change_plan if known else sampling.commit_sample
    plans(session, audit_round.public_id, plan, by=lead, now=clock.now(session))
    body = next(held.oversight_body_id for held in lead.held)
    served = {one.agency_type for one in audit_round.served if one.oversight_body_id == body}
    code = next(one.oversight_body.code for one in audit_round.served if one.oversight_body_id == body)

    day = clock.today(audit_round.closes) + timedelta(days=2)
    clock.pin(session, day)
    now = clock.now(session)
    people.add_person(
        session, email=PEER, name="Petra Peer", role="peer_reviewer", body_code=code, post="", starts=day, ends=None,
        by=system, now=now,
    )  # fmt: skip
    sampling.draw_sample(session, audit_round.public_id, by=lead, now=now)
    inspector = session.scalars(select(User).where(User.email == INSPECTOR)).one()
    drawn = session.scalars(
        select(AuditReturn)
        .join(SampledReturn, SampledReturn.return_id == AuditReturn.id)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(served))
        .order_by(AuditReturn.id)
    ).all()
    for one in drawn:
        sampling.assign(
            session, audit_round.public_id, one.public_id, inspector=inspector.public_id, by=lead, now=now
        )
    judgements.judge_round(session, audit_round.public_id, by=lead, now=now)
    release.prepare(session, audit_round.public_id, by=lead, now=now)
    reviewer = session.scalars(select(User).where(User.email == PEER)).one()
    review = peers.assign(session, drawn[-1].public_id, reviewer.public_id, by=lead, now=now)
    who = actor_by_email(session, PEER, now=now)
    assert who
    peers.declare(session, review.public_id, conflict="", by=who, now=now)
    asked = session.scalars(
        select(User)
        .join(Appointment, Appointment.user_id == User.id)
        .where(Appointment.agency_id == drawn[-1].agency_id, Appointment.role == "audit_lead")
    ).first()
    assert asked
    return {
        "round": [audit_round.public_id],
        "to check": [one.public_id for one in drawn],
        "asked": [drawn[-1].public_id, asked.email],
    }


Prepared = tuple[Visitors, dict[str, list[str]]]


@pytest.fixture(scope="module")
def prepared(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """A service of these tests' own, with the demonstration some days after its round closed."""
    with running(tmp_path_factory.mktemp("checked"), agencies=66) as service, Behind(service.home) as behind:
        found = behind.do(prepare)
        behind.let_in(PEER, found["asked"][1], password=PASSWORD)
        yield Visitors(chromium, service), found


@pytest.fixture
def checked(prepared: Prepared) -> Iterator[Checked]:
    """The round, and browsers for the people of one test. Afterwards nothing may have broken in any of them."""
    visitors, found = prepared
    visitors.trouble.clear()
    yield Checked(visitors, found)
    visitors.leave()
    assert not visitors.trouble, "\n".join([*visitors.trouble, f"The service says why in {visitors.service.log}"])


def tab_to(page: Page, target: Locator, *, most: int = 60) -> None:
    """Press the tab key until this has the focus."""
    page.wait_for_load_state()  # the key goes on from where a page stands once it is there
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"not reached within {most} presses of the tab key: {target}")


def answers(page: Page) -> list[Locator]:
    """The answers on the desk, in their order."""
    return page.locator(".cnd-criterion").all()


def test_checking_a_return_by_keyboard_alone(checked: Checked, looks: Looks) -> None:
    """From the list to the desk; uphold and go on, adjust without and with a reason, finish; the next return."""
    page = checked.at(INSPECTOR, "/moderation")
    expect(page.get_by_role("link", name="Moderation")).to_have_attribute("aria-current", "page")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the link that leads past the menu
    first = page.get_by_role("rowheader").get_by_role("link").first
    tab_to(page, first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Check ")
    looks.at(page, "the desk, nothing checked")
    upheld, adjusted, last = answers(page)
    tab_to(page, upheld.get_by_role("radio").first)
    page.keyboard.press("Space")
    tab_to(page, upheld.get_by_role("button", name=re.compile("^Save, and on to the next")))
    page.keyboard.press("Enter")
    expect(alert(page)).to_contain_text("1 finding is saved.")
    expect(upheld).to_contain_text("Upheld")
    # where the page stands now is where the tab key goes on from: the next answer
    tab_to(page, adjusted.get_by_role("radio").first, most=6)
    page.keyboard.press("ArrowDown")
    expect(adjusted.get_by_role("radio").nth(1)).to_be_checked()
    save = adjusted.get_by_role("button", name=re.compile("^Save, and on to the next"))
    tab_to(page, save)
    page.keyboard.press("Enter")
    expect(alert(page)).to_contain_text("There is a problem")
    expect(adjusted.get_by_role("radio").nth(1)).to_be_checked()
    looks.at(page, "the desk, an adjustment without a reason")
    tab_to(page, alert(page).get_by_role("link").first)
    page.keyboard.press("Enter")
    reason = adjusted.get_by_role("textbox", name="Reason", exact=True)
    expect(reason).to_be_focused()
    page.keyboard.type(REASON)
    tab_to(page, save)
    page.keyboard.press("Enter")
    expect(adjusted).to_contain_text("Adjusted")
    tab_to(page, last.get_by_role("radio").first, most=6)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Save, and finish this check"))
    page.keyboard.press("Enter")
    expect(alert(page)).to_contain_text("You have finished checking this audit")
    expect(page.get_by_role("main")).to_contain_text(REASON)
    looks.at(page, "the desk, finished")
    was = heading(page)
    page.get_by_role("link", name=re.compile("^Check the next one")).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_have_text(was)
    expect(page.get_by_role("main")).to_contain_text("0 of 3 answers checked")


def test_checking_without_scripts(checked: Checked) -> None:
    """The same with forms alone: what is wrong is said, what was typed stays, and one answer is saved by itself."""
    page = checked.at(INSPECTOR, scripts=False)
    page.goto(f"/returns/{checked.to_check[1]}/moderation")
    upheld, adjusted, _last = answers(page)
    adjusted.get_by_role("radio").nth(1).check()
    adjusted.get_by_role("textbox", name="What did you look at?").fill("Twelve case files.")
    upheld.get_by_role("radio").first.check()
    press(page, "Save all")
    expect(alert(page)).to_contain_text("There is a problem")
    expect(upheld).to_contain_text("Upheld")
    expect(adjusted.get_by_role("textbox", name="What did you look at?")).to_have_value("Twelve case files.")
    adjusted.get_by_role("textbox", name="Reason", exact=True).fill(REASON)
    adjusted.get_by_role("button", name=re.compile(r"^Save \(question")).click()
    expect(adjusted).to_contain_text("Adjusted")
    expect(page.get_by_role("main")).to_contain_text("2 of 3 answers checked")


def test_a_query_is_asked_from_the_desk_answered_and_closed(checked: Checked, looks: Looks) -> None:
    """A day that has passed is refused with the words kept; the agency finds it on its first page; both read on."""
    page = checked.at(INSPECTOR)
    page.goto(f"/returns/{checked.asked}/moderation")
    press(page, re.compile("^Ask the agency about this answer"))
    page.get_by_label("What is it about?", exact=True).fill("The files of May")
    page.get_by_label("What do you want to know?", exact=True).fill("Which teams did they come from?")
    due = page.get_by_role("group", name="Answer by which day?")
    due.get_by_label("Year", exact=True).fill("2001")
    press(page, "Send the query")
    expect(alert(page)).to_contain_text("There is a problem")
    expect(page.get_by_label("What do you want to know?", exact=True)).to_have_value("Which teams did they come from?")
    looks.at(page, "asking, with an error")
    due.get_by_label("Year", exact=True).fill("2003")
    press(page, "Send the query")
    expect(page.get_by_role("heading", level=1)).to_have_text("The files of May")

    agency = checked.visitors.open(checked.lead_of_asked)
    expect(agency.get_by_role("main")).to_contain_text("1 query of an inspector waits for your answer.")
    agency.get_by_role("paragraph").filter(has_text="query of an inspector").get_by_role("link").click()
    press(agency, "The files of May")
    looks.at(agency, "a query, to be answered")
    agency.get_by_label("Your answer", exact=True).fill("From the two duty teams.")
    press(agency, "Send the answer")
    expect(alert(agency)).to_be_visible()

    page.goto(f"/rounds/{checked.round}/queries")
    looks.at(page, "the queries of a round")
    press(page, "The files of May")
    expect(page.get_by_role("main")).to_contain_text("From the two duty teams.")
    press(page, "Close the query")
    expect(alert(page)).to_contain_text("Choose what came of this query")
    page.get_by_role("radio", name=re.compile("^Answered")).check()
    press(page, "Close the query")
    expect(page.get_by_role("main")).to_contain_text("Closed on")
    looks.at(page, "a closed query")


def test_from_a_cell_of_the_heat_map_to_the_agencies_and_back(checked: Checked, looks: Looks) -> None:
    """A cell leads to its criteria, a bar to the agencies behind it; the way back keeps what was chosen."""
    page = checked.at(LEAD, "/figures")
    looks.at(page, "the heat map")
    table = page.get_by_role("table", name="Share met by standard: Councils")
    cell = table.get_by_role("row").nth(2).get_by_role("link").first
    words = cell.inner_text()
    cell.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Figures by criterion")
    standard = words.split(", ")[1].partition(". ")[2]
    expect(page.get_by_role("heading", level=2, name=standard)).to_be_in_viewport()
    expect(page.get_by_label("Agency type", exact=True)).to_have_value("council")
    looks.at(page, "figures by criterion")
    page.get_by_text(f"These figures as a table: {standard}", exact=True).click()
    shown = page.get_by_role("table", name=standard)
    number = shown.get_by_role("link").first
    count = number.inner_text().split()[0]
    number.click()
    behind = page.get_by_role("table")
    expect(behind.get_by_role("row")).to_have_count(int(count) + 1)
    looks.at(page, "the agencies behind a number")
    press(page, "All criteria of these agencies")
    expect(page.get_by_role("heading", level=1)).to_have_text("Figures by criterion")
    expect(page.get_by_label("Agency type", exact=True)).to_have_value("council")


def test_so_few_agencies_are_named_and_not_plotted(checked: Checked, looks: Looks) -> None:
    """Each agency whose answers count stands in the table with what its share is made of; there is no plot."""
    page = checked.at(LEAD, "/figures/agencies?type=council")
    looks.at(page, "figures of few agencies")
    said = re.search(r"^(\d+) agencies\.", page.get_by_role("main").inner_text(), re.MULTILINE)
    assert said
    expect(page.get_by_role("region", name="Funnel plot")).to_have_count(0)
    every = page.get_by_role("table", name="Agencies by the share that is met, the lowest first")
    expect(every.get_by_role("row")).to_have_count(int(said[1]) + 1)
    shares = [int(one.removesuffix("%")) for one in every.get_by_role("cell", name="%").all_inner_texts()]
    assert shares == sorted(shares) and len(shares) == int(said[1])


# boxes of the names in the plot that touch a dot, or another name
TOUCHING = """(plot) => {
  const box = (one) => one.getBoundingClientRect();
  const dots = [...plot.querySelectorAll("circle, path[fill]:not([fill=none])")].map(box);
  const names = [...plot.querySelectorAll("text[aria-hidden=true]")].map((one) => [one.textContent, box(one)]);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom;
  return names.filter(([, one], at) => dots.some((dot) => meet(one, dot)) ||
    names.some(([, other], place) => place < at && meet(one, other))).map(([name]) => name);
}"""


def test_many_agencies_are_plotted_and_whoever_lies_outside_is_named(checked: Checked, looks: Looks) -> None:
    """The plot says in words what it shows, a dot outside leads to its agency by keyboard, and names can be read."""
    page = checked.at(LEAD, "/figures/agencies")
    looks.at(page, "a funnel plot")
    main = page.get_by_role("main")
    said = re.search(r"^(\d+) agencies\.", main.inner_text(), re.MULTILINE)
    outside = re.search(r"(\d+) agenc(?:y lies|ies lie) outside the limits of 95%", main.inner_text())
    assert said and int(said[1]) >= 50 and outside and int(outside[1]) > 0
    region = page.get_by_role("region", name="Funnel plot")
    plot = region.get_by_role(
        "group", name=re.compile(rf"number of criteria that count, {said[1]} agencies; {outside[1]} outside")
    )
    expect(plot).to_be_visible()
    named = page.get_by_role("table", name="Agencies outside the limits, the lowest first")
    expect(named.get_by_role("row")).to_have_count(int(outside[1]) + 1)
    assert plot.locator("text[aria-hidden=true]").count() > 0
    assert plot.evaluate(TOUCHING) == []
    dot = plot.get_by_role("link").first
    agency = (dot.get_attribute("aria-label") or "").partition(":")[0]
    expect(named.get_by_role("rowheader", name=agency, exact=True)).to_have_count(1)
    region.focus()
    tab_to(page, dot, most=1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(agency)
    page.go_back()
    page.get_by_text("All agencies as a table").click()
    every = page.get_by_role("table", name=re.compile("^All agencies, by name"))
    shown = every.get_by_role("row").count() - 1
    assert shown == min(50, int(said[1]))


def test_what_a_search_is_narrowed_to_stays_over_pages_and_the_way_back(checked: Checked, looks: Looks) -> None:
    """On the second page, and after looking at a text that was found, words and filters are as they were."""
    page = checked.at(INSPECTOR, "/search")
    page.get_by_label("Words", exact=True).fill("files OR team OR staff OR records OR practice")
    page.get_by_label("Kind of text", exact=True).select_option(label="Answer")
    page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("navigation", name=re.compile("Pag")).get_by_role("link", name=re.compile("Next")).click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("page 2 of")
    for label, value in (("Words", "files OR team OR staff OR records OR practice"), ("Kind of text", "answer")):
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    looks.at(page, "the second page of a search")
    found = page.get_by_role("link", name=re.compile(", question "))
    first = found.first.inner_text()
    found.first.click()
    page.go_back()
    expect(found.first).to_have_text(first)
    expect(page.get_by_label("Kind of text", exact=True)).to_have_value("answer")


def test_filters_and_pages_of_a_round_fold_on_a_phone(checked: Checked) -> None:
    """On a wide screen they are all there; on a narrow one behind their names, and open where something is chosen."""
    page = checked.at(INSPECTOR, "/search")
    moderation = page.get_by_role("link", name="Moderation", exact=True)
    expect(moderation).to_be_visible()
    expect(page.get_by_label("Kind of text", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 375, "height": 700})
    expect(moderation).to_be_hidden()
    expect(page.get_by_label("Kind of text", exact=True)).to_be_hidden()
    page.get_by_text("Pages of this round").click()
    expect(moderation).to_be_visible()
    page.goto(f"/rounds/{checked.round}/search?q=files&kind=answer")
    expect(page.get_by_label("Kind of text", exact=True)).to_be_visible()


def test_another_grade_is_proposed_only_with_grade_and_reason(checked: Checked, looks: Looks) -> None:
    """Each mistake leads to its field, and what was typed stays; the lead finds the proposal and decides."""
    page = checked.at(INSPECTOR)
    page.goto(f"/returns/{checked.to_check[0]}/judgements")
    press(page, re.compile("^Propose another grade"))
    press(page, "Propose it")
    for link in alert(page).get_by_role("link").all():
        target = page.locator(link.get_attribute("href") or "#")
        expect(target).to_have_count(1)
    page.get_by_label("Why?", exact=True).fill("We saw it on site in May.")
    press(page, "Propose it")
    expect(alert(page).get_by_role("link")).to_have_count(1)
    expect(page.get_by_label("Why?", exact=True)).to_have_value("We saw it on site in May.")
    looks.at(page, "proposing a grade, with an error")
    grades = page.get_by_role("radio")
    grades.last.check()
    press(page, "Propose it")
    if page.get_by_text("There is a problem").count():  # it was the grade that the rules give
        grades.first.check()
        press(page, "Propose it")
    expect(page.get_by_role("main")).to_contain_text("We saw it on site in May.")
    lead = checked.at(LEAD)
    lead.goto(page.url)
    looks.at(lead, "a judgement with a proposal")
    press(lead, re.compile("^Approve or decline what is proposed"))
    looks.at(lead, "deciding on a proposal")


def test_publication_is_confirmed_only_after_everything_is_said(checked: Checked, looks: Looks) -> None:
    """A time that has passed is refused; what stands in the way needs reasons, kept where one is missing."""
    page = checked.at(LEAD, "/release")
    looks.at(page, "release")
    in_the_way = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=re.compile("^Look")))
    assert in_the_way.count(), "checks of the sample are not finished"
    press(page, "Set the time of publication")
    day = page.get_by_role("group", name="Day of publication")
    press(page, "See what would come out")
    expect(alert(page)).to_contain_text("There is a problem")
    looks.at(page, "the time of publication, with errors")
    for label, value in (("Day", "1"), ("Month", "9"), ("Year", "2003")):
        day.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Time of day, in London", exact=True).fill("09:30")
    press(page, "See what would come out")
    expect(page.get_by_role("heading", level=1)).to_have_text("Publish on 1 September 2003 at 09:30?")
    looks.at(page, "confirming the publication")
    reasons = page.get_by_role("main").get_by_role("textbox")
    reasons.first.fill("It is settled by letter.")
    confirm = page.get_by_role("button", name=re.compile("^Publish on"))
    confirm.click()
    if reasons.count() > 1:
        expect(alert(page)).to_contain_text("There is a problem")
        expect(reasons.first).to_have_value("It is settled by letter.")
        for one in reasons.all():
            one.fill("It is settled by letter.")
        confirm.click()
    expect(page.get_by_role("main")).to_contain_text("The findings come out on 1 September 2003")
    press(page, "Take the time back")
    expect(page.get_by_role("main")).to_contain_text("No time is set for publication.")


def test_two_write_a_chapter_and_no_word_is_lost(checked: Checked, looks: Looks) -> None:
    """What the other saved stays, no button throws away what is typed, and leaving asks first."""
    path = "/composing/chapters/twins"
    hers, his, plain = checked.at(LEAD, path), checked.at(INSPECTOR, path), checked.at(INSPECTOR, path, scripts=False)

    def box(page: Page, name: str) -> Locator:
        return page.get_by_label(name, exact=True)

    for page in (his, plain):
        box(page, "After the figures").fill("His.")
        box(page, "Say something about this chapter").fill("Is this so?")
        press(page, "Add the comment")
        expect(alert(page)).to_contain_text("Your comment stands below")
        expect(page.get_by_text("Is this so?")).to_have_count(1)
        expect(box(page, "After the figures")).to_have_value("His.")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    his.on("dialog", stay)
    his.get_by_role("link", name="Cancel").click()
    expect(box(his, "After the figures")).to_have_value("His.")
    assert asked == ["beforeunload"]

    box(hers, "Before the figures").fill("Hers.")
    press(hers, "Save")
    press(his, "Save")
    expect(alert(his)).to_contain_text("Saved.")
    expect(box(his, "Before the figures")).to_have_value("Hers.")
    box(hers, "After the figures").fill("Hers, too.")
    press(hers, "Save")
    expect(alert(hers)).to_contain_text("There is a problem")
    expect(box(hers, "After the figures")).to_have_value("Hers, too.\n\nHis.")
    looks.at(hers, "two people changed one text")
    press(hers, "Save")
    expect(alert(hers)).to_contain_text("Saved.")
    his.get_by_role("link", name="Cancel").click()  # nothing is typed that is not saved
    expect(his.get_by_role("heading", level=1)).to_have_text("Write the report")
    assert asked == ["beforeunload"]


def test_a_peer_leaves_a_challenge(checked: Checked, looks: Looks) -> None:
    """Without words it is refused, with the subject kept; afterwards it waits among the reviewer's challenges."""
    page = checked.visitors.open(PEER)
    looks.at(page, "a peer reviewer's desk")
    page.get_by_role("main").get_by_role("link").first.click()
    looks.at(page, "a review")
    press(page, "Leave a challenge")
    page.get_by_label("Subject", exact=True).fill("Nights and weekends")
    press(page, "Send it to the agency")
    expect(alert(page)).to_contain_text("There is a problem")
    expect(page.get_by_label("Subject", exact=True)).to_have_value("Nights and weekends")
    looks.at(page, "a challenge, with an error")
    expect(page.get_by_role("link", name="Cancel")).to_be_visible()
    page.get_by_label("Your challenge", exact=True).fill("Who does it at three in the morning?")
    press(page, "Send it to the agency")
    expect(page.get_by_role("main")).to_contain_text("Waiting for an answer")
    press(page, "Nights and weekends")
    expect(page.get_by_role("main")).to_contain_text("Who does it at three in the morning?")
    looks.at(page, "a challenge of one's own")
