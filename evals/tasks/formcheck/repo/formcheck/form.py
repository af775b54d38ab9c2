"""A form: fields with rules."""

import copy

from formcheck.report import Report


class Form:
    def __init__(self, name, fields=None):
        self.name = name
        self.fields = fields if fields is not None else {}

    def field(self, name, *rules):
        self.fields.setdefault(name, []).extend(rules)
        return self

    def extend(self, name):
        return Form(name, copy.copy(self.fields))

    def check(self, values):
        """Field to messages. Values that are absent count as empty."""
        self._start()
        return self._check(values)

    def check_all(self, rows):
        """Number of the row to its messages, only of rows with something wrong."""
        self._start()
        found = {number: self._check(row) for number, row in enumerate(rows)}
        return {number: messages for number, messages in found.items() if messages}

    def _start(self):
        for rules in self.fields.values():
            for rule in rules:
                if hasattr(rule, "start"):
                    rule.start()

    def _check(self, values):
        report = Report()
        for field, rules in self.fields.items():
            for rule in rules:
                message = rule(values.get(field, ""))
                if message:
                    report.add(field, message)
        return report.as_dict()
