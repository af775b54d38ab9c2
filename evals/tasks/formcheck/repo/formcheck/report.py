"""What was found wrong."""


class Report:
    def __init__(self, messages={}):
        self.messages = messages

    def add(self, field, message):
        self.messages.setdefault(field, []).append(message)

    def as_dict(self):
        return self.messages
