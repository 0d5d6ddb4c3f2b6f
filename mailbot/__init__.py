"""mailbot: an email ticketing daemon."""

__version__ = "0.1.0"
