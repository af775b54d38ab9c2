from invoice import discount, subtotal, total

LINES = [
    {"quantity": 3, "unit_price": 1_500},
    {"quantity": 1, "unit_price": 5_500},
]


def test_subtotal_multiplies_quantity_and_price():
    assert subtotal(LINES) == 10_000


def test_no_discount_below_100():
    assert discount(9_999) == 0


def test_discount_starts_at_exactly_100():
    assert discount(10_000) == 500


def test_discount_starts_at_exactly_500():
    assert discount(50_000) == 5_000


def test_total_of_the_smallest_discounted_invoice():
    assert total(LINES) == 9_500 + 1_805
