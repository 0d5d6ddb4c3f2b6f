"""Bytes to an `InboundMail`, whatever the bytes are."""
