from formcheck import Form, between, required, unique


def test_all_is_well():
    assert Form("f").field("name", required).check({"name": "Ann"}) == {}


def test_what_is_wrong():
    form = Form("f").field("name", required).field("age", required, between(18, 120))
    assert form.check({"age": "17"}) == {"name": ["is missing"], "age": ["must be between 18 and 120"]}


def test_a_second_check_knows_nothing_of_the_first():
    form = Form("f").field("name", required)
    first = form.check({})
    assert form.check({"name": "Ann"}) == {}
    assert first == {"name": ["is missing"]}


def test_two_forms_know_nothing_of_each_other():
    Form("a").field("left", required).check({})
    assert Form("b").field("right", required).check({}) == {"right": ["is missing"]}


def test_rows_do_not_share_messages():
    form = Form("f").field("name", required)
    assert form.check_all([{"name": "Ann"}, {}, {"name": "Bo"}]) == {1: {"name": ["is missing"]}}


def test_rules_added_to_an_extension_are_its_own():
    form = Form("signup").field("age", required)
    staff = form.extend("staff").field("age", between(18, 67)).field("desk", required)
    assert form.check({"age": "70"}) == {}
    assert staff.check({"age": "70", "desk": "1"}) == {"age": ["must be between 18 and 67"]}
    assert "desk" not in form.fields


def test_rules_added_to_the_first_form_are_not_in_the_extension():
    form = Form("signup").field("age", required)
    staff = form.extend("staff")
    form.field("age", between(18, 67))
    assert staff.check({"age": "70"}) == {}


def test_unique_within_one_check_all():
    form = Form("f").field("name", unique(["root"]))
    assert form.check_all([{"name": "ann"}, {"name": "root"}, {"name": "ann"}]) == {
        1: {"name": ["is taken"]},
        2: {"name": ["is taken"]},
    }


def test_unique_starts_again_with_every_check():
    form = Form("f").field("name", unique(["root"]))
    assert form.check_all([{"name": "ann"}]) == {}
    assert form.check_all([{"name": "ann"}]) == {}
    assert form.check({"name": "ann"}) == {}
    assert form.check({"name": "root"}) == {"name": ["is taken"]}


def test_unique_leaves_the_known_names_alone():
    known = {"root"}
    form = Form("f").field("name", unique(known))
    form.check_all([{"name": "ann"}])
    assert known == {"root"}
