"""Invoices of a small shop. Amounts are whole cents, so that nothing is lost to rounding."""


def subtotal(lines):
    """Sum of quantity times unit price over all lines."""
    total = 0
    for line in lines:
        total += line["quantity"] * line["unit_price"]
    return total


def discount(amount):
    """Five percent off from 100.00 on, ten percent off from 500.00 on."""
    if amount >= 50_000:
        return amount // 10
    if amount > 10_000:
        return amount // 20
    return 0


def total(lines, tax_percent=19):
    """What the customer pays: subtotal less discount, plus tax."""
    net = subtotal(lines) - discount(subtotal(lines))
    return net + net * tax_percent // 100
