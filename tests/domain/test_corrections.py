"""What a correction changes, in words that a reader can follow."""

from __future__ import annotations

from app.domain.corrections import SHOWN_WORDS, Changed, changes, excerpts

NOTHING = {
    "key_messages": [], "response": [], "response_total": {}, "themes": [], "optional": [], "milestones": [],
    "assurance": {"rows": []}, "twins": [], "not_responding": [],
}  # fmt: skip


def written(text: str, *recommendations: dict[str, object]) -> dict[str, object]:
    part = {"text": text, "key": ""}
    chapter = {"key": "about", "title": "About", "before": [part], "after": []}
    return NOTHING | {"composition": {"chapters": [chapter], "messages": [], "recommendations": recommendations}}


def one(number: int, text: str = "Do it.", due: str | None = "2003-12-01") -> dict[str, object]:
    return {"key": "rec-abcdef", "number": number, "text": text, "addressee": "Councils", "due": due}


def test_a_long_text_is_shown_from_where_it_begins_to_differ() -> None:
    same = "One word after the other, " * 40
    old, new = excerpts(f"{same}and so it was, all in all, for ever and a day.", f"{same}and so it is.")
    assert old == "… after the other, and so it was, all in all, for ever and a day."
    assert new == "… after the other, and so it is."
    assert excerpts("Short.", "Shorter.") == ("Short.", "Shorter.")
    assert excerpts("", "New.") == ("", "New.")
    # whatever it is that differs, the two are never alike, and never long
    long = "x" * 5000
    for then, now in ((long, f"{long}y"), (f"{same}{long}", f"{same}{long[1:]}z"), (same, f"{same}more")):
        found = excerpts(then, now)
        assert found[0] != found[1] and all(len(each) <= SHOWN_WORDS + 4 for each in found)


def test_what_is_written_and_recommended_is_compared_in_words() -> None:
    old = written("It was so\\.\n\nAnd *so*.", one(1), one(2, "Write."))
    new = written("It is so\\.\n\nAnd *so*.", one(2, "Write.", "2003-12-24"), one(3, "More.", None))
    assert changes(old, old) == []
    assert changes(old, new) == [
        Changed(chapter="composition", what="About", field="before", old="It was so. ¶ And *so*.",
                new="It is so. ¶ And *so*."),
        *(Changed(chapter="recommendations", what="1", field=field, old=was, new="")
          for field, was in (("body", "Do it."), ("addressee", "Councils"), ("due", "2003-12-01"))),
        Changed(chapter="recommendations", what="2", field="due", old="2003-12-01", new="2003-12-24"),
        *(Changed(chapter="recommendations", what="3", field=field, old="", new=is_now)
          for field, is_now in (("body", "More."), ("addressee", "Councils"))),
    ]  # fmt: skip
