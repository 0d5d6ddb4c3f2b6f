"""A mail that was read and routed in another process, as a front process does it."""

import pickle

from mailbot.config.model import Trust
from mailbot.domain.model import InboundMail
from mailbot.domain.routing.routed import Routed
from mailbot.mail.parsing.parse import parse
from mailbot.workers.inbound.prepare import prepare
from tests import builders
from tests.builders import NOW

RAW = (
    b"From: Budi <budi@pelanggan.example>\r\nTo: support@dukungan.example\r\nSubject: =?utf-8?q?Saldo_hilang?=\r\n"
    b"Message-ID: <a@pelanggan.example>\r\nX-Priority: =?utf-8?q?tinggi?=\r\n\r\nSaldo saya hilang.\r\n"
)


def test_a_prepared_mail_travels_between_processes_with_its_route():
    made = prepare(builders.envelope(), RAW, builders.policy(), Trust(), NOW)
    there: InboundMail = pickle.loads(pickle.dumps(made))

    assert there == parse(RAW)
    assert there.headers["x-priority"] == ("tinggi",)
    assert isinstance(there.routed, Routed)
    assert there.routed.found.rule == "payment"
