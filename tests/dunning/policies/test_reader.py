"""A badly written policy is refused with its file, line, key and a remedy."""

from __future__ import annotations

from datetime import date

import pytest

from services.dunning.policies import PolicyRefused, presets, read_policies, read_policy
from services.dunning.policies.policy import policy_from_data
from services.dunning.policies.problems import Problem
from shared.calendar import Calendars

GOOD = """\
schema_version: 1
id: mine
version: 1
timezone: Europe/Paris
currency: EUR
attempts:
  executor: merchant
  schedule:
    kind: business_days
    calendar: fr-ouvrable
    offsets: [1, 2, 3]
    local_time: "09:00"
  exhausted_when: deadline
grace: {length: {unit: business_days, n: 3, calendar: fr-ouvrable}}
remediation: {kind: new_signup}
"""


def problems(text: str, *, today: date | None = None) -> list[Problem]:
    return read_policies(text, file="mine.yaml", today=today).errors


def only(text: str, *, today: date | None = None) -> Problem:
    (problem,) = problems(text, today=today)
    return problem


def test_a_small_policy_is_enough_and_every_default_is_written_out() -> None:
    policy = read_policy(GOOD, file="mine.yaml")

    assert policy.to_data()["money"]["match"] == "exact"
    assert policy.attempts.schedule.kind == "business_days"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("exhausted_when: deadline", "on: deadline", 13, "attempts.on", "truth value"),
        (
            'local_time: "09:00"',
            "local_time: 10:00",
            12,
            "attempts.schedule.local_time",
            'put it in quotes: "10:00"',
        ),
        ('local_time: "09:00"', "local_time: 09:00", 12, "attempts.schedule.local_time", "sexagesimal"),
        ("offsets:", "ofsets:", 11, "attempts.schedule.ofsets", "did you mean `offsets`"),
        ("currency: EUR", "curency: EUR", 5, "curency", "did you mean `currency`"),
        (
            "calendar: fr-ouvrable\n",
            "calendar: fr-ouvrabel\n",
            10,
            "attempts.schedule.calendar",
            "fr-ouvrabel",
        ),
        ("executor: merchant", "executor: bank", 7, "attempts.executor", "'merchant', 'gateway' or 'none'"),
        ("kind: business_days", "kind: banking_days", 8, "attempts.schedule", "business_days"),
        ("unit: business_days", "unit: days", 14, "grace.length", "calendar_days"),
        ("[1, 2, 3]", "[1, two, 3]", 11, "attempts.schedule.offsets.1", "integer"),
        ("[1, 2, 3]", "[1, 3, 2]", 11, "attempts.schedule.offsets", "ascending"),
        ("[1, 2, 3]", "[]", 11, "attempts.schedule.offsets", "at least one"),
        ("timezone: Europe/Paris", "timezone: Europe/Pari", 4, "timezone", "IANA"),
        ("version: 1\ntime", "version: 0\ntime", 3, "version", "greater than or equal to 1"),
        ("currency: EUR", "currency: euro", 5, "currency", "match pattern"),
        ("id: mine", "id: mine\nid: other", 3, "id", "stands twice"),
        ("schema_version: 1", "schema_version: 2", 1, "schema_version", "reads version 1"),
        ("remediation: {kind: new_signup}", "remediation: {}", 15, "remediation", "lacks `kind`"),
        ("currency: EUR\n", "", 1, "", "lacks `currency`"),
        ("kind: new_signup", "kind: new_signup, 5: x", 15, "remediation.5", "is no word"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(old: str, new: str, line: int, key: str, says: str) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))

    assert (found[0].file, found[0].line, found[0].key) == ("mine.yaml", line, key)
    assert says in f"{found[0].message}; {found[0].remedy}"


def test_what_is_no_yaml_names_the_line() -> None:
    problem = only("schema_version: 1\nid: [mine\nversion: 1\n")

    assert problem.line == 3
    assert "no YAML" in problem.message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_without_a_policy_is_refused(text: str) -> None:
    assert "holds no mapping" in only(text).message


def test_a_value_that_contains_itself_is_refused_and_read_no_further() -> None:
    found = problems("schema_version: 1\nid: &me [*me]\n")

    assert any("contains itself" in problem.message for problem in found)


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
    found = problems(f"schema_version: 1\nl0: &l0 [x]\n{levels}\n")

    assert any("aliases counted each time" in problem.message for problem in found)


@pytest.mark.parametrize("junk", ["\0", "!!python/object:os.system [ls]", "[" * 40, "key: [", ".nan"])
def test_junk_in_a_file_is_a_problem_and_never_a_crash(junk: str) -> None:
    assert problems(GOOD + junk + "\n")


