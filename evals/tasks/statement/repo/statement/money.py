"""Amounts in whole cents."""


def cents(text):
    """Cents in "1234.56", "1,234.56", "1.234,56" or "-7". Raises ValueError."""
    text = text.strip()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    mark = max(digits.rfind("."), digits.rfind(","))
    if mark >= 0 and len(digits) - mark - 1 <= 2:
        whole, part = digits[:mark], digits[mark + 1 :]
    else:
        whole, part = digits, ""
    whole = whole.replace(".", "").replace(",", "")
    return sign * (int(whole or "0") * 100 + int(part.ljust(2, "0")))
