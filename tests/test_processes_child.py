"""What the supervisor hands down to its processes."""

from mailbot.processes.child import environment_of

OURS = {
    "PATH": "/bin",
    "NOTIFY_SOCKET": "/run/systemd/notify",
    "WATCHDOG_USEC": "60000000",
    "LISTEN_FDS": "1",
    "MAILBOT_LISTEN": "127.0.0.1:25",
    "MAILBOT_SECRET": "a",
    "MAILBOT_SECRET_PREVIOUS": "b",
    "MAILBOT_RELAY_PASSWORD": "c",
    "MAILBOT_IMAP_PASSWORD_A": "d",
    "MAILBOT_DKIM_KEY_FILE": "/etc/key",
    "CREDENTIALS_DIRECTORY": "/run/credentials/mailbot.service",
}


def test_a_front_gets_no_secret_and_nobody_what_systemd_means_for_the_supervisor() -> None:
    assert environment_of("front-1", OURS) == {"PATH": "/bin", "MAILBOT_LISTEN": "127.0.0.1:25"}
    for name in ("main", "node-2"):
        assert environment_of(name, OURS).keys() == OURS.keys() - {
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
            "LISTEN_FDS",
        }
