"""Importing framework libraries of CISO Assistant (YAML) as far as a checklist can hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.authoring.draft import Draft, Mistake, Refused
from app.authoring.imports import Maker, Words, clean, joined, named, slug
from app.catalogue import Node, read_document
from app.domain.asking import MAX_CHOICES
from app.domain.text import LANGUAGE_PATTERN

LARGEST = 20_000_000  # bytes of a library
LONGEST_TITLE = 200  # characters of a section's title that is made of several
LEFT_OUT = {
    "threats": "Threats are left out: a checklist has nothing like them",
    "reference_controls": "Reference controls are left out: a checklist has nothing like them",
    "weight": "Weights are left out: write rules (judgements.yaml) that use them",
    "maturity": "Levels of maturity of single requirements are left out",
    "display_mode": "How a requirement is displayed is left out",
    "importance": "Importance is left out: a checklist has nothing like it",
}
OBJECTS_LEFT_OUT = "Objects of the library that are no framework are left out"
TYPES = {
    "unique_choice": "choice", "multiple_choice": "choices", "text": "text", "date": "date", "number": "number",
    "boolean": "yes_no",
}  # fmt: skip


def import_ciso(path: Path, key: str) -> Draft:
    """The pack that a framework library comes to, under this key. Refused with the line that cannot be read."""
    document = read_document(path, most=LARGEST)
    if document.root is None or document.errors:
        raise Refused(*(Mistake(f"{path.name}:{error.line}", error.message) for error in document.errors))
    return _Import(document.root, key, path.name).draft()


class _Import:
    def __init__(self, root: Node, key: str, file_name: str) -> None:
        self.root = root
        self.maker = Maker(key)
        self.notes = self.maker.notes
        self.file_name = file_name
        language = str(root.value.get("locale") or "en")
        self.language = (
            language if len(language) in (2, 3) and language.isalpha() and language.islower() else "en"
        )

    def _place(self, node: Node) -> str:
        return f"{self.file_name}:{node.line}"

    def _refuse(self, node: Node, message: str) -> Refused:
        return Refused(Mistake(self._place(node), message))

    def draft(self) -> Draft:
        framework = self._framework()
        nodes = [node for node in framework.entries("requirement_nodes") if isinstance(node.value, dict)]
        if not nodes:
            raise self._refuse(framework, "the framework has no `requirement_nodes`, so it asks nothing")
        self._scores(framework)
        self.groups = self._implementation_groups(framework, nodes)
        self._nodes(nodes)
        title = (
            self._words(framework, "name")
            or self._words(self.root, "name")
            or framework.text("ref_id")
            or self.maker.key
        )
        summary = self._words(framework, "description") or self._words(self.root, "description")
        for name in ("provider", "copyright"):
            if text := self.root.text(name):
                self.notes.add("", f"The source names its {name}: {' '.join(text.split())[:400]}")
        return self.maker.draft(title, summary, None, f"the framework library `{self.file_name}`")

    def _framework(self) -> Node:
        objects = self.root.get("objects")
        if objects is None or not isinstance(objects.value, dict):
            raise self._refuse(self.root, "there is no `objects`, so this is no library of CISO Assistant")
        others = [name for name in objects.keys if name not in ("framework", "frameworks")]
        found = objects.get("framework") or objects.get("frameworks")
        if found is None:
            held = ", ".join(f"`{name}`" for name in others) or "nothing"
            raise self._refuse(
                objects, f"this library holds no framework, but {held}: there is nothing to ask"
            )
        for name in others:
            line, _ = objects.keys[name]
            self.notes.add(f"{self.file_name}:{line} ({name})", OBJECTS_LEFT_OUT)
        if isinstance(found.value, list):
            frameworks = list(found.children.values())
            if len(frameworks) != 1:
                raise self._refuse(
                    found,
                    f"this library holds {len(frameworks)} frameworks; give one with a single framework",
                )
            found = frameworks[0]
        if not isinstance(found.value, dict):
            raise self._refuse(found, "the framework is not a mapping")
        return found

    # --- texts

    def _words(self, node: Node, *heads: str) -> Words | None:
        """The texts under these heads, one below the other, in every language that has one."""
        texts: dict[str, list[str]] = {}
        place = self._place(node)
        for head in heads:
            if (value := node.value.get(head)) is not None:
                texts.setdefault(self.language, []).append(clean(str(value), self.notes, place))
        translations = node.value.get("translations")
        for language, told in translations.items() if isinstance(translations, dict) else ():
            if not isinstance(told, dict) or not re.match(LANGUAGE_PATTERN, language):
                continue
            for head in heads:
                if told.get(head):
                    texts.setdefault(language, []).append(clean(str(told[head]), self.notes, place))
        return joined(texts)

    def _titled(self, node: Node) -> Words | None:
        """The name of a node with its number before it."""
        number = str(node.value.get("ref_id") or "").strip()
        name = self._words(node, "name")
        if name is None:
            return number or None
        if not number:
            return name
        if isinstance(name, str):
            return f"{number} {name}"
        return {language: f"{number} {text}" for language, text in name.items()}

    # --- grades and groups

    def _scores(self, framework: Node) -> None:
        scores = [node for node in framework.entries("scores_definition") if isinstance(node.value, dict)]
        scores = [node for node in scores if isinstance(node.value.get("score"), int | float)]
        if len(scores) < 2:
            self.notes.add(
                "",
                "The grades are plain defaults (met, partly met, not met, not applicable): the source has no scores",
            )
            return
        scores.sort(key=lambda node: -float(node.value["score"]))
        colours = self.maker.defaults["colours"]
        grades: list[dict[str, Any]] = []
        for place, node in enumerate(scores):
            label = self._words(node, "name") or str(node.value["score"])
            keys = {grade["key"] for grade in grades}
            grades.append(
                {
                    "key": slug(f"score {node.value['score']}", keys),
                    "label": label,
                    "meaning": self._words(node, "description") or self.maker.text("meaning"),
                    "colour": colours[round(place * (len(colours) - 1) / (len(scores) - 1))],
                    "counts_as": "met" if place == 0 else "not_met",
                    "needs": [] if place == 0 else ["commentary"],
                }
            )
        self.maker.scheme = {
            "title": self.maker.scheme["title"],
            "grades": [*grades, self.maker.defaults["out_of_scope"]],
        }
        self.notes.add(
            f"{self.file_name}:{framework.keys['scores_definition'][0]}",
            "The grades are the scores of the source; only the highest counts as met, and “not applicable” is added",
        )

    def _implementation_groups(self, framework: Node, nodes: list[Node]) -> dict[str, str]:
        """The groups as subtypes: ref_id to key. Groups that nothing names are left out."""
        named_by_nodes = {
            str(group)
            for node in nodes
            for group in _listed(node, "implementation_groups")
            if group is not None
        }
        groups: dict[str, str] = {}
        for group in framework.entries("implementation_groups_definition"):
            if not isinstance(group.value, dict) or group.value.get("ref_id") is None:
                continue
            reference = str(group.value["ref_id"])
            if reference not in named_by_nodes or reference in groups:
                continue
            groups[reference] = slug(reference, groups.values(), "group")
            name = self._words(group, "name") or reference
            self.maker.subtypes[groups[reference]] = {"name": name, "plural": name}
        if groups:
            self.notes.add("", "Implementation groups are subtypes of the agency: each agency is of one")
        if unknown := named_by_nodes - set(groups):
            shown = ", ".join(sorted(unknown)[:5])
            self.notes.add(
                "", f"Implementation groups that the framework does not define are left out ({shown})"
            )
        return groups

    # --- requirements

    def _nodes(self, nodes: list[Node]) -> None:
        by_urn: dict[str, Node] = {}
        for node in nodes:
            urn = str(node.value.get("urn") or "").lower()
            if urn in by_urn:
                raise self._refuse(
                    node, f"the urn `{urn[-60:]}` is here twice, first in line {by_urn[urn].line}"
                )
            if urn:
                by_urn[urn] = node
        sections: dict[int, dict[str, Any]] = {}
        for node in nodes:
            if not node.value.get("assessable"):
                continue
            above = list(self._above(node, by_urn))
            section = next((each for each in above if not each.value.get("assessable")), None)
            known = id(section) if section else 0
            if known not in sections:
                sections[known] = self._section(section, above)
            self._requirement(node, sections[known])

    def _above(self, node: Node, by_urn: Mapping[str, Node]) -> Iterator[Node]:
        """The nodes that a node stands under, nearest first."""
        seen = {id(node)}
        while parent := str(node.value.get("parent_urn") or "").lower():
            if parent not in by_urn:
                self.notes.add(
                    self._place(node), "A requirement under a node that is not there stands where it can"
                )
                return
            node = by_urn[parent]
            if id(node) in seen:
                raise self._refuse(node, "the parents of this node go round in a circle")
            seen.add(id(node))
            yield node

    def _section(self, node: Node | None, above: list[Node]) -> dict[str, Any]:
        if node is None:
            return self.maker.standard(self.maker.text("standard"), None, self._place(self.root))
        title = self._titled(node)
        introduction = self._words(node, "description", "annotation")
        if title is None:
            # a section without a name is what its text says
            if introduction and len(named(introduction)) <= LONGEST_TITLE:
                title, introduction = introduction, None
            else:
                title = self.maker.text("standard")
        upper = next(
            (
                self._titled(each)
                for each in above[above.index(node) + 1 :]
                if not each.value.get("assessable")
            ),
            None,
        )
        if isinstance(title, str) and isinstance(upper, str) and len(upper) + len(title) < LONGEST_TITLE:
            title = f"{upper} – {title}"
        name = str(node.value.get("ref_id") or "") or str(node.value.get("urn") or "").rsplit(":", 1)[-1]
        return self.maker.standard(title, introduction, self._place(node), name)

    def _requirement(self, node: Node, section: dict[str, Any]) -> None:
        place = self._place(node)
        name = str(node.value.get("ref_id") or "") or str(node.value.get("urn") or "").rsplit(":", 1)[-1]
        key = self.maker.criterion_id(name)
        question = self._asked(node)
        if question is None:
            question = name
            self.notes.add(place, "Requirements without a name or a description are asked by their number")
        criterion: dict[str, Any] = {
            "id": key,
            "question": question,
            "why": self._words(node, "annotation") or self.maker.text("why"),
            "evidence": self._words(node, "typical_evidence") or self.maker.text("evidence"),
            "milestone": self.maker.milestone,
            "theme": self.maker.theme,
        }
        subtypes = self._subtypes(node)
        if subtypes:
            criterion["subtypes"] = subtypes
        for head, reason in LEFT_OUT.items():
            if node.value.get(head):
                line, _ = node.keys[head]
                self.notes.add(f"{self.file_name}:{line}", reason)
        section["criteria"].append(criterion)
        self.maker.places[("criterion", key)] = place
        self._questions(node, key, subtypes, section)

    def _asked(self, node: Node) -> Words | None:
        title, text = self._titled(node), self._words(node, "description")
        if title is None or text is None:
            return title or text
        if isinstance(title, str) and isinstance(text, str):
            return f"{title}\n\n{text}" if title != text else title
        tongues: dict[str, list[str]] = {}
        for words in (title, text):
            each = {self.language: words} if isinstance(words, str) else words
            for language, told in each.items():
                tongues.setdefault(language, []).append(told)
        return joined(tongues)

    def _subtypes(self, node: Node) -> list[str]:
        given = _listed(node, "implementation_groups")
        found = [self.groups[str(group)] for group in given if str(group) in self.groups]
        return list(dict.fromkeys(found)) if len(set(found)) < len(self.groups) else []

    def _questions(self, node: Node, key: str, subtypes: list[str], section: dict[str, Any]) -> None:
        """The questions of a requirement, each asked after it as a fact."""
        asked: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {}
        questions = node.get("questions")
        if questions is None or not isinstance(questions.value, dict):
            return
        for urn, question in questions.children.items():
            if not isinstance(question.value, dict):
                continue
            place = self._place(question)
            answer, keys = self._answer(question)
            own = self.maker.criterion_id(f"{key}-question-{len(asked) + 1}")
            criterion: dict[str, Any] = {
                "id": own,
                "question": self._words(question, "text") or self.maker.text("standard"),
                "why": self._words(question, "description", "annotation") or self.maker.text("why"),
                "evidence": self.maker.text("evidence"),
                "theme": self.maker.theme,
            }
            if subtypes:
                criterion["subtypes"] = subtypes
            criterion["answer"] = answer
            if depends := question.get("depends_on"):
                self._depends(depends, asked, criterion)
            asked[str(urn)] = own, answer, keys
            section["criteria"].append(criterion)
            self.maker.places[("criterion", own)] = place
        if asked:
            self.notes.add(
                self._place(questions),
                "Questions of a requirement are asked after it; the scores that their answers come to are left out",
            )

    def _answer(self, question: Node) -> tuple[dict[str, Any], dict[str, str]]:
        kind = str(question.value.get("type") or "text")
        type_ = TYPES.get(kind)
        place = self._place(question)
        if type_ is None:
            self.notes.add(place, f"Questions of the type `{kind[:40]}` are answered as a text")
            return {"type": "text"}, {}
        if type_ not in ("choice", "choices"):
            return {"type": type_}, {}
        choices: list[dict[str, Any]] = []
        keys: dict[str, str] = {}
        for number, node in enumerate(question.entries("choices"), 1):
            value = node.value if isinstance(node.value, dict) else {"value": node.value}
            urn = str(value.get("urn") or number)
            label = (
                self._words(node, "value")
                if isinstance(node.value, dict)
                else clean(str(node.value), self.notes, place)
            )
            if not label:
                self.notes.add(self._place(node), "Choices without words are left out")
                continue
            keys[urn] = slug(named(label), keys.values(), "choice")
            choices.append({"key": keys[urn], "label": label})
        if not 2 <= len(choices) <= MAX_CHOICES:
            self.notes.add(
                place,
                f"Questions with fewer than 2 or more than {MAX_CHOICES} choices are answered as a text",
            )
            return {"type": "text"}, {}
        return {"type": type_, "choices": choices}, keys

    def _depends(
        self,
        depends: Node,
        asked: Mapping[str, tuple[str, dict[str, Any], dict[str, str]]],
        criterion: dict[str, Any],
    ) -> None:
        """What a question depends on, as the condition under which it is shown."""
        given = depends.value if isinstance(depends.value, dict) else {}
        other = asked.get(str(given.get("question")))
        answers = given.get("answers") or []
        keys = (
            [other[2].get(str(answer)) for answer in answers] if other and isinstance(answers, list) else []
        )
        every = given.get("condition") == "all" and len(keys) > 1
        if other is None or not keys or not all(keys) or every:
            self.notes.add(
                self._place(depends),
                "Dependencies on more than one of some answers to a question before are left out",
            )
            return
        criterion["shown_if"] = {"criterion": other[0], "answers": list(dict.fromkeys(keys))}


def _listed(node: Node, head: str) -> list[Any]:
    """What is listed under a heading; nothing where it is no list."""
    value = node.value.get(head)
    return value if isinstance(value, list) else []
