"""Judgements by rules that are data: the language of `judgements.yaml`, its checks, and what follows from answers.

`language` holds the kinds of indicators, conditions and judgements, each one small class; `book` ties them to a
checklist; `judging` gives the judgements of a return; `lifting` the answers that would lift one; `check` finds rules
that can never hold, that never come to it, or that leave answers without a grade. There is no expression language.
"""
