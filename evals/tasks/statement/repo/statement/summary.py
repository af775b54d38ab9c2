"""Sums by payee."""


def by_payee(rows):
    """Payee to the sum of cents, in the order of the payees' names."""
    sums = {}
    for row in rows:
        sums[row.payee] = sums.get(row.payee, 0) + row.cents
    return dict(sorted(sums.items()))