def test_retries_that_outlive_the_grace_are_refused_with_the_day_it_happens() -> None:
    text = GOOD.replace("unit: business_days, n: 3, calendar: fr-ouvrable", "unit: calendar_days, n: 3")
    problem = only(text, today=date(2026, 6, 1))

    assert problem.key == "grace.length"
    assert "for a failure on Thu 2026-06-04 the grace ends Sun 2026-06-07 24:00" in problem.message
    assert "continue_after_suspension" in problem.remedy


def test_retries_may_outlive_the_grace_when_the_school_says_so() -> None:
    text = GOOD.replace("unit: business_days, n: 3, calendar: fr-ouvrable", "unit: calendar_days, n: 3")

    assert problems(text.replace("  executor:", "  continue_after_suspension: true\n  executor:")) == []


def test_a_gateway_is_not_commanded_to_try_on_business_days() -> None:
    found = problems(GOOD.replace("executor: merchant", "executor: gateway"))

    assert found[0].key == "attempts.schedule.kind"
    assert "gateway_forecast" in found[0].remedy


def test_only_who_charges_by_itself_can_fall_back_on_another_method() -> None:
    schedule = "schedule: {kind: gateway_forecast, interval_days: {min: 3, max: 5}}"
    text = GOOD.replace(
        GOOD[GOOD.index("  executor") : GOOD.index("  exhausted")],
        f"  executor: gateway\n  total: 3\n  fallback_to_other_stored_method: true\n  {schedule}\n",
    )

    found = only(text)

    assert found.key == "attempts.fallback_to_other_stored_method"
    assert "executor is gateway" in found.message


def test_business_days_need_eighteen_months_of_known_holidays() -> None:
    assert problems(GOOD, today=date(2039, 6, 30)) == []
    found = problems(GOOD, today=date(2039, 7, 1))

    assert {problem.key for problem in found} == {"attempts.schedule.calendar", "grace.length.calendar"}
    assert "2040-12-31" in found[0].message


def test_business_days_need_a_calendar_that_knows_holidays() -> None:
    text = GOOD.replace("fr-ouvrable", "plain") + (
        "calendars:\n  plain: {timezone: Europe/Paris, working_weekdays: [mon, tue]}\n"
    )

    assert "knows no public holidays" in problems(text)[0].message


def test_a_calendar_of_the_files_own_is_used_and_checked() -> None:
    mine = "calendars:\n  mine:\n    timezone: Europe/Paris\n    working_weekdays: [mon, tue, wed, thu, fri, sat]\n"
    good = (
        GOOD.replace("fr-ouvrable", "mine") + mine + "    public_holidays: {country: FR, subdivision: null}\n"
    )
    bad = (
        GOOD.replace("fr-ouvrable", "mine") + mine + "    public_holidays: {country: ZZ, subdivision: null}\n"
    )

    assert problems(good) == []
    found = problems(bad)[0]
    assert (found.line, found.key) == (20, "calendars.mine.public_holidays")
    assert "ZZ" in found.message


def test_a_child_inherits_and_changes_only_what_it_names() -> None:
    text = "schema_version: 1\nid: softer\nversion: 2\nextends: fr-elearning\ngrace: {access: read_only}\n"
    child = read_policy(text, file="softer.yaml", parents=presets())

    assert child.grace.access == "read_only"
    assert child.grace.length == presets()["fr-elearning"].grace.length
    assert child.version == 2


def test_a_child_with_another_form_of_section_does_not_inherit_the_old_one() -> None:
    text = (
        "schema_version: 1\nid: other\nversion: 1\nextends: fr-elearning\n"
        "grace: {length: {unit: calendar_days, n: 30}}\n"
    )
    child = read_policy(text, file="other.yaml", parents=presets())

    assert child.grace.length.unit == "calendar_days"


def test_a_child_of_nobody_is_refused() -> None:
    text = "schema_version: 1\nid: lost\nversion: 1\nextends: fr-elearnin\n"
    (problem,) = read_policies(text, file="lost.yaml", parents=presets()).errors

    assert (problem.line, problem.key) == (4, "extends")
    assert "fr-elearning" in problem.remedy


def test_a_file_may_hold_several_policies_that_extend_each_other() -> None:
    second = "  - {id: two, version: 1, extends: one, grace: {access: read_only}}\n"
    body = "".join(f"    {line}\n" for line in GOOD.replace("id: mine", "id: one").splitlines()[1:])
    text = "schema_version: 1\npolicies:\n  -" + body[3:] + second
    reading = read_policies(text, file="both.yaml")

    assert reading.errors == []
    assert reading.policies["two"].grace.access == "read_only"
    with pytest.raises(PolicyRefused, match="one policy is expected, found one, two"):
        read_policy(text, file="both.yaml")


