"""Working offline in a browser: a spreadsheet is filled in, uploaded and decided about; a bundle goes out and in."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from app.sheets.cells import read_cells
from tests.browser.look import Looks
from tests.browser.steps import agency_page, alert, download, press
from tests.browser.visitors import Visitors
from tests.pdf_gate import assert_pdf_ua
from tests.sheets.workbooks import column_of, fill, saved_again

AGENCY = "South Harrowmarch Primary Care Trust"
LEAD = "audit.lead.h016@agencies.example.org"


def fetch(page: Page, name: str, folder: Path) -> Path:
    """Follow a link to a file."""
    with page.expect_download() as coming:
        press(page, name)
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def questions(path: Path) -> list[str]:
    """The ids of a spreadsheet's questions, in order."""
    found = []
    for sheet in read_cells(path.read_bytes()):
        if any(value == "candour:id" for value in sheet.cells.values()):
            column, head = column_of(sheet, "id"), 3
            found += [str(value) for (row, at), value in sorted(sheet.cells.items()) if at == column and row > head]
    return found


def test_a_spreadsheet_there_and_back(visitors: Visitors, looks: Looks, tmp_path: Path) -> None:
    """Two fill the sheet in, one of them without JavaScript: nothing of theirs is overwritten, and nothing is lost."""
    inspector = agency_page(visitors, "lead.health@inspectorate.example.org", AGENCY)
    press(inspector, "Reopen it, with a reason")
    inspector.get_by_label("Why is it reopened?", exact=True).fill("Please look at it again.")
    press(inspector, "Void the signature and reopen")

    lead = visitors.open(LEAD)
    press(lead, "Work offline, and downloads")
    looks.at(lead, "working offline, with a submission")
    sheet = fetch(lead, "Download the spreadsheet", tmp_path)
    one, two, three, four = questions(sheet)[:4]
    sheets = read_cells(sheet.read_bytes())
    for key in (one, two):
        fill(sheets, key, commentary=f"=Written on the train about {key}")
    fill(sheets, three, grade="Splendid", date_expected="soon", commentary="Kept all the same")
    nothing = dict.fromkeys(("grade", "basis", "files", "files_date", "commentary", "date_expected", "reason"))
    fill(sheets, four, **nothing).cells[90, 1] = "A note beside the answers"

    # a colleague saves the first answer, and the lead uploads a file of another kind first
    signatory = visitors.open("signatory.h016@agencies.example.org", scripts=False)
    press(signatory, "Work offline, and downloads")
    theirs = read_cells(sheet.read_bytes())
    fill(theirs, one, commentary="Saved at the desk")
    (tmp_path / "desk.xlsx").write_bytes(saved_again(theirs))
    signatory.get_by_label("The file", exact=True).set_input_files(tmp_path / "desk.xlsx")
    press(signatory, "Upload and look")
    expect(signatory.get_by_role("main")).to_contain_text("1 answer would change")
    press(signatory, "Save what is ticked and decided")
    expect(alert(signatory)).to_contain_text("1 answer saved.")

    press(lead, "Upload and look")
    expect(alert(lead)).to_contain_text("Choose the file to upload")
    looks.at(lead, "an upload without a file")
    (tmp_path / "train.xlsx").write_bytes(saved_again(sheets))
    lead.get_by_label("The file", exact=True).set_input_files(tmp_path / "train.xlsx")
    press(lead, "Upload and look")
    main = lead.get_by_role("main")
    for words in ("Saved at the desk", f"=Written on the train about {one}", "“Splendid” is not one of the grades",
                  "1 answer is empty in the file", "A note beside the answers"):  # fmt: skip
        expect(main).to_contain_text(words)
    for summary in lead.locator("summary").all():
        summary.click()
    looks.at(lead, "an upload with everything to decide about")
    conflict = lead.get_by_role("region", name="Changed by somebody else too")
    conflict.get_by_label("Put the two together, in the form below", exact=True).check()
    wrong = lead.get_by_role("region", name="Cannot be saved as it is")
    wrong.get_by_label("Save what the form below says", exact=True).check()
    wrong.get_by_label("Day", exact=True).last.fill("3")
    lead.get_by_role("region", name="Empty in the file").get_by_label("Keep what is saved now", exact=True).check()
    press(lead, "Save what is ticked and decided")
    expect(alert(lead).first).to_contain_text("must have a month and a year")
    looks.at(lead, "an upload, mended with another mistake in it")
    wrong.get_by_label("Month", exact=True).last.fill("9")
    wrong.get_by_label("Year", exact=True).last.fill("2003")
    wrong.get_by_label("Save what the form below says", exact=True).check()
    press(lead, "Save what is ticked and decided")
    expect(main).to_contain_text("Nothing is left to decide.")
    looks.at(lead, "an upload that is settled")

    again = read_cells(fetch_again(lead, tmp_path).read_bytes())
    said = {str(value) for page in again for value in page.cells.values()}
    for words in (f"=Written on the train about {one}\n\nSaved at the desk", f"=Written on the train about {two}",
                  "Kept all the same"):  # fmt: skip
        assert words in said

    press(lead, "The answers as they stand, as a PDF")
    assert_pdf_ua(download(lead, tmp_path))
    press(lead, "Back to the self-audit")
    press(lead, "Work offline, and downloads")
    press(lead, "Take answers and evidence to another installation, or bring them from there")
    bundle = fetch(lead, "Download the bundle", tmp_path)
    lead.get_by_label("The bundle", exact=True).set_input_files(bundle)
    press(lead, "Upload and look")
    expect(main).to_contain_text("Nothing is left to decide.")
    looks.at(lead, "a bundle that changes nothing")
    press(lead, "Work offline")
    looks.at(lead, "working offline, with uploads")
    expect(main).to_contain_text("To decide")
    lead.get_by_role("link", name=bundle.name).first.click()


def fetch_again(page: Page, folder: Path) -> Path:
    """The spreadsheet as it is now."""
    press(page, "Work offline")
    return fetch(page, "Download the spreadsheet", folder)
