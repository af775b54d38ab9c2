import pytest
from catalogue.cli import main


@pytest.fixture()
def parts(tmp_path):
    def write(count):
        file = tmp_path / "parts.txt"
        file.write_text("".join(f"part {number}\n" for number in range(1, count + 1)))
        return str(file)

    return write


def test_the_footer_of_a_short_last_page(parts, capsys):
    assert main([parts(12), "--page", "2", "--size", "10"]) == 0
    assert capsys.readouterr().out == "  11  part 11\n  12  part 12\n11-12, page 2 of 2\n"


def test_the_footer_of_a_full_last_page(parts, capsys):
    assert main([parts(4), "--page", "2", "--size", "2"]) == 0
    assert capsys.readouterr().out == "   3  part 3\n   4  part 4\n3-4, page 2 of 2\n"


def test_an_empty_catalogue_says_so(parts, capsys):
    assert main([parts(0)]) == 0
    assert capsys.readouterr().out == "nothing here\n"


def test_a_page_too_far_is_an_error(parts, capsys):
    assert main([parts(4), "--page", "3", "--size", "2"]) == 2
    assert capsys.readouterr().err == "catalogue: there is no page 3, the last one is 2\n"
