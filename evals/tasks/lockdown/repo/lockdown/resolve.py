"""One version of every package."""


class NoSolution(Exception):
    """There is no set of versions that fits."""


def resolve(index, requirements):
    """Name to Version. Raises NoSolution."""
    picked = {}
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop(0)
        if requirement.name in picked:
            if not requirement.allows(picked[requirement.name]):
                raise NoSolution(f"no version of {requirement.name} fits")
            continue
        version = next(filter(requirement.allows, index.versions(requirement.name)), None)
        if version is None:
            raise NoSolution(f"no version of {requirement.name} fits")
        picked[requirement.name] = version
        waiting += index.requirements(requirement.name, version)
    return picked
