"""A whole agency at work: many hands, a lost network, a spreadsheet, evidence, a signature refused and then given."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.service import running
from tests.browser.steps import ANSWERS, alert, finish, press, question, sign, text_box
from tests.browser.test_sharing import share_out
from tests.browser.visitors import Visitors
from tests.sheets.workbooks import edited, fill, sheet_with

LEAD, SIGNATORY = "audit.lead.h026@agencies.example.org", "signatory.h026@agencies.example.org"
NOTE = b"Referrals looked at in spring: 40, of which 38 were answered within a day.\n"


def state(page: Page) -> Locator:
    """The line at the foot of a standard that says what is saved."""
    return page.locator("[data-save-state]")


def write(page: Page, number: str, words: str) -> None:
    """Choose a grade that asks for a commentary, and type one; nobody presses a button."""
    question(page, number).get_by_role("radio", name="Partly in place", exact=True).check()
    text_box(page, "Commentary", number).press_sequentially(words)


def question_ids(page: Page) -> dict[str, str]:
    """The ids of the questions of a standard, by their numbers."""
    found: list[list[str]] = page.locator("[data-criterion]").evaluate_all(
        "(all) => all.map((one) => [one.querySelector('.cnd-criterion__ref').innerText, one.id.replace(/^q-/, '')])"
    )
    return {number.strip(): key for number, key in found}


@pytest.fixture
def visitors(chromium: Browser, tmp_path: Path) -> Iterator[Visitors]:
    """Browsers on a service of this test's own: its agency starts from nothing."""
    with running(tmp_path / "home", agencies=40, joined=[LEAD, SIGNATORY]) as service:
        people = Visitors(chromium, service)
        yield people
        people.leave()
        trouble = [one for one in people.trouble if "/answers" not in one]  # saves that were disputed
        assert not trouble, "\n".join(trouble)


