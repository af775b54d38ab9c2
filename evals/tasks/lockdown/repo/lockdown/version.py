"""Versions and their order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    text: str

    @property
    def numbers(self):
        numbers = [int(number) for number in self.text.partition("-")[0].split(".")]
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers)

    @property
    def prerelease(self):
        """What follows the "-", or "" for a release."""
        return self.text.partition("-")[2]

    def __eq__(self, other):
        return self.numbers == other.numbers and self.prerelease == other.prerelease

    def __hash__(self):
        return hash((self.numbers, self.prerelease))

    def __lt__(self, other):
        return (self.numbers, self.prerelease) < (other.numbers, other.prerelease)

    def __le__(self, other):
        return self == other or self < other
