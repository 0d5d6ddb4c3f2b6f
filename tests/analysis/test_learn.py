"""Test what is learned from tickets, and how sure it is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailbot.analysis import learn as learning
from mailbot.analysis.corrections import settled_tickets
from mailbot.analysis.learn import (
    Example,
    NotEnough,
    example_of,
    learn,
    lower_bound,
    teaches,
    without_guesses,
)
from mailbot.config.yaml.source import MAX_BYTES
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.routing.learned import Learned, Model, encode
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.store import Store
from tests.analysis.desk_tickets import tickets
from tests.builders import RINA
from tests.workers.test_intake import Desk

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def model() -> Model:
    return learn(tickets(1500))


def test_learning_twice_from_the_same_tickets_gives_the_same_bytes() -> None:
    assert encode(learn(tickets(400))) == encode(learn(tickets(400)))


@pytest.mark.parametrize("category", ["fraud", "payment/failed", "delivery"])
def test_what_a_precision_promises_holds_for_new_mail(model: Model, category: str) -> None:
    learned = model.categories[category]
    reached = learned.threshold(0.9)
    assert reached
    new = tickets(3000, seed=2)
    scored = [each for each in new if learned.score(each.subject, each.text) >= reached.score]
    right = [each for each in scored if each.category.startswith(category)]
    assert len(right) / len(scored) >= 0.9
    of_category = sum(each.category.startswith(category) for each in new)
    assert len(right) / of_category >= reached.caught - 0.08


def test_a_category_covers_those_below_it(model: Model) -> None:
    assert model.examples["fraud"] == model.examples["fraud/stolen"] > 50
    assert {"fraud", "fraud/stolen"} <= model.categories.keys()


def test_too_few_tickets_are_refused_with_their_number() -> None:
    with pytest.raises(NotEnough, match="150 tickets, and at least 200 are needed"):
        learn(tickets(150))
    one_matter = [replace(each, category="general") for each in tickets(300)]
    with pytest.raises(NotEnough, match="general, and at least 50 of a category and 5 others are needed"):
        learn(one_matter)
    with pytest.raises(NotEnough, match="0 tickets"):
        learn([])


def test_the_same_words_of_many_tickets_count_once() -> None:
    storm = [Example("Gangguan", "Aplikasi tidak bisa dibuka", "general")] * 300
    with pytest.raises(NotEnough, match="1 tickets"):
        learn(storm)


def test_what_only_a_few_customers_wrote_is_not_kept() -> None:
    rare = [replace(each, text=f"{each.text} Zyxwvut") for each in tickets(4, seed=5)]
    assert "zyxwv" not in encode(learn([*tickets(400), *rare]))


def test_the_file_stays_below_the_size_of_a_configuration_file() -> None:
    weights = {f"kata {number:06}": -12.345 for number in range(learning.PIECES)}
    learned = dict.fromkeys(map(str, range(learning.MOST_CATEGORIES)), Learned(0.0, weights, ()))
    assert len(encode(Model(learned))) < learning.MOST_BYTES < MAX_BYTES


def test_what_a_rule_at_the_end_would_take_is_counted_apart() -> None:
    known = [replace(each, is_left=len(each.text) > 150) for each in tickets(1500)]
    reached = learn(known).categories["payment"].reached[-1]
    taken = sum(each.is_left and each.category.startswith("payment") for each in known)
    assert 0 < reached.right <= reached.taken
    assert 0.5 * reached.caught < reached.right / taken <= 1


@pytest.mark.parametrize(
    ("hits", "tries", "expected"), [(59, 59, 0.956), (95, 100, 0.901), (50, 50, 0.949), (0, 10, 0.0)]
)
def test_the_lower_bound_is_that_of_wilson(hits: int, tries: int, expected: float) -> None:
    assert lower_bound(hits, tries) == pytest.approx(expected, abs=0.0006)


async def test_corrected_tickets_teach_and_closed_ones_that_nobody_corrected(store: Store) -> None:
    desk = Desk(store)

    def do(number: str, *commands: c.AnyCommand) -> None:
        command = TicketCommand(number, Act(commands), Actor.agent(RINA.address), desk.clock)
        assert isinstance(run_command(store, desk.runtime, command), Acted)

    corrected = await desk.receive(Subject="Saldo", body="Saldo saya pindah sendiri.")
    desk.clock += timedelta(minutes=1)
    closed = await desk.receive(Subject="Saldo terpotong")
    await desk.receive(Subject="Barang")  # still open: nobody has looked at it
    desk.clock += timedelta(minutes=1)
    left = await desk.receive(Subject="Isi dompet")
    do(corrected.number, c.Correct(category="fraud"))
    do(closed.number, c.Close())
    do(left.number, c.Correct(category="fraud"))

    policy = without_guesses(desk.runtime.snapshot.policy)
    taught = [
        example_of(each, policy) for each in settled_tickets(store, corrected.opened_at) if teaches(each)
    ]

    assert [(each.subject, each.category) for each in taught] == [
        ("Saldo", "fraud"),
        ("Saldo terpotong", "payment"),
        ("Isi dompet", "fraud"),
    ]
    assert taught[0].text.strip() == "Saldo saya pindah sendiri."
    assert [each.is_left for each in taught] == [False, False, True]