def test_a_whole_agency(visitors: Visitors, tmp_path: Path) -> None:
    """Not a word is lost on the way, and every step is in the history."""
    administrator = visitors.open("administrator@candour.example.org")
    press(administrator, "Settings")
    administrator.get_by_role("radio", name="On", exact=True).check()
    press(administrator, "Save")

    # the lead shares one standard out to two new colleagues
    lead = visitors.open(LEAD)
    tasks = lead.url
    press(lead, "Who does what")
    links = [
        share_out(lead, None, name=name, email=f"{name.split()[0].lower()}.h026@agencies.example.org", standard=1)
        for name in ("Ada Bell", "Ben Marsh")
    ]
    ada, ben = visitors.open(), visitors.open()
    for person, link in zip((ada, ben), links, strict=True):
        person.goto(link)
        person.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
        expect(person.get_by_role("heading", level=1)).to_have_text("Assigned to you")
        press(person, "Go on with question 1.1")
        expect(question(person, "1.1")).to_be_visible()
    standard = ada.url.partition("#")[0]
    ids = question_ids(ada)

    # both write on one question at once: each sees the other's words, and they put the two together
    write(ada, "1.1", "Ada knows the day teams.")
    expect(state(ada)).to_contain_text("Everything is saved.")
    write(ben, "1.1", "Ben knows the night teams.")
    dispute = ben.get_by_role("group", name=re.compile(r"^A colleague has changed this answer too.*1\.1"))
    expect(dispute).to_contain_text("Ada knows the day teams.")
    dispute.get_by_role("button", name="Put the two together").click()
    expect(state(ben)).to_contain_text("Everything is saved.")

    # one loses the network in mid-sentence
    write(ada, "1.2", "The letters go out ")
    expect(state(ada)).to_contain_text("Everything is saved.")
    ada.context.set_offline(True)
    text_box(ada, "Commentary", "1.2").press_sequentially("within two days.")
    expect(state(ada)).to_contain_text("There is no connection")
    context, address = ada.context, ada.url
    ada.close()  # and the battery is empty
    context.set_offline(False)
    ada = context.new_page()
    ada.goto(address)
    expect(text_box(ada, "Commentary", "1.2")).to_have_value("The letters go out within two days.")
    expect(state(ada)).to_contain_text("Everything is saved.")

    # one works offline in the spreadsheet, while the other goes on
    ben.goto(tasks)
    press(ben, "Work offline, and downloads")
    with ben.expect_download() as coming:
        press(ben, "Download the spreadsheet")
    book = coming.value.path().read_bytes()
    write(ada, "1.3", "Ada, in the service, on 1.3.")
    expect(state(ada)).to_contain_text("Everything is saved.")

    def on_the_train(sheets) -> None:  # type: ignore[no-untyped-def]
        for number in ("1.3", "1.4"):
            assert ids[number] in sheet_with(sheets, ids[number]).cells.values()
            fill(sheets, ids[number], grade="Partly in place", commentary=f"Ben, on the train, on {number}.")

    upload = tmp_path / "filled in.xlsx"
    upload.write_bytes(edited(book, on_the_train))
    ben.get_by_label("The file", exact=True).set_input_files(upload)
    press(ben, "Upload and look")
    main = ben.get_by_role("main")
    expect(main).to_contain_text("1 answer was changed by somebody else too")
    expect(main).to_contain_text("Ada, in the service, on 1.3.")
    ben.get_by_role("radio", name="Put the two together, in the form below").check()
    press(ben, "Save what is ticked and decided")
    expect(main).to_contain_text("Nothing is left to decide.")

    # evidence is attached
    note = tmp_path / "spring.txt"
    note.write_bytes(NOTE)
    lead.goto(standard)
    lead.locator(f"#q-{ids['1.1']}").get_by_role("link", name=re.compile("^Add evidence")).click()
    lead.get_by_label("File", exact=True).set_input_files(note)
    lead.get_by_label("What does it show?", exact=True).fill("Counts of referrals.")
    press(lead, "Add it")
    lead.goto(standard)
    expect(lead.locator(f"#q-{ids['1.1']}")).to_contain_text("spring.txt")

    # every word of everybody stands
    for number, words in {
        "1.1": ("Ada knows the day teams.", "Ben knows the night teams."),
        "1.2": ("The letters go out within two days.",),
        "1.3": ("Ada, in the service, on 1.3.", "Ben, on the train, on 1.3."),
        "1.4": ("Ben, on the train, on 1.4.",),
    }.items():
        stands = text_box(lead, "Commentary", number).input_value()
        for one in words:
            assert one in stands, (number, stands)

    # the lead finishes the rest; the signatory declines once, and then signs
    lead.goto(tasks)
    finish(lead)
    assert len(ANSWERS) > 1
    signatory = visitors.open(SIGNATORY)
    press(signatory, "Read and sign")
    press(signatory, "Decline to sign for now")
    signatory.get_by_label("Why do you not sign?", exact=True).fill("Who looked at the forty referrals?")
    press(signatory, "Decline to sign for now")
    expect(alert(signatory)).to_contain_text("You declined to sign for now")
    lead.goto(tasks)
    expect(lead.get_by_role("region", name="Not signed yet")).to_contain_text("Who looked at the forty referrals?")
    press(lead, "Ask for the signature again")
    signatory.goto(tasks)
    press(signatory, "Read and sign")
    content_hash = sign(signatory)

    # what was signed is what was shown, and names the evidence by its hash
    signatory.get_by_text("What the hashes are for, and how to check them").click()
    with signatory.expect_download() as coming:
        press(signatory, "Download the signed content (JSON)")
    signed = coming.value.path().read_bytes()
    assert hashlib.sha256(signed).hexdigest() == content_hash
    content = json.loads(signed)
    evidence = [one["sha256"] for one in content["evidence"] if one["criterion"] == ids["1.1"]]
    assert evidence == [hashlib.sha256(NOTE).hexdigest()]

    # and the history has every step
    lead.goto(tasks)
    press(lead, "History")
    told = ""
    while True:
        told += lead.get_by_role("main").inner_text()
        following = lead.get_by_role("link", name="Next", exact=False).and_(lead.locator("[rel=next]"))
        if not following.count():
            break
        following.click()
        lead.wait_for_load_state()
    for words in (
        "Invited Ada Bell", "Invited Ben Marsh", "Gave “", "Saved 1 answer", "filled in.xlsx", "spring.txt",
        "Declined to sign for now", "Who looked at the forty referrals?", "Asked for the signature again",
        "Signed and submitted",
    ):  # fmt: skip
        assert words in told, words