def test_lessons_are_cancelled_before_their_credits_lapse() -> None:
    text = (
        "schema_version: 1\nid: wrong\nversion: 1\nextends: jp-school\n"
        "on_exhaustion: [forfeit_all_unconsumed_credits, cancel_booked_lessons_by_admin]\n"
    )
    (problem,) = read_policies(text, file="wrong.yaml", parents=presets()).errors

    assert (problem.line, problem.key) == (5, "on_exhaustion")
    assert "J47" in problem.message


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("attempts: {schedule: {interval_days: {min: 6, max: 5}}}", "attempts.schedule.interval_days"),
        ("attempts: {total: 4}", "attempts.exhausted_when"),
        ("attempts: {exhausted_when: deadline}", "attempts.exhausted_when"),
        ("grace: {ends_at: after_last_attempt}", "grace.ends_at"),
        ("consequences: {owes: {suspend_access: jp.guidance}}", "consequences"),
        (
            "consequences: {owes: {create_guidance_task: fr.suspended}}",
            "consequences.owes.create_guidance_task",
        ),
        ("billing: {charge_on_any_day: false}", "billing.charge_on_any_day"),
        ("accepted_methods: {temporary_methods: []}", "accepted_methods.temporary_methods"),
        ("on_exhaustion: [drop_grandfathered_price]", "on_exhaustion"),
        ("attempts: {executor: none}", "attempts.schedule.kind"),
    ],
)
def test_sections_that_contradict_each_other_are_refused(change: str, key: str) -> None:
    text = f"schema_version: 1\nid: odd\nversion: 1\nextends: jp-school\n{change}\n"

    found = read_policies(text, file="odd.yaml", parents=presets()).errors
    assert key in {problem.key for problem in found}
    assert {problem.line for problem in found if problem.key == key} == {5}


def test_steps_of_access_come_in_order_and_before_the_end() -> None:
    steps = "grace: {steps: [{after_days: 9, access: read_only}, {after_days: 20, access: none}]}"
    text = f"schema_version: 1\nid: odd\nversion: 1\nextends: grace-then-readonly\n{steps}\n"

    (problem,) = read_policies(text, file="odd.yaml", parents=presets()).errors
    assert "a step comes after 20 days, and the grace ends after 14" in problem.message


def test_a_path_deadline_names_a_time_and_a_zone() -> None:
    text = 'schema_version: 1\nid: odd\nversion: 1\nextends: fr-elearning\nremediation: {deadline: {ends: "midnight"}}\n'

    (problem,) = read_policies(text, file="odd.yaml", parents=presets()).errors
    assert problem.key == "remediation.deadline.ends"


def test_many_retries_and_unpublished_holidays_are_warnings_and_no_errors(calendars: Calendars) -> None:
    text = (
        "schema_version: 1\nid: eager\nversion: 1\nextends: fr-elearning\n"
        "attempts: {schedule: {offsets: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}}\n"
        "grace: {length: {n: 16}}\n"
    )
    eager = read_policies(text, file="eager.yaml", parents=presets(), calendars=calendars)
    japanese = read_policies(presets()["jp-school"].to_yaml(), file="jp.yaml", today=date(2026, 11, 22))

    assert eager.errors == []
    assert "networks' limits" in eager.warnings[0].message
    assert japanese.errors == []
    assert "not yet published" in japanese.warnings[0].message


def test_what_is_wrong_is_told_as_a_line_that_editors_can_jump_to() -> None:
    problem = only(GOOD.replace("executor: merchant", "executor: bank"))

    assert str(problem).startswith("mine.yaml:7: attempts.executor: is 'bank'; write")


@pytest.mark.parametrize("name", sorted(presets()))
def test_a_preset_is_written_out_and_read_back_the_same(name: str) -> None:
    policy = presets()[name]

    assert read_policy(policy.to_yaml(), file=f"{name}.yaml", parents=presets()) == policy
    assert policy_from_data(policy.to_data()) == policy


def test_the_same_rules_have_the_same_hash_and_others_another() -> None:
    one = read_policy(GOOD, file="a.yaml")
    same = read_policy("# a comment\n" + GOOD, file="b.yaml")
    other = read_policy(GOOD.replace("[1, 2, 3]", "[1, 2]"), file="c.yaml")

    assert one.content_hash() == same.content_hash() != other.content_hash()
    assert len(one.content_hash()) == 64
